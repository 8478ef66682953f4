"""The life of commands, answered by events."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.dictionary.decode import DecodedEvent, Decoder
from kittiwake.dictionary.entries import UnknownName
from kittiwake.dictionary.load import read_dictionary
from kittiwake_ground.configuration import DeploymentConfiguration
from kittiwake_ground.server.commands import CommandRecord, CommandRefused, Commands
from kittiwake_ground.server.links import LinkDown
from tests.ground.server.foreign import (
    COMPLETED,
    DICTIONARY,
    DISPATCHED,
    FAILED,
    INVALID,
    NO_OP,
    said,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

FOREIGN = read_dictionary(DICTIONARY, "foreign")
DECODER = Decoder(FOREIGN)
NAME = "Ref.dispatcher.CMD_NO_OP"
TAIL = {DISPATCHED: b"\0\0", COMPLETED: b"", FAILED: b"\x05", INVALID: b""}


def answer(id: int, opcode: int = NO_OP) -> DecodedEvent:
    """An event of the dispatcher."""
    return DECODER.decode_event(said(id, opcode.to_bytes(4, "big") + TAIL[id]))


class Desk:
    """Commands with a link that is `ready` or not, and what was sent over it."""

    def __init__(self, **settings: Any) -> None:
        configuration = DeploymentConfiguration("ref", Path("none"), "tcp://127.0.0.1:1", **settings)
        self.ready = True
        self.broken = False
        self.sent: list[bytes] = []
        self.steps: list[tuple[int, str]] = []
        self.commands = Commands(configuration, FOREIGN, self._send, lambda: self.ready, self._changed)
        self.task = asyncio.ensure_future(self.commands.run())

    async def _send(self, packet: bytes) -> int:
        if self.broken:
            raise LinkDown("gone")
        self.sent.append(packet)
        return len(packet)

    def _changed(self, record: CommandRecord) -> None:
        self.steps.append((record.id, record.state))

    def say(self, *ids: int) -> None:
        """Has the dispatcher say something."""
        for id in ids:
            self.commands.take_event(answer(id))

    async def sent_one(self, **options: Any) -> CommandRecord:
        """A command that has been sent."""
        record = self.commands.submit(NAME, **options)
        await until(lambda: record.state != "queued")
        return record


def within(test: Callable[[Desk], Awaitable[None]], **settings: Any) -> None:
    """Runs a test in an event loop."""

    async def run() -> None:
        desk = Desk(**settings)
        await test(desk)
        desk.task.cancel()

    asyncio.run(run())


@pytest.mark.parametrize(
    "events,state,response",
    [
        ([DISPATCHED], "dispatched", ""),
        ([DISPATCHED, COMPLETED], "completed", "OK"),
        ([COMPLETED], "completed", "OK"),
        ([DISPATCHED, FAILED], "failed", "BUSY"),
        ([INVALID], "refused", ""),
        ([], "sent", ""),
    ],
)
def test_events_move_a_command_on(events: list[int], state: str, response: str) -> None:
    async def test(desk: Desk) -> None:
        record = await desk.sent_one()
        desk.say(*events)
        assert (record.state, record.response) == (state, response)
        assert [state for id, state in desk.steps] == [state for state, _ in record.steps]

    within(test)


def test_answers_go_to_commands_of_their_opcode_in_order() -> None:
    async def test(desk: Desk) -> None:
        first, second = await desk.sent_one(), await desk.sent_one()
        desk.commands.take_event(answer(COMPLETED, 0x700))
        assert (first.state, second.state) == ("sent", "sent")
        desk.say(DISPATCHED, DISPATCHED, COMPLETED)
        assert (first.state, second.state) == ("completed", "dispatched")
        desk.say(FAILED, COMPLETED)
        assert (first.state, second.state) == ("completed", "failed")

    within(test)


def test_what_is_not_answered_times_out_and_its_late_answer_is_not_the_next_ones() -> None:
    async def test(desk: Desk) -> None:
        lost = await desk.sent_one(timeout_s=0.02)
        assert (await lost.wait()).state == "timed_out"
        slow = await desk.sent_one(timeout_s=0.02)
        desk.say(DISPATCHED)
        assert (await slow.wait()).state == "timed_out"
        next_one = await desk.sent_one()
        desk.say(DISPATCHED, FAILED)
        assert (slow.state, next_one.state) == ("timed_out", "dispatched")
        desk.say(COMPLETED)
        assert (lost.state, slow.state, next_one.state) == ("timed_out", "timed_out", "completed")

    within(test)


def test_a_new_start_of_the_deployment_takes_late_answers_with_it() -> None:
    async def test(desk: Desk) -> None:
        slow = await desk.sent_one(timeout_s=0.02)
        desk.say(DISPATCHED)
        await slow.wait()
        desk.commands.forget_late()
        next_one = await desk.sent_one()
        desk.say(COMPLETED)
        assert next_one.state == "completed"

    within(test)


def test_commands_are_held_in_their_order_while_the_link_is_down() -> None:
    async def test(desk: Desk) -> None:
        desk.ready = False
        held = [desk.commands.submit("Ref.down.SendFile", [str(number), "x"]) for number in range(3)]
        desk.commands.cancel(held[1].id)
        await asyncio.sleep(0)
        assert desk.sent == []
        desk.ready = True
        desk.commands.wake()
        await until(lambda: held[2].state == "sent")
        assert [packet[8:9] for packet in desk.sent] == [b"0", b"2"]
        with pytest.raises(CommandRefused, match="only a queued one"):
            desk.commands.cancel(held[0].id)

    within(test)


def test_a_held_command_expires() -> None:
    async def test(desk: Desk) -> None:
        desk.ready = False
        record = desk.commands.submit(NAME)
        assert (await record.wait()).state == "expired"
        desk.ready = True
        desk.commands.wake()
        await asyncio.sleep(0)
        assert desk.sent == []

    within(test, queue_expiry_s=1)


def test_the_queue_is_bounded_and_what_expired_takes_no_room() -> None:
    async def test(desk: Desk) -> None:
        desk.ready = False
        held = [desk.commands.submit(NAME) for _ in range(2)]
        with pytest.raises(CommandRefused, match="full"):
            desk.commands.submit(NAME)
        desk.commands.cancel(held[0].id)
        assert desk.commands.submit(NAME).state == "queued"

    within(test, queue_size=2)


def test_a_deployment_that_holds_nothing_refuses() -> None:
    async def test(desk: Desk) -> None:
        desk.ready = False
        assert desk.commands.submit(NAME).state == "refused"
        desk.ready = True
        assert (await desk.sent_one()).state == "sent"

    within(test, queue="refuse")


def test_a_link_that_breaks_during_a_send_leaves_the_command_unanswered() -> None:
    async def test(desk: Desk) -> None:
        desk.broken = True
        record = await desk.sent_one(timeout_s=0.02)
        assert (await record.wait()).state == "timed_out"

    within(test)


def test_a_command_that_cannot_be_is_refused_before_anything_is_sent() -> None:
    async def test(desk: Desk) -> None:
        with pytest.raises(UnknownName):
            desk.commands.submit("Ref.dispatcher.NOPE")
        for name, arguments in ((NAME, ["x"]), ("Ref.sequencer.CS_RUN", {"fileName": "x"}), (NAME, "text")):
            with pytest.raises(ValueError, match=name):
                desk.commands.submit(name, arguments)
        with pytest.raises(ValueError, match="timeout"):
            desk.commands.submit(NAME, timeout_s=0)
        assert desk.commands.records == {}

    within(test)


@given(st.lists(st.sampled_from(["submit", "time out", DISPATCHED, COMPLETED, FAILED, INVALID]), max_size=40))
def test_whatever_is_said_every_command_has_one_life(actions: list[Any]) -> None:
    """States only go forward, the last one is final and stays, and no answer counts twice."""
    order = ["queued", "sent", "dispatched"]

    async def run() -> None:
        desk = Desk()
        for action in actions:
            if action == "submit":
                desk.commands.submit(NAME)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            elif action == "time out":
                under_way = [one for one in desk.commands.records.values() if not one.is_final]
                if under_way and under_way[0].timer is not None:
                    under_way[0].timer.cancel()
                    desk.commands._time_out(under_way[0])
            else:
                desk.say(action)
        answers = sum(isinstance(action, int) and action != DISPATCHED for action in actions)
        ended = 0
        for record in desk.commands.records.values():
            states = [state for state, _ in record.steps]
            before = states[:-1] if record.is_final else states
            assert before == order[: len(before)]
            ended += record.is_final and record.state != "timed_out"
        assert ended <= answers
        desk.task.cancel()

    asyncio.run(run())
