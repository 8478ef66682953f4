"""The component of the soak: a rack with a hundred channels, all written in each cycle."""

from __future__ import annotations

from kittiwake.model import F64, U64, Channel, PassiveComponent, sync_port
from kittiwake.model.fw import Sched

LEVELS = 99


class Rack(PassiveComponent):
    """Counts its cycles, and writes 99 levels that rise and fall with the count."""

    ticks = Channel(U64, doc="Cycles so far: how many samples of each channel there are.")
    for _number in range(LEVELS):
        vars()[f"level_{_number}"] = Channel(F64, unit="V")

    def initialize(self) -> None:
        self._count = 0

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """One cycle of a rate group."""
        self._count += 1
        self.ticks = self._count
        for number in range(LEVELS):
            setattr(self, f"level_{number}", self._count % 1000 * 0.01 + number)
