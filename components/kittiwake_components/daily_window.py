"""A window of each day in a time zone, and the starts in it: from its begin to its end, both inclusive, step by step.

The steps are elapsed time from the window's begin on that day, so that a change of the clocks within a window moves
none of them. A begin or end that a change of the clocks leaves out is taken as the same moment later by the change;
one that comes twice is taken as the first. A window whose end is before its begin ends on the next day.

Times are microseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime, tzinfo

US_PER_S = 1_000_000
DAY_MINUTES = 24 * 60


class DailyWindow:
    """From `begin_min` to `end_min` (minutes of the day) every `interval_us`, in `zone`.

    Raises `ValueError` for minutes outside a day, and for an interval that is not positive.
    """

    __slots__ = ("begin_min", "end_min", "interval_us", "zone")

    def __init__(self, begin_min: int, end_min: int, interval_us: int, zone: tzinfo) -> None:
        for minute in (begin_min, end_min):
            if not 0 <= minute < DAY_MINUTES:
                raise ValueError(f"a minute of the day is 0 to {DAY_MINUTES - 1}, not {minute}")
        if interval_us <= 0:
            raise ValueError("the interval of a window is more than nothing")
        self.begin_min = begin_min
        self.end_min = end_min
        self.interval_us = interval_us
        self.zone = zone

    def bounds(self, day: date) -> tuple[int, int]:
        """The first and the last microsecond of the window that begins on `day`."""
        from datetime import timedelta

        last = day if self.end_min >= self.begin_min else day + timedelta(days=1)
        return instant_us(day, self.begin_min, self.zone), instant_us(last, self.end_min, self.zone)

    def starts(self, day: date) -> Iterator[int]:
        """All starts in the window that begins on `day`, in their order."""
        begin, end = self.bounds(day)
        yield from range(begin, end + 1, self.interval_us)

    def after(self, time_us: int) -> int:
        """The first start after `time_us`."""
        from datetime import timedelta

        day = local_date(time_us, self.zone) - timedelta(days=1)  # its window may reach into today
        while True:
            begin, end = self.bounds(day)
            first = begin
            if time_us >= begin:
                first += ((time_us - begin) // self.interval_us + 1) * self.interval_us
            if first <= end:
                return first
            day += timedelta(days=1)


def instant_us(day: date, minute: int, zone: tzinfo) -> int:
    """When a minute of a day comes in a zone: where it comes twice the first time, where it does not, after the gap."""
    from datetime import datetime

    return epoch_us(datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=zone))


def epoch_us(moment: datetime) -> int:
    """An aware datetime in microseconds since the epoch, exactly."""
    from datetime import UTC, datetime, timedelta

    return (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def local_time(time_us: int, zone: tzinfo) -> datetime:
    """The time in a zone. Raises `OverflowError` beyond the year 9999."""
    from datetime import UTC, datetime, timedelta

    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)).astimezone(zone)


def iso_time(time_us: int) -> str | None:
    """A time of the wall clock as ISO 8601 in UTC; none for one that no calendar holds."""
    from datetime import UTC

    try:
        return local_time(time_us, UTC).isoformat()
    except OverflowError:
        return None


def local_date(time_us: int, zone: tzinfo) -> date:
    """The day in a zone."""
    return local_time(time_us, zone).date()


def parse_minute(text: str) -> int:
    """The minute of the day that `HHMM` or `HH:MM` names. Raises `ValueError`."""
    digits = text.replace(":", "") if text[2:3] == ":" else text
    if len(digits) == 4 and digits.isascii() and digits.isdigit() and digits[:2] < "24" and digits[2:] < "60":
        return int(digits[:2]) * 60 + int(digits[2:])
    raise ValueError(f"a time of day is HHMM or HH:MM, not {text!r}")


def find_zone(name: str) -> tzinfo:
    """The time zone of an IANA name, or UTC for an empty one. Raises `ValueError`."""
    from datetime import UTC

    if name in ("", "UTC"):
        return UTC
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (OSError, LookupError, ValueError):  # it also looks for files of that name
        raise ValueError(f"there is no time zone {name!r}; IANA's names are like Europe/Berlin") from None
