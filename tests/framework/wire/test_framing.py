"""Both directions of every framing: all packets come through, whatever stands between them and however it is cut."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake.wire.packet_size import PacketSizeError

if TYPE_CHECKING:
    from kittiwake.wire.framing import Deframer, Framer

DIRECTIONS = [(name, direction) for name in FRAMINGS for direction in ("uplink", "downlink")]
PACKETS = st.lists(st.tuples(st.sampled_from([0, 1, 2, 3, 4]), st.binary(max_size=90)), max_size=12).map(
    lambda items: [bytes((0, kind)) + body for kind, body in items]
)
SMALL = FramingParameters(frame_size=64)


def ends(name: str, direction: str, parameters: FramingParameters) -> tuple[Framer, Deframer]:
    framing = FRAMINGS[name]
    if direction == "uplink":
        return framing.uplink_framer(parameters), framing.uplink_deframer(parameters)
    return framing.downlink_framer(parameters), framing.downlink_deframer(parameters)


def feed(deframer: Deframer, stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    pieces = [stream[start:stop] for start, stop in pairwise(edges)]
    return [packet for piece in pieces for packet in deframer.feed(piece)]


@pytest.mark.parametrize("name, direction", DIRECTIONS)
@given(packets=PACKETS, flushes=st.sets(st.integers(0, 11)), cuts=st.lists(st.integers(0, 1500), max_size=12))
def test_packets_come_through_in_order_however_the_stream_is_cut(
    name: str, direction: str, packets: list[bytes], flushes: set[int], cuts: list[int]
) -> None:
    framer, deframer = ends(name, direction, SMALL)
    stream = b""
    for index, packet in enumerate(packets):
        stream += framer.frame(packet)
        if index in flushes:
            stream += framer.flush()
    stream += framer.flush()
    assert feed(deframer, stream, cuts) == packets
    counters = deframer.counters
    assert counters.packets == len(packets)
    assert counters.skipped_bytes == counters.crc_errors == counters.packet_gaps == counters.frame_gaps == 0


@pytest.mark.parametrize("name, direction", DIRECTIONS)
def test_packets_come_through_byte_by_byte(name: str, direction: str) -> None:
    framer, deframer = ends(name, direction, SMALL)
    packets = [bytes((0, 2, index)) * 9 for index in range(20)]
    stream = b"".join(framer.frame(packet) for packet in packets) + framer.flush()
    assert [packet for byte in stream for packet in deframer.feed(bytes((byte,)))] == packets


@pytest.mark.parametrize("name, direction", DIRECTIONS)
@given(
    packets=PACKETS,
    garbage=st.lists(st.sampled_from([b"", b"sitting well", bytes(40), b"\xff" * 7]) | st.binary(max_size=30)),
    cuts=st.lists(st.integers(0, 1500), max_size=12),
)
def test_garbage_between_frames_costs_no_packet(
    name: str, direction: str, packets: list[bytes], garbage: list[bytes], cuts: list[int]
) -> None:
    framer, deframer = ends(name, direction, SMALL)
    stream, skipped = b"", 0
    for index, packet in enumerate(packets):
        junk = garbage[index % len(garbage)] if garbage else b""
        junk = junk.replace(b"\x04\x42", b"").replace(b"\x20\x44", b"").replace(b"\xde\xad", b"")
        frame = framer.frame(packet) + framer.flush()
        if junk[-1:] not in (b"\x04", b"\x20", b"\xde"):
            stream += junk
            skipped += len(junk)
        stream += frame
    assert feed(deframer, stream, cuts) == packets
    assert deframer.counters.skipped_bytes == skipped


@pytest.mark.parametrize("name, direction", DIRECTIONS)
@given(data=st.data(), packets=st.lists(st.binary(min_size=1, max_size=40), min_size=2, max_size=5))
def test_a_changed_byte_costs_the_packets_of_its_frame_at_most(
    name: str, direction: str, data: st.DataObject, packets: list[bytes]
) -> None:
    framer, deframer = ends(name, direction, SMALL)
    packets = [b"\0\2" + packet for packet in packets]
    frames = [framer.frame(packet) + framer.flush() for packet in packets]
    hit = data.draw(st.integers(0, len(frames) - 1))
    damaged = bytearray(frames[hit])
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    stream = b"".join([*frames[:hit], bytes(damaged), *frames[hit + 1 :]])
    # A damaged length may make the deframer wait; what follows tells it.
    received = deframer.feed(stream + bytes(5000))
    assert received == packets[:hit] + packets[hit + 1 :]
    assert deframer.counters.skipped_bytes >= len(damaged)


@pytest.mark.parametrize("name, direction", DIRECTIONS)
def test_no_stream_makes_a_deframer_hold_more_than_a_frame(name: str, direction: str) -> None:
    _, deframer = ends(name, direction, FramingParameters())
    for lure in (bytes.fromhex("204407ff"), bytes.fromhex("0442"), bytes.fromhex("deadbeef00000fff"), bytes(64)):
        for _ in range(200):
            deframer.feed(lure * 16)
            assert deframer.held_bytes < 4107
    deframer.reset()
    assert deframer.held_bytes == 0


@pytest.mark.parametrize("name, direction", DIRECTIONS)
def test_reset_lets_a_new_connexion_start_at_once(name: str, direction: str) -> None:
    framer, deframer = ends(name, direction, SMALL)
    first, second = (framer.frame(b"\0\2" + bytes(10)) + framer.flush() for _ in range(2))
    assert deframer.feed(first[:-1]) == []
    deframer.reset()
    assert deframer.feed(second) == [b"\0\2" + bytes(10)]
    assert deframer.counters.skipped_bytes == len(first) - 1


@pytest.mark.parametrize("name, direction", DIRECTIONS)
def test_the_largest_packet_comes_through_and_one_byte_more_is_refused(name: str, direction: str) -> None:
    framer, deframer = ends(name, direction, FramingParameters())
    limit = FRAMINGS[name].max_uplink_packet if direction == "uplink" else FRAMINGS[name].max_downlink_packet
    packet = b"\0\3" + bytes(limit - 2)
    assert deframer.feed(framer.frame(packet) + framer.flush()) == [packet]
    with pytest.raises(PacketSizeError, match="the framing carries 1 to") as caught:
        framer.frame(packet + b"\0")
    assert (caught.value.size, caught.value.limit) == (limit + 1, limit)
    assert deframer.feed(framer.frame(packet) + framer.flush()) == [packet]
    assert deframer.counters.packet_gaps == 0


@pytest.mark.parametrize("name", FRAMINGS)
def test_uplink_can_be_limited_further(name: str) -> None:
    _, deframer = ends(name, "uplink", FramingParameters(max_uplink_size=20))
    framer = FRAMINGS[name].uplink_framer(FramingParameters())
    small = b"\0\0abcd"
    assert deframer.feed(framer.frame(bytes(30)) + framer.frame(small)) == [small]
    assert deframer.counters.oversize == 1


@pytest.mark.parametrize("name", FRAMINGS)
def test_uplink_can_be_sealed_and_what_does_not_open_is_refused(name: str) -> None:
    def unseal(data: bytes) -> bytes | None:
        return data[1:] if data[:1] == b"!" else None

    sealed = FRAMINGS[name].uplink_framer(FramingParameters(seal=lambda data: b"!" + data))
    forged = FRAMINGS[name].uplink_framer(FramingParameters(seal=lambda data: b"?" + data))
    deframer = FRAMINGS[name].uplink_deframer(FramingParameters(unseal=unseal))
    assert deframer.feed(sealed.frame(b"\0\0yes") + forged.frame(b"\0\0no")) == [b"\0\0yes"]
    assert (deframer.counters.refused, deframer.counters.frames, deframer.counters.packets) == (1, 2, 1)


def test_counters_show_what_is_not_zero() -> None:
    _, deframer = ends("ccsds", "uplink", SMALL)
    deframer.feed(b"sitting well")
    assert repr(deframer.counters) == "LinkCounters(skipped_bytes=12)"
