"""Seeded packets, sound and damaged, that the decoders and plain reference decoders must read alike."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from kittiwake.model.types import WireError
from kittiwake.wire.file_packets import CancelPacket, DataPacket, EndPacket, StartPacket, decode
from kittiwake.wire.packets import (
    channel_entry,
    channel_packet,
    check_channel_packet,
    command_packet,
    event_packet,
    parse_channel_entry,
    parse_command,
    parse_event,
    parse_telemetry,
    telemetry_packet,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[bytes], Any]


class Short(Exception):
    """The reference ran out of bytes or met a value that must not be."""


class Cursor:
    """Takes big-endian numbers and bytes off the front, one byte at a time."""

    def __init__(self, data: bytes) -> None:
        self.rest = list(data)

    def take(self, count: int) -> bytes:
        if len(self.rest) < count:
            raise Short
        taken, self.rest = self.rest[:count], self.rest[count:]
        return bytes(taken)

    def number(self, size: int) -> int:
        value = 0
        for byte in self.take(size):
            value = value * 256 + byte
        return value

    def expect(self, size: int, value: int) -> None:
        if self.number(size) != value:
            raise Short

    def tag(self) -> int:
        base, _context, seconds, useconds = self.number(2), self.number(1), self.number(4), self.number(4)
        if useconds > 999_999:
            raise Short
        return base * 2**64 + seconds * 1_000_000 + useconds

    def text(self) -> str:
        try:
            return str(self.take(self.number(1)), "utf-8")
        except UnicodeDecodeError:
            raise Short from None

    def end(self) -> None:
        if self.rest:
            raise Short


def reference_command(data: bytes) -> tuple[int, bytes]:
    cursor = Cursor(data)
    cursor.expect(2, 0)
    return cursor.number(4), bytes(cursor.rest)


def reference_event(data: bytes) -> tuple[int, int, bytes]:
    cursor = Cursor(data)
    cursor.expect(2, 2)
    return cursor.number(4), cursor.tag(), bytes(cursor.rest)


def reference_telemetry(data: bytes) -> tuple[int, int, bytes]:
    cursor = Cursor(data)
    cursor.expect(2, 4)
    return cursor.number(2), cursor.tag(), bytes(cursor.rest)


def reference_channels(data: bytes) -> list[tuple[int, int, bytes]]:
    """Entries whose values have four bytes each."""
    cursor = Cursor(data)
    cursor.expect(2, 1)
    entries = []
    while cursor.rest:
        entries.append((cursor.number(4), cursor.tag(), cursor.take(4)))
    return entries


def read_channels(data: bytes) -> list[tuple[int, int, bytes]]:
    offset = check_channel_packet(data)
    entries = []
    while offset < len(data):
        channel_id, tag, start = parse_channel_entry(data, offset)
        offset = start + 4
        if offset > len(data):
            raise WireError("the value ends early")
        entries.append((channel_id, tag, data[start:offset]))
    return entries


def reference_file(data: bytes) -> tuple[Any, ...]:
    cursor = Cursor(data)
    cursor.expect(2, 3)
    kind, index = cursor.number(1), cursor.number(4)
    result: tuple[Any, ...]
    if kind == 0:
        result = (StartPacket, index, cursor.number(4), cursor.text(), cursor.text())
    elif kind == 1:
        result = (DataPacket, index, cursor.number(4), cursor.take(cursor.number(2)))
    elif kind == 2:
        result = (EndPacket, index, cursor.number(4))
    elif kind == 3:
        result = (CancelPacket, index)
    else:
        raise Short
    cursor.end()
    return result


def read_file(data: bytes) -> tuple[Any, ...]:
    packet = decode(data)
    assert packet.encode() == data
    return (type(packet), *packet)


READERS: tuple[tuple[Reader, Reader], ...] = (
    (parse_command, reference_command),
    (parse_event, reference_event),
    (parse_telemetry, reference_telemetry),
    (read_channels, reference_channels),
    (read_file, reference_file),
)


def fuzz_packet_decoders(count: int, seed: int) -> int:
    """Gives each of `count` packets to every decoder and its reference; gives the number of times one was accepted."""
    accepted = 0
    for index in range(count):
        random = Random(f"packets {seed} {index}")
        data = _damaged(random, _packet(random))
        for read, reference in READERS:
            expected: Any
            try:
                expected = reference(data)
            except Short:
                expected = WireError
            try:
                found = read(data)
                accepted += 1
            except WireError:
                found = WireError
            assert found == expected, f"{read.__name__}: {data.hex()}"
    return accepted


def _packet(random: Random) -> bytes:
    tag = random.randrange(5) << 64 | random.randrange(2**32 * 1_000_000)
    number = random.getrandbits(32)
    body = random.randbytes(random.choice((0, 1, 4, 4, 30)))
    match random.randrange(9):
        case 0:
            return command_packet(number, body)
        case 1:
            return event_packet(number, tag, body)
        case 2:
            return telemetry_packet(number & 0xFFFF, tag, body)
        case 3:
            return channel_packet(channel_entry(number, tag, random.randbytes(4)) for _ in range(random.randrange(4)))
        case 4:
            name = random.choice(("", "/a", "/seq/é.bin", "x" * 255))
            return StartPacket(number, random.getrandbits(32), name, "/b").encode()
        case 5:
            return DataPacket(number, random.getrandbits(32), body).encode()
        case 6:
            return EndPacket(number, random.getrandbits(32)).encode()
        case 7:
            return CancelPacket(number).encode()
        case _:
            return random.randbytes(random.randrange(40))


def _damaged(random: Random, data: bytes) -> bytes:
    match random.randrange(8):
        case 0:
            return data[: random.randrange(len(data) + 1)]
        case 1:
            return data + random.randbytes(random.randint(1, 4))
        case 2 | 3 | 4 if data:
            changed = bytearray(data)
            changed[random.randrange(min(len(data), 24))] = random.choice((0, 1, 2, 3, 4, 0xFF, random.randrange(256)))
            return bytes(changed)
        case _:
            return data
