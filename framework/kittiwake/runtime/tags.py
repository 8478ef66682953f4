"""Time tags: one integer each, strictly increasing within a clock epoch.

A tag is `time base << 64 | microseconds`, so that tags of one base compare as times. Channels written within one turn
of the loop share one reading of the clock and differ by a microsecond each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake.platform.interface import Clock

TB_PROC_TIME = 1
TB_WORKSTATION_TIME = 2
TB_SC_TIME = 3

BASE_SHIFT = 64
MICROSECONDS = (1 << BASE_SHIFT) - 1
LATEST_US = 0xFFFF_FFFF * 1_000_000
"""What a clock beyond the tags' 32 bits of seconds (2106) shows; the last second is for what one turn counts up."""


class TagSource:
    """Gives time tags. `stale` says that a new turn began since the clock was last read.

    `is_estimated` says that wall time is a guess, good for labels; what waits for an absolute time waits on.
    """

    __slots__ = ("_boot", "_clock", "_latest", "base", "is_estimated", "last", "stale")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._boot = False
        self.is_estimated = False
        self.base = TB_WORKSTATION_TIME << BASE_SHIFT
        self._latest = self.base + LATEST_US
        self.last = 0
        self.stale = True

    def now(self) -> int:
        """A tag of the present time, later than every tag before it in this epoch.

        A clock that is past what a tag can hold, as a broken one may be, gives the latest tag there is, again and
        again: events would else have no wire form.
        """
        clock = self._clock
        tag = self.base + (clock.now_ns() if self._boot else clock.wall_ns()) // 1000
        if tag <= self.last:
            tag = self.last + 1
        if tag > self._latest:
            tag = self._latest
        self.last = tag
        self.stale = False
        return tag

    def begin_epoch(self, time_base: int) -> None:
        """Starts an epoch: tags are of `time_base` from now on and may be earlier than those before.

        TB_PROC_TIME counts since boot, every other base since the Unix epoch.
        """
        self._boot = time_base == TB_PROC_TIME
        self.base = time_base << BASE_SHIFT
        self._latest = self.base + LATEST_US
        self.last = 0
        self.stale = True


class SharedTagSource(TagSource):
    """A `TagSource` for deployments with worker threads: every tag is drawn under a lock."""

    __slots__ = ("_lock",)

    def __init__(self, clock: Clock) -> None:
        from threading import Lock

        super().__init__(clock)
        self._lock = Lock()

    @property
    def stale(self) -> bool:
        """Always true: there is no unlocked way to a tag."""
        return True

    @stale.setter
    def stale(self, value: bool) -> None:
        pass

    def now(self) -> int:
        """A tag of the present time, later than every tag before it in this epoch."""
        with self._lock:
            return super().now()

    def begin_epoch(self, time_base: int) -> None:
        """Starts an epoch: no tag of the old one is drawn behind it."""
        with self._lock:
            super().begin_epoch(time_base)
