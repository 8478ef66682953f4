"""A watchdog in memory: whoever simulates a machine asks whether its time is over, and then cuts the power."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from kittiwake.platform.simulated_clock import SimulatedClock


class SimulatedWatchdog:
    """One watchdog; it runs from its opening on. `is_broken` makes it refuse strokes."""

    def __init__(self, clock: SimulatedClock, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.strokes = 0
        self.is_armed = True
        self.is_broken = False
        self._clock = clock
        self._stroked_ns = clock.now_ns()

    def stroke(self) -> None:
        """Starts its time anew. Raises `OSError` if it is broken."""
        if self.is_broken:
            raise OSError(errno.EIO, "Input/output error")
        self.strokes += 1
        self._stroked_ns = self._clock.now_ns()

    def close(self, *, disarm: bool) -> None:
        """Stops it, or lets it run on."""
        self.is_armed = self.is_armed and not disarm

    def has_expired(self) -> bool:
        """Whether nobody stroked it in time: a machine would be off by now."""
        return self.is_armed and self._clock.now_ns() - self._stroked_ns > self.timeout_s * NS_PER_S
