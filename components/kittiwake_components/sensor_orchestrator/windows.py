"""When a sensor records: starts in a window of each day, and the next of them after any moment.

A window has its starts at even steps of elapsed time, from its first moment to its last, both inclusive; the last
capture may so reach beyond the window's end. Moments are microseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.daily_window import DAY_MINUTES, US_PER_S, DailyWindow, epoch_us, local_date, local_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime, tzinfo

MAX_STARTS = 100_000
"""The most starts that are listed at once."""

DAY_S = 86400


class CaptureOverlap(ValueError):
    """A capture would still run when the next one begins."""


class CaptureWindow:
    """Captures of `duration_us` from `start_min` to `end_min` (minutes of the day) each `interval_us`, in `zone`.

    A window whose end is before its start goes over midnight. Steps are elapsed time from the start of that day's
    window, so a change of the clocks in it moves none of them. Where such a change brings the window of a day into the
    last capture of the day before, the starts that come too early are left out.

    Raises `ValueError` for what is out of range, and `CaptureOverlap` for captures that would overlap each day.
    """

    __slots__ = ("_days", "duration_us")

    def __init__(self, start_min: int, end_min: int, duration_us: int, interval_us: int, zone: tzinfo) -> None:
        _check_lengths(duration_us, interval_us)
        if interval_us > DAY_S * US_PER_S:
            raise ValueError("the interval between captures is at most a day")
        self._days = DailyWindow(start_min, end_min, interval_us, zone)
        self.duration_us = duration_us
        length_us = (end_min - start_min) % DAY_MINUTES * 60 * US_PER_S
        last_end_us = length_us // interval_us * interval_us + duration_us
        if last_end_us > DAY_S * US_PER_S:
            over_s = last_end_us / US_PER_S - DAY_S
            raise CaptureOverlap(f"the last capture of a day would go {over_s:g} s into the first one of the next day")

    def _key(self) -> tuple[object, ...]:
        return self.start_min, self.end_min, self.duration_us, self.interval_us, self.zone

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CaptureWindow) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    @property
    def start_min(self) -> int:
        """The minute of the day at which the window opens."""
        return self._days.begin_min

    @property
    def end_min(self) -> int:
        """The minute of the day of the last possible start."""
        return self._days.end_min

    @property
    def interval_us(self) -> int:
        """From start to start."""
        return self._days.interval_us

    @property
    def zone(self) -> tzinfo:
        """The time zone of the window's hours."""
        return self._days.zone

    def starts(self, day: date, *, from_us: int | None = None) -> Iterator[int]:
        """The starts in the window that opens on `day`, in their order; with `from_us` only those that are not past.

        That is the choice of the original's `include_elapsed_times`.
        """
        first_us, last_us = self._first_and_last(day)
        if from_us is not None:
            first_us = self._on_step(first_us, from_us)
        yield from range(first_us, last_us + 1, self.interval_us)

    def next_start(self, after_us: int) -> int:
        """The first start after a moment, whatever day it is on."""
        from datetime import timedelta

        day = local_date(after_us, self.zone) - timedelta(days=1)  # its window may reach into today
        while True:
            first_us, last_us = self._first_and_last(day)
            start_us = self._on_step(first_us, after_us + 1)
            if start_us <= last_us:
                return start_us
            day += timedelta(days=1)

    def bounds(self, day: date) -> tuple[int, int]:
        """When the window that opens on `day` opens, and when it closes: at the end of its last capture."""
        first_us, last_us = self._first_and_last(day)
        last_us -= (last_us - first_us) % self.interval_us
        return first_us, max(first_us, last_us + self.duration_us)

    def is_open(self, now_us: int) -> bool:
        """Whether a window has opened and its last capture has not yet ended."""
        from datetime import timedelta

        today = local_date(now_us, self.zone)
        windows = (self.bounds(today - timedelta(days=back)) for back in (1, 0))
        return any(open_us <= now_us < close_us for open_us, close_us in windows)

    def _first_and_last(self, day: date) -> tuple[int, int]:
        """The first start of a day, and the moment after which none begins; where there is none, it is before."""
        from datetime import timedelta

        first_us, last_us = self._days.bounds(day)
        before_us, before_last_us = self._days.bounds(day - timedelta(days=1))
        if before_last_us >= before_us:
            before_last_us -= (before_last_us - before_us) % self.interval_us
            first_us = self._on_step(first_us, before_last_us + self.duration_us)
        return first_us, last_us

    def _on_step(self, first_us: int, from_us: int) -> int:
        """The first step from `first_us` on that is not before `from_us`."""
        return first_us if from_us <= first_us else from_us + (first_us - from_us) % self.interval_us


def get_all_recording_start_times_within_window(
    capture_window_start_time: datetime,
    capture_window_end_time: datetime,
    capture_duration_seconds: float,
    capture_interval_seconds: float,
) -> list[datetime]:
    """All starts from one moment to another, both inclusive, as the Beemon orchestrator's function of this name.

    They come in the zone of the start, at even steps of elapsed time, whatever its clocks do meanwhile. Raises
    `ValueError` for a datetime without a time zone, and for more than 100,000 starts, `CaptureOverlap` for a duration
    that is longer than the interval.
    """
    for moment in (capture_window_start_time, capture_window_end_time):
        if moment.utcoffset() is None:
            raise ValueError(f"{moment.isoformat()} has no time zone: say which one it is in")
    interval_us = round(capture_interval_seconds * US_PER_S)
    _check_lengths(round(capture_duration_seconds * US_PER_S), interval_us)
    starts = range(epoch_us(capture_window_start_time), epoch_us(capture_window_end_time) + 1, interval_us)
    if len(starts) > MAX_STARTS:
        raise ValueError(f"{len(starts)} starts are more than {MAX_STARTS}: ask for fewer days, or use `CaptureWindow`")
    zone = capture_window_start_time.tzinfo
    assert zone is not None
    return [local_time(start_us, zone) for start_us in starts]


def _check_lengths(duration_us: int, interval_us: int) -> None:
    """Raises `ValueError`, or `CaptureOverlap`."""
    if duration_us <= 0:
        raise ValueError("the duration of a capture is more than nothing")
    if interval_us <= 0:
        raise ValueError("the interval between captures is more than nothing")
    if duration_us > interval_us:
        raise CaptureOverlap(
            f"a capture of {duration_us / US_PER_S:g} s is longer than the interval of {interval_us / US_PER_S:g} s"
        )
