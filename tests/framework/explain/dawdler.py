"""A component that can be told to take long, to say a lot, and to fail."""

from __future__ import annotations

from typing import Annotated, Any

from kittiwake.model import (
    ACTIVITY_LO,
    DIAGNOSTIC,
    U8,
    U32,
    ActiveComponent,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    Range,
    async_port,
    command,
    event,
    sync_port,
)
from kittiwake.model.fw import Ping, Sched


class Dawdler(ActiveComponent):
    """Takes its time."""

    steady = Channel(Bool, on_change=True)
    turns = Channel(U32)
    never = Channel(U32)
    left = Channel(U32)

    @event(ACTIVITY_LO, "Chatter {number}", throttle=3, every_s=600.0)
    def chatter(self, number: U32) -> None: ...

    @event(DIAGNOSTIC, "Whisper")
    def whisper(self) -> None: ...

    @event(ACTIVITY_LO, "Nothing is the matter")
    def unheard(self) -> None: ...

    def initialize(self) -> None:
        self._delay_s = 0
        self.steady = True

    def spend(self, seconds: float) -> None:
        """Lets time pass as a long calculation would."""
        clock: Any = self.platform.clock
        clock.advance(round(seconds * 1e9))

    @sync_port(Sched)
    def run(self, context: int) -> None:
        self.turns += 1
        self.left = self.turns
        delay_s, self._delay_s = self._delay_s, 0
        self.spend(delay_s)

    @async_port(Ping, full="drop")
    def work(self, key: int) -> None:
        self.spend(key)

    @command
    def dawdle(self, seconds: Annotated[U8, Range(0, 5)]) -> None:
        """Take so long in the next cycle."""
        self._delay_s = seconds

    @command
    def chat(self, count: U32) -> None:
        """Say something so often."""
        for number in range(count):
            self.chatter(number)
        self.whisper()

    @command
    def refuse(self) -> None:
        """Be refused."""
        raise CommandError(CommandResponse.EXECUTION_ERROR, "the moon is in the wrong house")

    @command
    def fail(self) -> None:
        """Fail."""
        raise ZeroDivisionError("by nothing")
