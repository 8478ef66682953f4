"""Router: packets to whoever serves them, no faster than they can (requirements in its README.md)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components.authenticator.component import Authenticator
from kittiwake_components.ports.link import REFUSED
from kittiwake_components.router.bypass import check_bypass, is_harmless
from kittiwake_components.router.component import Router

NO_OP = bytes.fromhex("000000000100")
FILE_PACKET = bytes.fromhex("0003010000000100000000")
OK = CommandResponse.OK


def _tester(**settings: Any) -> ComponentTester[Router]:
    return ComponentTester(Router, queue=100, settings=settings)


def _feed(tester: ComponentTester[Router], count: int, packet: bytes = NO_OP) -> None:
    with tester.held():
        for _ in range(count):
            tester.call.frame_in(packet, 0, False)


def _answer(tester: ComponentTester[Router], count: int = 1) -> None:
    for _ in range(count):
        tester.call.command_status(0x100, 0, OK)


def test_the_sheet_says_what_is_declared() -> None:
    assert differences(Router) == []


def test_packets_go_by_their_kind() -> None:
    """REQ-RT-001."""
    with _tester() as tester:
        tester.call.frame_in(NO_OP, 0, False)
        tester.call.frame_in(FILE_PACKET, 0, True)
        tester.call.frame_in(b"\x00\x09data", 0, False)
        tester.call.run(0)
        assert tester.ports.command_out == [(NO_OP, 0)]
        assert tester.ports.file_out == [(FILE_PACKET, 0, True)]
        assert tester.ports.unknown_out == [(b"\x00\x09data", 0, False)]
        assert tester.ports.packet_routed[0] == [(0, False), (3, True), (9, False)]
        assert tester.channels["RoutedPackets"] == 3


def test_a_packet_that_no_one_takes_is_counted_and_named() -> None:
    """REQ-RT-002."""
    with ComponentTester(Router, open_ports=["unknown_out", "file_out", "packet_routed", "flow_out"]) as tester:
        tester.call.frame_in(b"\x00\x09data", 0, False)
        tester.call.frame_in(FILE_PACKET, 0, False)
        tester.call.run(0)
        assert tester.channels["RejectedPackets"] == 2
        assert [event.args for event in tester.events.named("UnknownPacket")] == [(9,), (3,)]


def test_only_so_many_commands_are_in_flight() -> None:
    """REQ-RT-003: the next one goes when one was answered."""
    with _tester(in_flight=4) as tester:
        _feed(tester, 10)
        assert len(tester.ports.command_out) == 4
        _answer(tester)
        assert len(tester.ports.command_out) == 5
        _answer(tester, 9)
        assert len(tester.ports.command_out) == 10


def test_file_packets_need_no_answer() -> None:
    """REQ-RT-003."""
    with _tester(in_flight=1) as tester:
        _feed(tester, 100, FILE_PACKET)
        assert len(tester.ports.file_out) == 100


def test_commands_that_take_long_hold_others_up_for_two_seconds_at_most() -> None:
    """REQ-RT-004."""
    with _tester(in_flight=2) as tester:
        _feed(tester, 4)
        tester.call.run(0)
        assert len(tester.ports.command_out) == 2
        tester.call.run(0)
        assert len(tester.ports.command_out) == 4


def test_answers_that_still_come_are_no_reason_to_hurry() -> None:
    """REQ-RT-004: as long as some are answered the limit stands."""
    with _tester(in_flight=2) as tester:
        _feed(tester, 20)
        for second in range(10):
            tester.call.run(0)
            _answer(tester)
            assert len(tester.ports.command_out) == 3 + second


def test_late_answers_do_not_upset_the_count() -> None:
    """REQ-RT-004: more answers than commands are ignored."""
    with _tester(in_flight=2) as tester:
        _answer(tester, 5)
        _feed(tester, 10)
        assert len(tester.ports.command_out) == 2


def test_the_link_is_asked_to_pause_at_half_the_backlog_and_to_go_on_at_a_quarter() -> None:
    """REQ-RT-005."""
    with _tester(backlog=16, in_flight=1) as tester:
        _feed(tester, 9)
        assert tester.ports.flow_out == []
        _feed(tester, 1)
        assert tester.ports.flow_out == [(True,)]
        _answer(tester, 4)
        assert tester.ports.flow_out == [(True,)]
        _answer(tester, 1)
        assert tester.ports.flow_out == [(True,), (False,)]


def test_the_pause_is_asked_for_before_the_next_read_not_a_turn_later() -> None:
    """REQ-RT-005: a link that reads several portions in one turn must stop after the one that was enough."""
    with _tester(backlog=16) as tester, tester.held():
        for _ in range(9):
            tester.call.frame_in(FILE_PACKET, 0, False)
        assert tester.ports.flow_out == [(True,)]


def test_what_finds_no_room_is_counted_and_named() -> None:
    """REQ-RT-006: kind and opcode of the last one that was dropped, and how many so far."""
    with _tester(backlog=4, in_flight=1) as tester:
        _feed(tester, 10)
        tester.call.run(0)
        assert tester.channels["DroppedPackets"] == 5
        assert [event.args for event in tester.events.named("PacketsDropped")] == [(5, 0, 0x100)]
        tester.call.run(0)
        assert len(tester.events.named("PacketsDropped")) == 1
        _feed(tester, 10, FILE_PACKET)
        tester.call.run(0)
        assert tester.events.named("PacketsDropped")[-1].args[1:] == (3, 0)


def test_while_somebody_asks_for_a_pause_nothing_is_handed_on() -> None:
    """REQ-RT-007."""
    with _tester() as tester:
        tester.call.flow_in[0](True)
        tester.call.flow_in[1](True)
        tester.call.frame_in(NO_OP, 0, False)
        tester.call.run(0)
        tester.call.flow_in[0](False)
        assert tester.ports.command_out == []
        tester.call.flow_in[1](False)
        assert tester.ports.command_out == [(NO_OP, 0)]


def test_a_command_that_nothing_holds_up_goes_on_at_once_and_none_overtakes_another_packet() -> None:
    """REQ-RT-008: it takes no place in a queue; behind a packet that waits it waits as well."""
    with _tester() as tester, tester.held():
        tester.call.frame_in(NO_OP, 0, False)
        assert len(tester.ports.command_out) == 1
        tester.call.frame_in(FILE_PACKET, 0, False)
        tester.call.frame_in(NO_OP, 0, False)
        assert len(tester.ports.command_out) == 1
    ports = [name for kind, name, _ in tester.trace if kind == "port" and not name.startswith("packet_routed")]
    assert ports == ["command_out", "file_out", "command_out"]


def test_the_most_that_waited_is_shown() -> None:
    """REQ-RT-009."""
    with _tester(in_flight=2) as tester:
        _feed(tester, 7)
        tester.call.run(0)
        assert tester.channels["MostWaiting"] == 5


@pytest.mark.parametrize("name, value", [("backlog", 3), ("in_flight", 0), ("in_flight", 1025)])
def test_settings_that_make_no_sense_are_refused(name: str, value: int) -> None:
    """REQ-RT-006: what waits is bounded."""
    check = Router.__declarations__.settings[name].check
    with pytest.raises(ValueError, match=str(value)):
        check(value)


@given(
    steps=st.lists(
        st.tuples(st.just("feed"), st.integers(1, 12))
        | st.tuples(st.just("answer"), st.integers(1, 12))
        | st.tuples(st.sampled_from(["pause", "go", "run"]), st.just(0)),
        max_size=40,
    )
)
def test_every_packet_is_handed_on_in_order_or_counted(steps: list[tuple[str, int]]) -> None:
    """REQ-RT-003, REQ-RT-006: in any order of packets, answers, pauses and cycles."""
    number = 0
    with _tester(backlog=8, in_flight=3) as tester:
        for what, count in steps:
            if what == "feed":
                with tester.held():
                    for _ in range(count):
                        number += 1
                        tester.call.frame_in(b"\x00\x00" + number.to_bytes(4, "big"), 0, False)
            elif what == "answer":
                _answer(tester, count)
            elif what == "run":
                tester.call.run(0)
            else:
                tester.call.flow_in[0](what == "pause")
        tester.call.flow_in[0](False)
        for _ in range(number):
            _answer(tester)
        tester.call.run(0)
        sent = [int.from_bytes(data[2:], "big") for data, _ in tester.ports.command_out]
        assert sent == sorted(sent)
        assert len(set(sent)) + tester.channels["DroppedPackets"] == number
        asked = [paused for (paused,) in tester.ports.flow_out]
        assert asked == [True, False] * (len(asked) // 2)


BYPASS = ["0:6:0x01000000", "0:6:0x0200B000"]
GET_SEQ_NUM = bytes.fromhex("00000200b000")
DISPATCHED_NO_OP = bytes.fromhex("000001000000")


def test_what_security_refused_goes_nowhere() -> None:
    """REQ-RT-010: there is no bypass list unless somebody writes one."""
    with _tester() as tester:
        for packet in (DISPATCHED_NO_OP, FILE_PACKET, b"\x00\x09data", b""):
            tester.call.frame_in(packet, REFUSED, False)
        tester.call.run(0)
        assert tester.ports.command_out == []
        assert tester.ports.file_out == []
        assert tester.ports.unknown_out == []
        assert tester.ports.packet_routed[0] == []
        assert tester.channels["RejectedPackets"] == 4


def test_the_bypass_list_lets_in_just_what_is_on_it() -> None:
    """REQ-RT-010, REQ-RT-012: and it is no authenticated packet."""
    with _tester(bypass=BYPASS) as tester:
        for packet in (
            DISPATCHED_NO_OP, GET_SEQ_NUM, DISPATCHED_NO_OP + b"\0", DISPATCHED_NO_OP[:-1],
            b"\0\1" + DISPATCHED_NO_OP[2:], bytes.fromhex("000001000001"),
        ):  # fmt: skip
            tester.call.frame_in(packet, REFUSED, False)
        tester.call.run(0)
        assert tester.ports.command_out == [(DISPATCHED_NO_OP, 0), (GET_SEQ_NUM, 0)]
        assert tester.ports.packet_routed[0] == [(0, False), (0, False)]
        assert [event.args for event in tester.events.named("BypassUsed")] == [(0x01000000,), (0x0200B000,)]
        assert (tester.channels["BypassedPackets"], tester.channels["RejectedPackets"]) == (2, 4)


@pytest.mark.parametrize("index", [0, 1, 255])
@pytest.mark.parametrize("data", [b"", b"anything"])
def test_a_file_packet_that_looks_like_a_no_op_is_refused(index: int, data: bytes) -> None:
    """REQ-RT-010. Upstream: the bypass looks at bytes 2 to 6 alone, and a file packet of type DATA with a sequence
    index below 256 has CMD_NO_OP's opcode there, so that it reaches the file uplink without a signature.
    """
    packet = b"\0\3" + b"\1" + index.to_bytes(4, "big") + data
    assert packet[2:6] == bytes.fromhex("01000000")
    with _tester(bypass=BYPASS) as tester:
        tester.call.frame_in(packet, REFUSED, False)
        tester.call.run(0)
        assert tester.ports.file_out == []
        assert tester.channels["RejectedPackets"] == 1


def test_hazardous_commands_and_parameters_are_taken_off_the_bypass_list() -> None:
    """REQ-RT-011: SET_SEQ_NUM and KEY_SELECT must be authenticated themselves, and so must a parameter's new window."""
    image_opcodes = {number: what for number, (what, _) in Authenticator.__declarations__.opcodes().items()}
    assert image_opcodes[0] == "call"
    with ComponentTester(Authenticator, base_id=0x0200B000) as authenticator:
        components = [authenticator.component]
        refused = [number for number in image_opcodes if not is_harmless(0x0200B000 + number, components)]
        assert refused == [number for number in image_opcodes if number != 0]
        assert is_harmless(0x01000000, components)


@pytest.mark.parametrize(
    "text", ["", "0:6", "0:6:0x01000000:1", "a:6:1", "-1:6:1", "0x7FF:6:1", "0:5:1", "0:6:0x100000000", "0:1025:1"]
)
def test_a_bypass_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="APID"):
        check_bypass([text])


def test_the_bypass_list_has_a_limit() -> None:
    with pytest.raises(ValueError, match="at most 32"):
        check_bypass(["0:6:1"] * 33)
