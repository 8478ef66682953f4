"""The times of sequence text, in microseconds: `HH:MM:SS[.ffffff]` and `YYYY-DDDTHH:MM:SS[.ffffff]`.

Fractions are read digit by digit, so that no microsecond is lost: 2.3 s is 2 s and 300,000 µs.
"""

from __future__ import annotations

import re

from kittiwake.sequence.binary import MAX_SECONDS
from kittiwake.wire.calendar import S_PER_DAY, date_of, days_before, is_leap

RELATIVE_TIME = "HH:MM:SS[.ffffff]"
ABSOLUTE_TIME = "YYYY-DDDTHH:MM:SS[.ffffff]"

US_PER_S = 1_000_000

_CLOCK = r"(\d\d):(\d\d)(?:\.(\d{1,6}))?"
_RELATIVE = re.compile(rf"(\d{{2,7}}):{_CLOCK}", re.ASCII)
_ABSOLUTE = re.compile(rf"(\d{{4}})-(\d{{3}})T(\d\d):{_CLOCK}", re.ASCII)


def relative_us(text: str) -> int:
    """The microseconds of `HH:MM:SS[.ffffff]`; hours may exceed 24. Raises `ValueError`."""
    found = _RELATIVE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time of the form {RELATIVE_TIME}")
    hours, minutes, seconds, fraction = found.groups()
    return _limited(int(hours) * 3600 + _clock_s(minutes, seconds), fraction, "a delay is at most 1193046:28:15")


def absolute_us(text: str) -> int:
    """The microseconds from 1970-01-01, UTC, to `YYYY-DDDTHH:MM:SS[.ffffff]`. Raises `ValueError`."""
    found = _ABSOLUTE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time of the form {ABSOLUTE_TIME}")
    year, day, hours, minutes, seconds, fraction = found.groups()
    if int(year) < 1970:
        raise ValueError("a time is not before 1970")
    days = 366 if is_leap(int(year)) else 365
    if not 1 <= int(day) <= days:
        raise ValueError(f"{year} has days 001 to {days}, not {day}")
    if int(hours) > 23:
        raise ValueError(f"a day has hours 00 to 23, not {hours}")
    total = (days_before(int(year)) + int(day) - 1) * S_PER_DAY + int(hours) * 3600 + _clock_s(minutes, seconds)
    return _limited(total, fraction, "a time is at most 2106-038T06:28:15")


def relative_text(seconds: int, microseconds: int) -> str:
    """`HH:MM:SS[.ffffff]`; the fraction is there if it is not zero."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02}:{minute:02}:{second:02}{_fraction(microseconds)}"


def absolute_text(seconds: int, microseconds: int) -> str:
    """`YYYY-DDDTHH:MM:SS[.ffffff]`, UTC, of a time since 1970."""
    days, second = divmod(seconds, S_PER_DAY)
    year = date_of(days)[0]
    return f"{year:04}-{days - days_before(year) + 1:03}T{relative_text(second, microseconds)}"


def _clock_s(minutes: str, seconds: str) -> int:
    if int(minutes) > 59:
        raise ValueError(f"an hour has minutes 00 to 59, not {minutes}")
    if int(seconds) > 59:
        raise ValueError(f"a minute has seconds 00 to 59, not {seconds}")
    return int(minutes) * 60 + int(seconds)


def _limited(seconds: int, fraction: str | None, message: str) -> int:
    if seconds > MAX_SECONDS:
        raise ValueError(message)
    return seconds * US_PER_S + int((fraction or "").ljust(6, "0"))


def _fraction(microseconds: int) -> str:
    return f".{microseconds:06}".rstrip("0") if microseconds else ""
