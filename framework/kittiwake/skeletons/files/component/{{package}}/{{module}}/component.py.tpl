"""{{name}}: a skeleton to be filled. It works once every few cycles while it is on."""

from __future__ import annotations

from kittiwake.model import (
{{imports}})
from kittiwake.model.fw import Sched


class {{name}}({{base}}):
    """Does a round of its work once every PERIOD cycles while it is on."""

    rounds = Channel(U32, doc="Rounds since the start.")
    is_on = Channel(Bool, on_change=True, doc="Whether it works.")
    period = Parameter(U32, default=2, low=1, high=3600, unit="cycles", doc="Cycles from round to round.")

    @event(ACTIVITY_HI, "{{name}} on: {on}")
    def switched(self, on: Bool) -> None:
        """It was switched on or off."""

    def initialize(self) -> None:
        self.is_on = False
        self._waited = 0

    @command
    def switch(self, on: Bool) -> None:
        """Switch it on or off."""
        if on == self.is_on:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "it is so already")
        self.is_on = on
        self._waited = 0
        self.switched(on)

    @{{port}}
    def run(self, context: int) -> None:
        """One cycle of a rate group."""
        if not self.is_on:
            return
        self._waited += 1
        if self._waited >= self.period:
            self._waited = 0
            self.rounds += 1
