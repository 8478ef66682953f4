"""When a battery counts as low, critical and recovered: only after a while, so that a pulse of current does not."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum


@wire_enum(U8, name="Components.BatteryLevel")
class BatteryLevel(IntEnum):
    """How the battery stands."""

    UNKNOWN = 0
    NORMAL = 1
    LOW = 2
    CRITICAL = 3


class BatteryWatch:
    """Follows a voltage. A level is taken once the voltage has stood for it for `debounce_ns`.

    What is not a number stands for nothing, and ends what had begun to stand. From LOW and CRITICAL the way back leads
    over `recover_v` only.
    """

    def __init__(self) -> None:
        self.level = BatteryLevel.UNKNOWN
        self._wanted = BatteryLevel.UNKNOWN
        self._since_ns = 0

    def sample(
        self, voltage_v: float, now_ns: int, *, critical_v: float, low_v: float, recover_v: float, debounce_ns: int
    ) -> bool:
        """Takes a voltage; whether the level is a new one."""
        wanted = self._level_of(voltage_v, critical_v, low_v, recover_v)
        if wanted is not self._wanted:
            self._wanted, self._since_ns = wanted, now_ns
        if wanted is self.level or wanted is BatteryLevel.UNKNOWN:
            return False
        # At first nothing is known: a good battery is good at once, a bad one takes its time like any other.
        is_first_good = self.level is BatteryLevel.UNKNOWN and wanted is BatteryLevel.NORMAL
        if now_ns - self._since_ns < debounce_ns and not is_first_good:
            return False
        self.level = wanted
        return True

    def _level_of(self, voltage_v: float, critical_v: float, low_v: float, recover_v: float) -> BatteryLevel:
        if voltage_v != voltage_v:
            return BatteryLevel.UNKNOWN
        if voltage_v < critical_v:
            return BatteryLevel.CRITICAL
        if voltage_v < low_v:
            return BatteryLevel.CRITICAL if self.level is BatteryLevel.CRITICAL else BatteryLevel.LOW
        if self.level in (BatteryLevel.LOW, BatteryLevel.CRITICAL) and voltage_v <= recover_v:
            return self.level
        return BatteryLevel.NORMAL
