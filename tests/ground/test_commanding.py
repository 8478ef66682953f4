"""A command and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake.dictionary.values import value_of
from kittiwake.wire.packets import command_packet, event_packet
from kittiwake_ground.commanding import command_and_wait
from kittiwake_ground.link import LinkLost
from tests.ground.scripted_link import make_station

if TYPE_CHECKING:
    from kittiwake.dictionary.entries import Dictionary

NO_OP = "CdhCore.cmdDisp.CMD_NO_OP"
TAG = 2 << 64 | 1_000_000


def answer_of(dictionary: Dictionary, mnemonic: str, opcode: int, more: bytes = b"") -> bytes:
    event = dictionary.event(f"CdhCore.cmdDisp.{mnemonic}")
    return event_packet(event.id, TAG, opcode.to_bytes(4, "big") + more)


def test_the_command_goes_out_as_its_packet_and_completes(dictionary: Dictionary) -> None:
    opcode = dictionary.command(NO_OP).opcode
    station, link, complaints = make_station(dictionary, lambda _: [answer_of(dictionary, "OpCodeCompleted", opcode)])
    seen: list[object] = []
    assert command_and_wait(station, NO_OP, [], 5.0, seen.append).completed
    assert link.sent == [command_packet(opcode, b"")]
    assert len(seen) == 1
    assert complaints == []


def test_answers_to_other_commands_are_passed_over(dictionary: Dictionary) -> None:
    opcode = dictionary.command(NO_OP).opcode
    form = dictionary.event("CdhCore.cmdDisp.OpCodeError").formals[1].type
    busy = form.pack(value_of(form, "BUSY", dictionary.find_id))
    said = [
        answer_of(dictionary, "OpCodeCompleted", opcode + 1),
        answer_of(dictionary, "OpCodeError", opcode, busy),
        answer_of(dictionary, "OpCodeCompleted", opcode),
    ]
    station, _, _ = make_station(dictionary, lambda _: said)
    answer = command_and_wait(station, NO_OP, [], 5.0, lambda _: None)
    assert not answer.completed
    assert answer.reason == "failed: BUSY"


@pytest.mark.parametrize(
    "mnemonic, said",
    [("InvalidCommand", "is not known"), ("TooManyCommands", "too many"), ("CommandDroppedQueueOverflow", "queue")],
)
def test_a_refusal_says_why(mnemonic: str, said: str, dictionary: Dictionary) -> None:
    opcode = dictionary.command(NO_OP).opcode
    station, _, _ = make_station(dictionary, lambda _: [answer_of(dictionary, mnemonic, opcode)])
    answer = command_and_wait(station, NO_OP, [], 5.0, lambda _: None)
    assert not answer.completed
    assert said in answer.reason


def test_packets_that_cannot_be_decoded_are_named_and_left_out(dictionary: Dictionary) -> None:
    opcode = dictionary.command(NO_OP).opcode
    bad = [b"\x00", b"\x00\x02\xff\xff\xff\xff" + bytes(11), b"\x00\x63\x00", b"\x00\x03\x09" + bytes(4)]
    station, _, complaints = make_station(
        dictionary, lambda _: [*bad, answer_of(dictionary, "OpCodeCompleted", opcode)]
    )
    assert command_and_wait(station, NO_OP, [], 5.0, lambda _: None).completed
    assert len(complaints) == len(bad)


def test_no_answer_and_a_lost_link_are_told_apart(dictionary: Dictionary) -> None:
    station, _, _ = make_station(dictionary)
    assert command_and_wait(station, NO_OP, [], 0.0, lambda _: None).reason == "was not answered within 0 s"
    with pytest.raises(LinkLost):
        command_and_wait(station, NO_OP, [], 5.0, lambda _: None)


def test_wrong_arguments_are_refused_before_anything_is_sent(dictionary: Dictionary) -> None:
    station, link, _ = make_station(dictionary)
    with pytest.raises(ValueError, match="arg3"):
        station.send_command("CdhCore.cmdDisp.CMD_TEST_CMD_1", ["1", "2", "300"])
    assert link.sent == []
