"""Keeps the platform's stall watch from striking while the main loop turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from kittiwake.platform.interface import StallWatch
    from kittiwake.runtime.loop import Loop, Timer

REARMINGS = 4
"""How often the watch is armed within its limit: a stall is noticed after three quarters of it at the earliest."""


class StallGuard:
    """Arms a watch from a timer of the loop: a loop that is stuck for `limit_s` seconds ends with its process."""

    def __init__(self, loop: Loop, watch: StallWatch, limit_s: float) -> None:
        self._loop = loop
        self._watch = watch
        self._limit_s = limit_s
        self._period_ns = round(limit_s * NS_PER_S) // REARMINGS
        self._timer: Timer | None = None
        self._arm()

    def _arm(self) -> None:
        self._watch.arm(self._limit_s)
        self._timer = self._loop.call_at(self._loop.clock.now_ns() + self._period_ns, self._arm)

    def allow(self, limit_s: float) -> None:
        """Arms the watch once more, for something that may take `limit_s` seconds."""
        self.close_timer()
        self._watch.arm(limit_s)

    def close_timer(self) -> None:
        """Does not arm the watch again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        """Ends the watch."""
        self.close_timer()
        self._watch.close()
