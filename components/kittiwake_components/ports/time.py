"""How far the deployment's time can be trusted, and the port by which it is set."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model.ports import port
from kittiwake.model.types import U8, U64, wire_enum


@wire_enum(U8, name="Kittiwake.TimeQuality")
class TimeQuality(IntEnum):
    """How far the wall time can be trusted."""

    UNSET = 0
    """It was never set: time is counted from boot."""
    ESTIMATED = 1
    """Restored from a record: good for labels, while absolute times wait."""
    SET = 2
    """By the ground, a clock chip, or the machine."""
    SYNCED = 3
    """Kept by a network or a satellite receiver."""


@port("Kittiwake.SetTime")
def SetTime(time_us: U64, quality: TimeQuality) -> None:
    """The wall time is `time_us` since the Unix epoch, UTC, and can be trusted so far. The clock since boot stays."""
