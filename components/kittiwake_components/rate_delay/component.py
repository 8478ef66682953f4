"""Passes on one cycle of a rate group in many."""

from __future__ import annotations

from kittiwake.model import ACTIVITY_HI, U8, OutputPort, Parameter, PassiveComponent, event, sync_port
from kittiwake.model.fw import Sched


class RateDelay(PassiveComponent):
    """After each DIVIDER cycles it lets the next one through (F´ extras' RateDelay), the first one too."""

    run_out = OutputPort(Sched, required=True, doc="The cycles that go through.")

    divider = Parameter(U8, default=29, doc="Cycles that are left out after each one that goes through.")

    @event(ACTIVITY_HI, "Set divider to: {divider}")
    def divider_set(self, divider: U8) -> None: ...

    def initialize(self) -> None:
        self._left = 0

    def parameter_updated(self, name: str) -> None:
        self._left = min(self._left, self.divider)
        self.divider_set(self.divider)

    @sync_port(Sched)
    def run_in(self, context: int) -> None:
        """One cycle."""
        if self._left:
            self._left -= 1
            return
        self._left = self.divider
        self.run_out(context)
