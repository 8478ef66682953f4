"""One command and its answer, which F´'s CommandDispatcher gives as events."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.dictionary.decode import DecodedEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kittiwake_ground.station import Item, Station

COMPLETED = "OpCodeCompleted"
REFUSALS = {
    "OpCodeError": "failed",
    "InvalidCommand": "is not known to the deployment",
    "TooManyCommands": "was refused: too many commands wait for their answers",
    "CommandDroppedQueueOverflow": "was dropped: the dispatcher's queue is full",
    "MalformedCommand": "was refused as malformed",
}
"""Mnemonics of the events that answer a command otherwise than with OK, and what they mean."""


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
        """Looks at one item that came."""
        if self.answer is not None or not isinstance(item, DecodedEvent):
            return
        mnemonic = item.name.rpartition(".")[2]
        if mnemonic == COMPLETED and self._concerns(item):
            self.answer = Answer(True)
        elif mnemonic in REFUSALS and self._concerns(item):
            words = [getattr(value, "name", None) for value in item.args[1:]]
            detail = ", ".join([word for word in words if word])
            self.answer = Answer(False, REFUSALS[mnemonic] + (f": {detail}" if detail else ""))

    def _concerns(self, event: DecodedEvent) -> bool:
        """Whether the event's opcode is the command's; one without an opcode concerns whoever waits."""
        named = {formal.name.lower(): value for formal, value in zip(event.event.formals, event.args, strict=True)}
        return bool(named.get("opcode", self._opcode) == self._opcode)


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
