"""Slow, obvious decoders of whole streams, which say what the fast ones must accept.

They share no code with `kittiwake.wire`: bytes are looked at one by one, headers as strings of bits, checks bit by bit.
"""

from __future__ import annotations

from typing import NamedTuple


class Accepted(NamedTuple):
    """What a stream holds: its F´ packets, and how many frames were sound, failed their check or were too large."""

    packets: list[bytes]
    frames: int
    crc_errors: int
    oversize: int


def bits(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


def number(text: str) -> int:
    return int(text, 2)


def _crc16_of_byte(index: int) -> int:
    register = index << 8
    for _ in range(8):
        register = (register << 1 ^ 0x1021) if register & 0x8000 else register << 1
    return register & 0xFFFF


def _crc32_of_byte(index: int) -> int:
    register = index
    for _ in range(8):
        register = (register >> 1 ^ 0xEDB88320) if register & 1 else register >> 1
    return register


CRC16_TABLE = [_crc16_of_byte(index) for index in range(256)]
CRC32_TABLE = [_crc32_of_byte(index) for index in range(256)]


def crc16(data: bytes) -> int:
    register = 0xFFFF
    for byte in data:
        register = (register << 8 & 0xFFFF) ^ CRC16_TABLE[(register >> 8) ^ byte]
    return register


def crc32(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register = (register >> 8) ^ CRC32_TABLE[(register ^ byte) & 0xFF]
    return register ^ 0xFFFFFFFF


def decode_uplink_ccsds(stream: bytes, scid: int, vcid: int, max_frame_size: int) -> Accepted:
    """TC frames, each with one unsegmented space packet."""
    packets, frames, crc_errors, oversize = [], 0, 0, 0
    at = 0
    while len(stream) - at >= 4:
        header = bits(stream[at : at + 4])
        version, bypass, control, spare = header[0:2], header[2], header[3], header[4:6]
        ours = (version, bypass, control, spare) == ("00", "1", "0", "00")
        ours = ours and number(header[6:16]) == scid and number(header[16:22]) == vcid
        size = number(header[22:32]) + 1
        if not ours or size < 8:
            at += 1
        elif size > max_frame_size:
            oversize += 1
            at += 1
        elif at + size > len(stream):
            break
        else:
            frame = stream[at : at + size]
            if crc16(frame[:-2]) != frame[-2] * 256 + frame[-1]:
                crc_errors += 1
                at += 1
            else:
                frames += 1
                at += size
                packet = _only_telecommand(frame[5:-2])
                if packet is not None:
                    packets.append(packet)
    return Accepted(packets, frames, crc_errors, oversize)


def _only_telecommand(field: bytes) -> bytes | None:
    if len(field) < 7:
        return None
    header = bits(field[:6])
    version, kind, secondary, apid, flags = header[0:3], header[3], header[4], number(header[5:16]), header[16:18]
    if (version, kind, secondary, flags) != ("000", "1", "0", "11"):
        return None
    if apid == 0x7FF or len(field) != 6 + number(header[32:48]) + 1:
        return None
    return field[6:]


def decode_fprime(stream: bytes, max_size: int) -> Accepted:
    """F´ frames."""
    packets, crc_errors, oversize = [], 0, 0
    at = 0
    while len(stream) - at >= 8:
        size = int(stream[at + 4 : at + 8].hex(), 16)
        if stream[at : at + 4].hex() != "deadbeef" or size == 0:
            at += 1
        elif size > max_size:
            oversize += 1
            at += 1
        elif at + 8 + size + 4 > len(stream):
            break
        else:
            end = at + 8 + size
            if f"{crc32(stream[at:end]):08x}" != stream[end : end + 4].hex():
                crc_errors += 1
                at += 1
            else:
                packets.append(stream[at + 8 : end])
                at = end + 4
    return Accepted(packets, len(packets), crc_errors, oversize)


def decode_downlink_ccsds(stream: bytes, scid: int, vcid: int, frame_size: int) -> Accepted:
    """TM frames with space packets that may run on from one into the next."""
    packets: list[bytes] = []
    frames = crc_errors = at = 0
    expected: int | None = None
    started = b""
    while len(stream) - at >= frame_size:
        frame = stream[at : at + frame_size]
        header = bits(frame[:6])
        if number(header[0:2]) != 0 or number(header[2:12]) != scid or header[12:16] != f"{vcid:03b}0":
            at += 1
            continue
        if crc16(frame[:-2]) != frame[-2] * 256 + frame[-1]:
            crc_errors += 1
            at += 1
            continue
        at += frame_size
        frames += 1
        count, pointer, field = frame[3], number(header[37:48]), frame[6:-2]
        if expected is not None and count != expected:
            started = b""
        expected = (count + 1) % 256
        whole, started = _join(started, pointer, field)
        packets += _telemetry(whole)
    return Accepted(packets, frames, crc_errors, 0)


def _join(started: bytes, pointer: int, field: bytes) -> tuple[bytes, bytes]:
    """The whole packets that a frame completes, and the start of one that it leaves open."""
    if pointer == 0x7FE:
        return b"", b""
    if pointer == 0x7FF:
        if not started:
            return b"", b""
        whole, rest = _whole_packets(started + field)
        if not rest:
            return whole, b""
        return b"", (rest if not whole else b"")
    if pointer >= len(field):
        return b"", b""
    ended = b""
    if started:
        whole, rest = _whole_packets(started + field[:pointer])
        if not rest:
            ended = whole
    whole, rest = _whole_packets(field[pointer:])
    return ended + whole, rest


def _whole_packets(data: bytes) -> tuple[bytes, bytes]:
    whole = b""
    while len(data) >= 6:
        size = 6 + int(data[4:6].hex(), 16) + 1
        if size > len(data):
            break
        whole, data = whole + data[:size], data[size:]
    return whole, data


def _telemetry(run: bytes) -> list[bytes]:
    packets = []
    while len(run) >= 6:
        header = bits(run[:6])
        size = 6 + number(header[32:48]) + 1
        if header[0:4] != "0000":
            run = run[1:]
        elif size > len(run):
            break
        else:
            if header[5:16] != "1" * 11:
                packets.append(run[6:size])
            run = run[size:]
    return packets
