"""The states of a simulated bearer, and what it heeds."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum


class SimulatedState(IntEnum):
    """Where a simulated bearer stands."""

    DOWN = 0
    BRINGUP = 1
    UP = 2
    DEGRADED = 3


class SimulatedSignal(IntEnum):
    """What a simulated bearer heeds: the manager's orders, and what its medium is like."""

    ORDERED_UP = 0
    ORDERED_DOWN = 1
    GOOD = 2
    WEAK = 3
    GONE = 4
