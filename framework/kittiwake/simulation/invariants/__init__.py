"""What must hold whatever happens: one module for each invariant, and the list of them all.

    class Mine(Invariant):
        name = "what_must_hold"
        def turn(self) -> None:
            if ...:
                self.broken("what was found")

`INVARIANTS` is what missions check; an invariant of a project's own is added to the list that it hands to `Mission`.
"""

from __future__ import annotations

from kittiwake.simulation.invariants.acknowledged_data import AcknowledgedData
from kittiwake.simulation.invariants.awake_limit import AwakeLimit
from kittiwake.simulation.invariants.base import Invariant, View
from kittiwake.simulation.invariants.boot_clock import BootClock
from kittiwake.simulation.invariants.boot_count import BootCount
from kittiwake.simulation.invariants.counted_drops import CountedDrops
from kittiwake.simulation.invariants.no_fault import NoFault
from kittiwake.simulation.invariants.no_past_wake import NoPastWake
from kittiwake.simulation.invariants.one_response import OneResponse

INVARIANTS: tuple[type[Invariant], ...] = (
    OneResponse, NoPastWake, BootCount, AcknowledgedData, AwakeLimit, NoFault, CountedDrops, BootClock,
)  # fmt: skip

__all__ = ["INVARIANTS", "Invariant", "View"]
