"""When the holders of devices are announced: at each begin and end of a slot, and an interval after the last time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock

_NS_PER_US = 1000


class Announcements:
    """The one timer. Ends of slots are moments of the wall clock, the interval is counted on the clock since boot.

    `next_edge_us` says when the next slot begins or ends, `announce` is called when the timer is due. What is pending
    is never put off, whatever is asked for or cancelled meanwhile.
    """

    def __init__(
        self, clock: TaskClock, next_edge_us: Callable[[], int | None], announce: Callable[[], None]
    ) -> None:  # fmt: skip
        self._clock = clock
        self._next_edge_us = next_edge_us
        self._announce = announce
        self._timer: Timer | None = None
        self._interval_s = 0.0
        self._interval_due_ns = 0
        self._edge_us: int | None = None

    def begin(self, interval_s: float) -> None:
        """Announces now, and from now on."""
        self._interval_s = interval_s
        self._fire()

    def set_interval(self, interval_s: float) -> None:
        """Another interval, from the next time on; a shorter one brings the next time forward."""
        self._interval_s = interval_s
        due_ns = self._clock.now_ns() + round(interval_s * NS_PER_S)
        self._interval_due_ns = min(self._interval_due_ns, due_ns)
        self.arm()

    def changed(self) -> None:
        """There may be an earlier edge."""
        edge_us = self._next_edge_us()
        if edge_us is not None and (self._edge_us is None or edge_us < self._edge_us):
            self._edge_us = edge_us
        self.arm()

    def arm(self) -> None:
        """Sets the timer to what is due first; called now and then, it follows a wall clock that was set."""
        deadline_ns = self._interval_due_ns
        if self._edge_us is not None:
            to_edge_ns = self._edge_us * _NS_PER_US - self._clock.wall_ns()
            deadline_ns = min(deadline_ns, self._clock.now_ns() + max(0, to_edge_ns))
        if self._timer is not None:
            if self._timer.deadline_ns == deadline_ns:
                return
            self._timer.cancel()
        self._timer = self._clock.call_at(deadline_ns, self._due)

    def _due(self) -> None:
        self._timer = None
        edge_has_come = self._edge_us is not None and self._clock.wall_ns() >= self._edge_us * _NS_PER_US
        if edge_has_come or self._clock.now_ns() >= self._interval_due_ns:
            self._fire()
        else:
            self.arm()  # the wall clock was set back

    def _fire(self) -> None:
        self._announce()
        self._interval_due_ns = self._clock.now_ns() + round(self._interval_s * NS_PER_S)
        self._edge_us = self._next_edge_us()
        self.arm()

    def stop(self) -> None:
        """No more of it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
