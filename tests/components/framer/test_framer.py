"""Framer: whole frames for the link, filled, and nothing left behind (requirements in its README.md)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake_components.framer.component import Framer

FRAMING_NAMES = sorted(FRAMINGS)


def _frames(tester: ComponentTester[Framer]) -> list[bytes]:
    return [data for (data,) in tester.ports.data_out]


def test_the_sheet_says_what_is_declared() -> None:
    assert differences(Framer) == []


@pytest.mark.parametrize("framing", FRAMING_NAMES)
@given(sizes=st.lists(st.lists(st.integers(2, 3000), max_size=5), max_size=5))
def test_the_ground_gets_every_packet_once_each_burst_is_flushed(framing: str, sizes: list[list[int]]) -> None:
    """REQ-FR-001, REQ-FR-002."""
    ground = FRAMINGS[framing].downlink_deframer(FramingParameters())
    tester = ComponentTester(Framer, settings={"framing": framing})
    with tester:
        for burst in sizes:
            packets = [b"\x00\x02" + bytes(size) for size in burst]
            tester.clear_history()
            for packet in packets:
                tester.call.packet_in(packet, 0)
            tester.call.flush()
            assert ground.feed(b"".join(_frames(tester))) == packets
            assert len(tester.ports.flush_out) == 1


def test_each_call_hands_on_one_frame() -> None:
    """REQ-FR-003: a datagram never holds half a frame, nor several."""
    tester = ComponentTester(Framer, settings={"frame_size": 64})
    with tester:
        tester.call.packet_in(b"\x00\x02" + bytes(300), 0)
        tester.call.flush()
        tester.call.run(0)
        assert [len(frame) for frame in _frames(tester)] == [64] * 6
        assert tester.channels["FramesOut"] == 6


def test_small_packets_share_a_frame() -> None:
    """REQ-FR-002: 30 events are one frame."""
    tester = ComponentTester(Framer)
    with tester:
        for _ in range(30):
            tester.call.packet_in(b"\x00\x02" + bytes(20), 0)
        assert _frames(tester) == []
        tester.call.flush()
        assert [len(frame) for frame in _frames(tester)] == [1024]


def test_a_flush_without_packets_sends_no_frame() -> None:
    """REQ-FR-002: nothing but what is wanted goes down."""
    tester = ComponentTester(Framer)
    with tester:
        tester.call.flush()
        assert _frames(tester) == []
        assert len(tester.ports.flush_out) == 1


@pytest.mark.parametrize("framing, packet", [("fprime", bytes(4096)), ("ccsds", b""), ("ccsds", b"\x07\xff\x00")])
def test_a_packet_that_does_not_fit_is_counted_and_named_and_changes_nothing(framing: str, packet: bytes) -> None:
    """REQ-FR-004."""
    ground = FRAMINGS[framing].downlink_deframer(FramingParameters())
    tester = ComponentTester(Framer, settings={"framing": framing})
    with tester:
        tester.call.packet_in(packet, 0)
        tester.call.packet_in(b"\x00\x02good", 0)
        tester.call.flush()
        tester.call.run(0)
        assert ground.feed(b"".join(_frames(tester))) == [b"\x00\x02good"]
        assert tester.channels["PacketsRefused"] == 1
        assert [event.args for event in tester.events.named("PacketTooLarge")] == [(len(packet),)]


@pytest.mark.parametrize(
    "name, value", [("framing", "morse"), ("spacecraft_id", 1024), ("vcid", 8), ("frame_size", 15)]
)
def test_settings_that_no_frame_can_hold_are_refused(name: str, value: Any) -> None:
    """REQ-FR-005."""
    check = Framer.__declarations__.settings[name].check
    with pytest.raises(ValueError, match=str(value)):
        check(value)
