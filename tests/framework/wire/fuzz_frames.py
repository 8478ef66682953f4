"""Seeded streams of frames, sound, damaged and alien, that the deframers and the reference must read alike."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from kittiwake.wire.fprime_frame import FprimeDeframer, FprimeFramer
from kittiwake.wire.framing import CcsdsDownlinkDeframer, CcsdsUplinkDeframer
from kittiwake.wire.transfer_frame import TmFramer
from tests.framework.wire.reference_decoder import (
    Accepted,
    crc16,
    decode_downlink_ccsds,
    decode_fprime,
    decode_uplink_ccsds,
)

if TYPE_CHECKING:
    from kittiwake.wire.framing import Deframer

UPLINK_ADDRESSES = ((0x44, 1), (0x20, 8))
"""Spacecraft and virtual channel; in the second pair all bytes of the header's start are alike."""

DOWNLINK_ADDRESSES = ((0x44, 1), (0x40, 2))


def fuzz_uplink_ccsds(count: int, seed: int) -> int:
    """Compares over `count` streams; gives the number of packets that were accepted."""
    accepted = 0
    for index in range(count):
        random = Random(f"uplink ccsds {seed} {index}")
        max_size = random.choice((None, 20))
        scid, vcid = random.choice(UPLINK_ADDRESSES)
        frames = [_tc_frame(random, scid, vcid) for _ in range(random.randrange(5))]
        stream = _damage(random, frames, (0x2000 | scid).to_bytes(2, "big") + bytes((vcid << 2,)))
        expected = decode_uplink_ccsds(stream, scid, vcid, 1024 if max_size is None else max_size + 7)
        accepted += _compare(random, CcsdsUplinkDeframer(scid, vcid, max_size), stream, expected)
    return accepted


def fuzz_downlink_ccsds(count: int, seed: int) -> int:
    """Compares over `count` streams; gives the number of packets that were accepted."""
    accepted = 0
    for index in range(count):
        random = Random(f"downlink ccsds {seed} {index}")
        frame_size = random.choice((16, 17, 24, 32, 64))
        scid, vcid = random.choice(DOWNLINK_ADDRESSES)
        address = (scid << 4 | vcid << 1).to_bytes(2, "big")
        stream = _damage(random, _tm_frames(random, scid, vcid, frame_size), address)
        expected = decode_downlink_ccsds(stream, scid, vcid, frame_size)
        accepted += _compare(random, CcsdsDownlinkDeframer(scid, vcid, frame_size), stream, expected)
    return accepted


def fuzz_fprime(count: int, seed: int) -> int:
    """Compares over `count` streams; gives the number of packets that were accepted."""
    accepted = 0
    framer = FprimeFramer()
    for index in range(count):
        random = Random(f"fprime {seed} {index}")
        max_size = random.choice((4095, 16))
        frames = [framer.frame(random.randbytes(random.randint(1, 40))) for _ in range(random.randrange(5))]
        stream = _damage(random, frames, bytes.fromhex("deadbeef000000"))
        accepted += _compare(random, FprimeDeframer(max_size), stream, decode_fprime(stream, max_size))
    return accepted


def _compare(random: Random, deframer: Deframer, stream: bytes, expected: Accepted) -> int:
    packets = []
    at = 0
    while at < len(stream):
        size = random.choice((1, 2, 3, 7, 30, len(stream)))
        packets += deframer.feed(stream[at : at + size])
        at += size
    counters = deframer.counters
    found = Accepted(packets, counters.frames, counters.crc_errors, counters.oversize)
    assert found == expected, stream.hex()
    assert counters.packets == len(packets)
    return len(packets)


def _tc_frame(random: Random, scid: int, vcid: int) -> bytes:
    """A TC frame with a right CRC; of its other properties now and then one is wrong."""

    def rarely(wrong: int, right: int) -> int:
        return wrong if random.random() < 0.06 else right

    data = random.randbytes(random.choice((0, 1, 2, 6, 6, 6, 20, 40)))
    field = b"".join(
        part.to_bytes(2, "big")
        for part in (
            rarely(random.getrandbits(16), 0x1000 | random.choice((0, 3, 3, 0x7FF))),
            rarely(random.getrandbits(16), 0xC000 | random.getrandbits(14)),
            rarely(random.choice((random.getrandbits(16), max(len(data) - 3, 0))), max(len(data) - 1, 0)),
        )
    )
    field = field[: rarely(random.randrange(7), 6)] + data
    size = rarely(random.randrange(1024), len(field) + 6)
    scid, vcid = rarely(random.getrandbits(10), scid), rarely(random.getrandbits(6), vcid)
    first = rarely(random.getrandbits(16), 0x2000 | scid)
    frame = first.to_bytes(2, "big") + (vcid << 10 | size).to_bytes(2, "big") + random.randbytes(1) + field
    return frame + crc16(frame).to_bytes(2, "big")


def _tm_frames(random: Random, scid: int, vcid: int, frame_size: int) -> list[bytes]:
    """Frames from the framer, some with another pointer, count or field, or made up; the CRC is always right."""
    size = frame_size - 8
    frames = []
    if random.random() < 0.75:
        framer = TmFramer(scid, vcid, frame_size)
        stream = b""
        for _ in range(random.randrange(8)):
            stream += framer.frame(random.randbytes(random.choice((1, 2, 3, 9, 20, 60))), random.choice((0, 1, 2, 4)))
            if random.random() < 0.3:
                stream += framer.flush()
        stream += framer.flush()
        frames = [stream[at : at + frame_size] for at in range(0, len(stream), frame_size)]
        if random.random() < 0.5:
            return frames
        return [_with_other_header(random, frame) if random.random() < 0.2 else frame for frame in frames]
    count = random.randrange(256)
    for _ in range(random.randrange(6)):
        field = b"".join(_space_packet(random) for _ in range(random.randint(1, 3)))[:size]
        field += random.choice((bytes(size), random.randbytes(size)))[: size - len(field)]
        frame = (scid << 4 | vcid << 1).to_bytes(2, "big") + bytes((count, count, 0x18, 0)) + field
        frames.append(_with_other_header(random, frame + bytes(2)))
        count = (count + random.choice((1, 1, 1, 1, 2))) % 256
    return frames


def _with_other_header(random: Random, frame: bytes) -> bytes:
    size = len(frame) - 8
    changed = bytearray(frame[:-2])
    if random.random() < 0.1:
        changed[3] = random.randrange(256)
    pointer = random.choice((0, 0x7FF, 0x7FF, 0x7FE, random.randrange(size), size, random.getrandbits(11)))
    changed[4:6] = (0x1800 | pointer).to_bytes(2, "big")
    return bytes(changed) + crc16(bytes(changed)).to_bytes(2, "big")


def _space_packet(random: Random) -> bytes:
    size = random.choice((1, 1, 3, 5, 12, 30))
    kind = random.choice((0, 2, 2, 3, 0x7FF, 0x1002, 0x0802))
    return kind.to_bytes(2, "big") + random.randbytes(2) + (size - 1).to_bytes(2, "big") + random.randbytes(size)


def _damage(random: Random, pieces: list[bytes], lure: bytes) -> bytes:
    """The pieces in a row with garbage between them, some lost, cut, repeated or changed; `lure` looks like a frame."""
    stream = bytearray()
    for piece in pieces:
        match random.randrange(16):
            case 0:
                stream += b"sitting well"
            case 1:
                stream += lure[: random.randint(1, len(lure))]
            case 2:
                stream += lure + random.randbytes(random.randrange(6))
            case 3:
                stream += random.randbytes(random.randrange(30))
            case 4:
                stream += piece
            case 5:
                piece = piece[: random.randrange(len(piece) + 1)]
            case 6:
                changed = bytearray(piece)
                changed[random.randrange(len(piece))] ^= 1 << random.randrange(8)
                piece = bytes(changed)
            case 7:
                piece = b""
        stream += piece
    if random.random() < 0.1:
        stream += random.randbytes(random.randrange(40))
    return bytes(stream)
