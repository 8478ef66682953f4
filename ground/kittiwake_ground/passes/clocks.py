"""The clocks that planning goes by: the wall clock for dates, the boot clock for delays; and steps of the first."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from kittiwake.platform.system import SystemClock

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
STEP_US = 2_000_000
"""A wall clock that moves by more against the boot clock, from one look to the next, was stepped."""

SETTLE_US = 30_000_000
"""How long after a step nothing that goes by the wall clock happens: clocks that are put right step more than once."""


class Clocks(Protocol):
    """What time it is, in microseconds."""

    @property
    def boot_id(self) -> str:
        """Which start of the machine the boot clock counts from."""

    def wall_us(self) -> int:
        """Since 1970, by the wall clock."""

    def boot_us(self) -> int:
        """Since the machine's start, sleep included; it never steps."""


class MachineClocks:
    """The clocks of this machine."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        try:
            self.boot_id = _BOOT_ID.read_text().strip()
        except OSError:
            self.boot_id = ""

    def wall_us(self) -> int:
        return self._clock.wall_ns() // 1000

    def boot_us(self) -> int:
        return self._clock.now_ns() // 1000


class StepWatch:
    """Notices steps of the wall clock by how it stands against the boot clock."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._offset_us = clocks.wall_us() - clocks.boot_us()
        self._settled_us = 0

    def look(self) -> int:
        """By how much the wall clock was stepped since the last look, 0 if it was not."""
        offset_us = self._clocks.wall_us() - self._clocks.boot_us()
        step_us = offset_us - self._offset_us
        self._offset_us = offset_us
        if abs(step_us) <= STEP_US:
            return 0
        self._settled_us = self._clocks.boot_us() + SETTLE_US
        return step_us

    @property
    def is_settled(self) -> bool:
        """Whether the wall clock can be gone by: it was not stepped a moment ago."""
        return self._clocks.boot_us() >= self._settled_us
