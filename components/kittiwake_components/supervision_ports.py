"""The ports by which a supervisor learns what is to be done before the device may sleep, and for how long."""

from __future__ import annotations

from kittiwake.model.ports import port
from kittiwake.model.types import U32, U64


@port("Components.NextWake")
def NextWake() -> U64:
    """When the next work is due, in microseconds since the Unix epoch; 0 if there is none."""
    return 0


@port("Components.DueWork")
def DueWork() -> U32:
    """How many pieces of work are under way, or due now."""
    return 0
