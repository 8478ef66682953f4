"""fprime-gds's own framing classes read what the device sends, and the device reads what they send."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from kittiwake.wire.framing import FRAMINGS, FramingParameters

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = Path(__file__).with_name("gds_deframe.py")

pytestmark = [pytest.mark.peer, pytest.mark.parametrize("name", FRAMINGS)]


def run_peer(python: Path, lines: list[bytes], *arguments: str) -> list[bytes]:
    text = "".join(f"{line.hex()}\n" for line in lines)
    result = subprocess.run([python, SCRIPT, *arguments], input=text, capture_output=True, text=True, check=True)
    return [bytes.fromhex(line) for line in result.stdout.splitlines()]


def some_packets(random: Random, *sizes: int) -> list[bytes]:
    return [bytes((0, random.choice((1, 2, 3, 4)))) + random.randbytes(random.choice(sizes) - 2) for _ in range(400)]


def pieces(random: Random, stream: bytes) -> list[bytes]:
    cuts = sorted(random.randrange(len(stream)) for _ in range(100))
    return [stream[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


@pytest.mark.parametrize("frame_size", [64, 1024])
def test_gds_reads_what_the_device_sends(name: str, frame_size: int, require_peer: Callable[[str], Path]) -> None:
    random = Random(1)
    framer = FRAMINGS[name].downlink_framer(FramingParameters(frame_size=frame_size))
    packets = some_packets(random, 2, 3, 21, 49, 50, 51, 100, 106, 162, 4000)
    stream = b""
    for packet in packets:
        stream += framer.frame(packet)
        if random.random() < 0.3:
            stream += framer.flush()
    stream += framer.flush()
    assert run_peer(require_peer("python"), pieces(random, stream), name, str(frame_size)) == packets


def test_gds_reads_the_same_from_a_damaged_stream(name: str, require_peer: Callable[[str], Path]) -> None:
    random = Random(2)
    parameters = FramingParameters(frame_size=64)
    framer = FRAMINGS[name].downlink_framer(parameters)
    stream = bytearray()
    # No packet of these sizes ends just where a frame ends in which none starts: fprime-gds would hold it back until
    # the next frame and lose it when that one is damaged.
    for packet in some_packets(random, 2, 20, 30, 90, 300):
        stream += framer.frame(packet) + framer.flush()
        if random.random() < 0.2:
            stream += random.randbytes(random.randrange(20)) + b"\x04\x42\xde\xad\xbe\xef"
        if random.random() < 0.1:
            stream[-random.randint(1, 20)] ^= 1 << random.randrange(8)
        if random.random() < 0.05:
            del stream[-random.randint(1, 20) :]
    # Closes what a damaged length may have left waiting, in either deframer.
    stream += bytes(5000)
    found = FRAMINGS[name].downlink_deframer(parameters).feed(bytes(stream))
    theirs = run_peer(require_peer("python"), pieces(random, bytes(stream)), name, "64")
    assert 200 < len(found) < 400
    assert found == theirs


def test_the_device_reads_what_gds_sends(name: str, require_peer: Callable[[str], Path]) -> None:
    random = Random(3)
    packets = some_packets(random, 2, 6, 21, 300, 1010)
    frames = run_peer(require_peer("python"), packets, name, "1024", "frame")
    deframer = FRAMINGS[name].uplink_deframer(FramingParameters())
    assert [found for frame in frames for found in deframer.feed(b"sitting well" + frame)] == packets
    assert deframer.counters.skipped_bytes == 12 * len(packets)
    assert deframer.counters.packet_gaps == 0


def test_the_ground_sends_what_gds_sends(name: str, require_peer: Callable[[str], Path]) -> None:
    packets = some_packets(Random(4), 2, 6, 21, 300, 1010)
    framer = FRAMINGS[name].uplink_framer(FramingParameters())
    theirs = run_peer(require_peer("python"), packets, name, "1024", "frame")
    assert [framer.frame(packet) for packet in packets] == theirs
