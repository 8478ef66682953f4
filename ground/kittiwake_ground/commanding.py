"""One command and its answer, which F´'s CommandDispatcher gives as events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.dictionary.decode import DecodedEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kittiwake_ground.station import Item, Station

DISPATCHED = "OpCodeDispatched"
COMPLETED = "OpCodeCompleted"
FAILED = "OpCodeError"
REFUSALS = {
    FAILED: "failed",
    "InvalidCommand": "is not known to the deployment",
    "TooManyCommands": "was refused: too many commands wait for their answers",
    "CommandDroppedQueueOverflow": "was dropped: the dispatcher's queue is full",
    "MalformedCommand": "was refused as malformed",
}
"""Mnemonics of the events that answer a command otherwise than with OK, and what they mean."""


class Verdict(NamedTuple):
    """What an event of the dispatcher says of a command: `mnemonic` of the event, and a reason unless all is well.

    `opcode` is `None` where the event names none. `response` is F´'s word for what went wrong, as in EXECUTION_ERROR.
    """

    mnemonic: str
    opcode: int | None
    response: str = ""
    reason: str = ""


def verdict_of(event: DecodedEvent) -> Verdict | None:
    """What an event says of a command, or `None` if it says nothing of any."""
    mnemonic = event.name.rpartition(".")[2]
    if mnemonic not in (DISPATCHED, COMPLETED) and mnemonic not in REFUSALS:
        return None
    formals = zip(event.event.formals, event.args, strict=True)
    opcode = next((value for formal, value in formals if formal.name.lower() == "opcode"), None)
    if mnemonic not in REFUSALS:
        return Verdict(mnemonic, opcode)
    words = [getattr(value, "name", None) for value in event.args]
    detail = ", ".join([word for word in words if word])
    return Verdict(mnemonic, opcode, detail, REFUSALS[mnemonic] + (f": {detail}" if detail else ""))


class Answer(NamedTuple):
    """How a command ended: whether it completed, and what to say if it did not."""

    completed: bool
    reason: str = ""


class CommandWatch:
    """Knows the answer to one command among the events that come after it was sent."""

    def __init__(self, opcode: int) -> None:
        self.answer: Answer | None = None
        self._opcode = opcode

    def take(self, item: Item) -> None:
        """Looks at one item that came; an event without an opcode concerns whoever waits."""
        if self.answer is not None or not isinstance(item, DecodedEvent):
            return
        verdict = verdict_of(item)
        if verdict is None or verdict.mnemonic == DISPATCHED or verdict.opcode not in (None, self._opcode):
            return
        self.answer = Answer(verdict.mnemonic == COMPLETED, verdict.reason)


def command_and_wait(
    station: Station, name: str, arguments: Sequence[Any], timeout_s: float, take: Callable[[Item], None]
) -> Answer:
    """Sends a command and waits for its answer; `take` gets all that comes in between.

    The dispatcher's events name opcodes only: if somebody else sends the same command at the same time, the first
    answer counts. Raises `LinkLost`, `UnknownName` and `ValueError` as `Station.send_command` does.
    """
    watch = CommandWatch(station.send_command(name, arguments))
    deadline = time.monotonic() + timeout_s
    while (left_s := deadline - time.monotonic()) > 0:
        for item in station.receive(left_s):
            take(item)
            watch.take(item)
        if watch.answer is not None:
            return watch.answer
    return Answer(False, f"was not answered within {timeout_s:g} s")
