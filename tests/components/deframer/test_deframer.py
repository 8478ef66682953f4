"""Deframer: packets out of whatever the link brings (requirements in its README.md)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.framing import FRAMINGS, FramingParameters
from kittiwake_components.deframer.component import Deframer
from kittiwake_components.ports.link import REFUSED, LinkState
from kittiwake_components.ports.security import UplinkSecurity

FRAMING_NAMES = sorted(FRAMINGS)
NO_OP = bytes.fromhex("000000000100")


def _frame(framing: str, packet: bytes = NO_OP, spacecraft_id: int = 0x44) -> bytes:
    return FRAMINGS[framing].uplink_framer(FramingParameters(spacecraft_id)).frame(packet)


def _packets(tester: ComponentTester[Deframer]) -> list[bytes]:
    return [data for data, _, _ in tester.ports.frame_out]


def test_the_sheet_says_what_is_declared() -> None:
    assert differences(Deframer) == []


@pytest.mark.parametrize("framing", FRAMING_NAMES)
@given(
    packets=st.lists(st.binary(max_size=40).map(lambda data: b"\x00\x00" + data), max_size=6),
    noise=st.sampled_from([b"", b"sitting well"]),
    cuts=st.lists(st.integers(0, 600), max_size=8),
)
def test_packets_come_out_whole_however_the_bytes_are_cut(
    framing: str, packets: list[bytes], noise: bytes, cuts: list[int]
) -> None:
    """REQ-DF-001, REQ-DF-002: the keep-alive text of fprime-gds between frames is skipped."""
    framer = FRAMINGS[framing].uplink_framer(FramingParameters())
    stream = b"".join(noise + framer.frame(packet) for packet in packets)
    tester = ComponentTester(Deframer, settings={"framing": framing})
    with tester:
        for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(stream)], strict=True):
            tester.call.data_in(stream[start:end])
        tester.call.run(0)
        assert tester.ports.frame_out == [(packet, 0, False) for packet in packets]
        assert tester.channels["FramesIn"] == len(packets)
        assert tester.channels["BytesSkipped"] == len(noise) * len(packets)


@pytest.mark.parametrize("framing", FRAMING_NAMES)
def test_a_frame_with_a_wrong_checksum_is_dropped_counted_and_named(framing: str) -> None:
    """REQ-DF-003."""
    tester = ComponentTester(Deframer, settings={"framing": framing})
    with tester:
        broken = bytearray(_frame(framing))
        broken[-1] ^= 1
        tester.call.data_in(bytes(broken) + _frame(framing))
        tester.call.run(0)
        assert _packets(tester) == [NO_OP]
        assert tester.channels["CrcErrors"] == 1
        assert [event.args for event in tester.events.named("BadChecksum")] == [(1,)]
        tester.call.run(0)
        assert len(tester.events.named("BadChecksum")) == 1


def test_frames_for_another_spacecraft_are_counted_and_named() -> None:
    """REQ-DF-003."""
    tester = ComponentTester(Deframer)
    with tester:
        tester.call.data_in(_frame("ccsds", spacecraft_id=0x45) + _frame("ccsds"))
        tester.call.run(0)
        assert _packets(tester) == [NO_OP]
        assert tester.channels["FramesForeign"] == 1
        assert [event.args for event in tester.events.named("ForeignFrames")] == [(1,)]


def test_packets_that_were_lost_on_the_way_show_as_gaps() -> None:
    """REQ-DF-004: this is how a loss on UDP or a serial line is seen."""
    framer = FRAMINGS["ccsds"].uplink_framer(FramingParameters())
    frames = [framer.frame(NO_OP) for _ in range(5)]
    tester = ComponentTester(Deframer)
    with tester:
        tester.call.data_in(frames[0] + frames[1] + frames[4])
        tester.call.run(0)
        assert len(_packets(tester)) == 3
        assert tester.channels["SequenceGaps"] == 1
        assert [event.args for event in tester.events.named("SequenceGap")] == [(1,)]


def test_a_ground_that_connects_anew_starts_counting_where_it_likes() -> None:
    """REQ-DF-004: a restarted ground is no gap."""
    tester = ComponentTester(Deframer)
    with tester:
        framer = FRAMINGS["ccsds"].uplink_framer(FramingParameters())
        tester.call.data_in(framer.frame(NO_OP) + framer.frame(NO_OP))
        tester.call.link_status(LinkState.DOWN)
        tester.call.link_status(LinkState.UP)
        tester.call.data_in(_frame("ccsds"))
        tester.call.run(0)
        assert tester.channels["SequenceGaps"] == 0


def test_a_sound_frame_without_a_packet_is_counted_and_named() -> None:
    """REQ-DF-003."""
    from kittiwake.wire.transfer_frame import TcFramer

    tester = ComponentTester(Deframer)
    with tester:
        tester.call.data_in(TcFramer().frame(b"no space packet"))
        tester.call.run(0)
        assert _packets(tester) == []
        assert tester.channels["FramesRejected"] == 1
        assert [event.args for event in tester.events.named("BadFrame")] == [(1,)]


@pytest.mark.parametrize("framing", FRAMING_NAMES)
def test_half_a_frame_does_not_outlive_its_connexion(framing: str) -> None:
    """REQ-DF-005."""
    tester = ComponentTester(Deframer, settings={"framing": framing})
    with tester:
        frame = _frame(framing)
        tester.call.data_in(frame[:9])
        tester.call.link_status(LinkState.DOWN)
        tester.call.link_status(LinkState.UP)
        tester.call.data_in(frame[9:] + frame)
        assert _packets(tester) == [NO_OP]


def test_that_unsigned_commands_are_taken_is_shown_at_each_link_up() -> None:
    """REQ-DF-006."""
    tester = ComponentTester(Deframer)
    with tester:
        tester.call.link_status(LinkState.UP)
        assert tester.channel("UplinkSecurity").history == [UplinkSecurity.OPEN, UplinkSecurity.OPEN]


def _secured(framing: str, opened: bytes) -> ComponentTester[Deframer]:
    """With an authenticator that gives back `opened` for every frame."""
    returns = {"security_get": UplinkSecurity.AUTHENTICATED, "unseal": opened}
    return ComponentTester(Deframer, settings={"framing": framing}, returns=returns)


def _field(framing: str, packet: bytes = NO_OP) -> bytes:
    """A frame's data around a packet."""
    return _frame(framing, packet)[5:-2] if framing == "ccsds" else packet


@pytest.mark.parametrize("framing", FRAMING_NAMES)
def test_what_the_authenticator_opens_goes_on_as_authenticated(framing: str) -> None:
    """REQ-DF-007: the packet is taken out of what the authenticator gave back, and of nothing else."""
    with _secured(framing, _field(framing, b"\0\0opened")) as tester:
        assert tester.channels["UplinkSecurity"] is UplinkSecurity.AUTHENTICATED
        tester.call.data_in(_frame(framing))
        assert tester.ports.unseal == [(_field(framing),)]
        assert tester.ports.frame_out == [(b"\0\0opened", 0, True)]


@pytest.mark.parametrize("framing", FRAMING_NAMES)
@pytest.mark.parametrize("is_wrapped", [False, True])
def test_the_packet_of_a_refused_frame_goes_on_as_refused(framing: str, is_wrapped: bool) -> None:
    """REQ-DF-008."""
    with _secured(framing, b"") as tester:
        data = _field(framing)
        if is_wrapped:
            data = bytes(6) + data + bytes(16)
        sealed = FRAMINGS[framing].uplink_framer(FramingParameters(seal=lambda _: data)).frame(NO_OP)
        tester.call.data_in(sealed)
        assert tester.ports.frame_out == [(NO_OP, REFUSED, False)]
        tester.call.run(0)
        assert tester.channels["SequenceGaps"] == 0


def test_an_accepted_frame_without_a_packet_is_dropped_and_counted() -> None:
    """REQ-DF-007."""
    with _secured("ccsds", b"no space packet") as tester:
        tester.call.data_in(_frame("ccsds"))
        tester.call.run(0)
        assert tester.ports.frame_out == []
        assert tester.channels["FramesRejected"] == 1


def test_without_an_authenticator_the_link_is_open() -> None:
    """REQ-DF-006."""
    with ComponentTester(Deframer, open_ports=["security_get", "unseal"]) as tester:
        tester.call.data_in(_frame("ccsds"))
        assert tester.channels["UplinkSecurity"] is UplinkSecurity.OPEN
        assert tester.ports.frame_out == [(NO_OP, 0, False)]
