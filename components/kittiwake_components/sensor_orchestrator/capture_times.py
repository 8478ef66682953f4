"""The starts of one sensor on the wall clock: the next one, what is due, and what was missed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.daily_window import local_date

if TYPE_CHECKING:
    from kittiwake_components.sensor_orchestrator.windows import CaptureWindow

MAX_COUNTED = 1000
"""Starts that were missed in one go are counted so far and no further."""


class Due(NamedTuple):
    """The start that is to be captured now, if there is one, and how many before it were missed."""

    start_us: int | None
    missed: int


class CaptureTimes:
    """Follows a window start by start. All times are microseconds of wall time.

    `next_us` is the next start, which may be past while nobody has time for it; `None` before `begin`. `change_us` is
    when the window opens or closes next, `is_open` whether it is open.
    """

    __slots__ = ("_last_us", "_window", "change_us", "is_open", "next_us")

    def __init__(self, window: CaptureWindow) -> None:
        self._window = window
        self._last_us: int | None = None
        self.next_us: int | None = None
        self.is_open = False
        self.change_us = 0

    def begin(self, now_us: int) -> None:
        """Starts with the first start from now on."""
        self.next_us = self._window.next_start(now_us - 1)

    def begin_with_elapsed(self, now_us: int) -> int:
        """Starts with the latest start of the open window, if a capture now ends before the next one.

        Returns how many were missed: those before it, or all.
        """
        self.begin(now_us)
        assert self.next_us is not None
        elapsed = self._elapsed_today(now_us)
        if elapsed and now_us + self._window.duration_us <= self.next_us:
            self.next_us = now_us  # a start of its own, so that it is neither late nor one of the past
            return min(len(elapsed) - 1, MAX_COUNTED)
        return min(len(elapsed), MAX_COUNTED)

    def _elapsed_today(self, now_us: int) -> list[int]:
        from datetime import timedelta

        today = local_date(now_us, self._window.zone)
        for day in (today, today - timedelta(days=1)):
            open_us, close_us = self._window.bounds(day)
            if open_us <= now_us < close_us:
                return [start_us for start_us in self._window.starts(day) if start_us < now_us]
        return []

    def end(self) -> None:
        """No start is ahead any more."""
        self.next_us = None

    def take(self, now_us: int, late_limit_us: int, *, is_free: bool) -> Due:
        """What is due now. A start that is past for longer than the limit, or after which another came, is missed.

        Where the sensor is not free it waits, until it is missed.
        """
        missed = 0
        while self.next_us is not None and self.next_us <= now_us:
            following_us = self._window.next_start(self.next_us)
            if following_us > now_us and now_us - self.next_us <= late_limit_us:
                if not is_free:
                    break
                start_us, self.next_us = self.next_us, following_us
                self._last_us = start_us
                return Due(start_us, missed)
            missed += 1
            self.next_us = following_us
            if missed >= MAX_COUNTED:
                self.begin(now_us)
        return Due(None, missed)

    def wake_us(self, late_limit_us: int, *, is_free: bool) -> int | None:
        """When `take` has something to say: at the next start, or once that is missed."""
        if self.next_us is None or is_free:
            return self.next_us
        return self.next_us + late_limit_us + 1

    def set_back(self, now_us: int) -> None:
        """Wall time has been set back to `now_us`: the starts ahead are looked for anew.

        A start that was captured comes again only if it is more than an interval ahead: it was of another time then.
        """
        if self.next_us is None:
            return
        last_us = self._last_us
        is_near = last_us is not None and now_us <= last_us <= now_us + self._window.interval_us
        self.next_us = self._window.next_start(last_us if is_near and last_us is not None else now_us - 1)

    def look(self, now_us: int) -> bool:
        """Works out `is_open` and `change_us`; whether `is_open` has changed."""
        from datetime import timedelta

        was_open = self.is_open
        day = local_date(now_us, self._window.zone) - timedelta(days=1)
        while True:
            open_us, close_us = self._window.bounds(day)
            if now_us < open_us or open_us <= now_us < close_us:
                break
            day += timedelta(days=1)
        self.is_open = now_us >= open_us
        self.change_us = close_us if self.is_open else open_us
        return self.is_open is not was_open
