"""Heartbeat points: written 1, 0, 1, 0 by turns, so that a device knows that somebody is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock


class Heartbeats:
    """Beats each of the points, once at the start and then at an interval; `write` gets a point's path and a value."""

    def __init__(self, clock: TaskClock, points: Iterable[str], write: Callable[[str, int], None]) -> None:
        self._clock = clock
        self._values = dict.fromkeys(points, 0)
        self._write = write
        self._timer: Timer | None = None
        self._interval_s = 0.0

    def begin(self, interval_s: float) -> None:
        """Beats now, and from now on; with the interval that it has already, nothing changes."""
        if not self._values or (self._timer is not None and interval_s == self._interval_s):
            return
        self.stop()
        self._interval_s = interval_s
        self._beat(self._clock.now_ns())

    def _beat(self, due_ns: int) -> None:
        # Counted from when it was due: beats do not drift. Those that the machine slept through are not made up for.
        interval_ns = round(self._interval_s * NS_PER_S)
        following_ns = max(due_ns, self._clock.now_ns() - interval_ns + 1) + interval_ns
        self._timer = self._clock.call_at(following_ns, self._beat, following_ns)
        for point, last in self._values.items():
            value = self._values[point] = 1 - last
            self._write(point, value)

    def stop(self) -> None:
        """No more of it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
