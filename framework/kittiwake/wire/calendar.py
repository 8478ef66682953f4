"""The calendar of UTC without leap seconds, as POSIX counts it, from 1970 on; `datetime` is a slow import."""

from __future__ import annotations

S_PER_DAY = 86_400

_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_leap(year: int) -> bool:
    """Whether the year has 366 days."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_of_month(year: int, month: int) -> int:
    """The days of a month, from 1 to 12."""
    return 29 if month == 2 and is_leap(year) else _DAYS[month - 1]


def days_before(year: int, month: int = 1) -> int:
    """Days from 1970-01-01 to the first day of a month."""
    past = year - 1
    days = 365 * (year - 1970) + (past // 4 - 492) - (past // 100 - 19) + (past // 400 - 4)
    return days + sum([days_of_month(year, earlier) for earlier in range(1, month)])


def date_of(days: int) -> tuple[int, int, int]:
    """Year, month and day that begin `days` after 1970-01-01."""
    year = 1970 + days // 366
    while days_before(year + 1) <= days:
        year += 1
    month = 1
    while month < 12 and days_before(year, month + 1) <= days:
        month += 1
    return year, month, days - days_before(year, month) + 1
