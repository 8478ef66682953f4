"""Points in time as people and programs give them, as microseconds since 1970."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

When = int | datetime | timedelta | str
"""Microseconds since 1970, a date, how long ago, or either as text: `2026-11-21T04:00:00Z`, `90s`, `10m`, `2h`."""

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def when_us(when: When | None) -> int | None:
    """Microseconds since 1970; `None` stays. A date without a zone is UTC. Raises `ValueError`."""
    if when is None or isinstance(when, int):
        return when
    if isinstance(when, str):
        when = _read(when)
    if isinstance(when, timedelta):
        return max(time.time_ns() // 1000 - when // timedelta(microseconds=1), 0)
    dated = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return (dated - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def span_s(text: str) -> float:
    """A length of time in seconds, as text: `90`, `90s`, `10m`, `2h`, `7d`. Raises `ValueError`."""
    found = _AGO.fullmatch(text.strip() + ("s" if text.strip()[-1:].isdigit() else ""))
    if found is None:
        raise ValueError(f"{text!r} is no length of time: 90s, 10m, 2h, 7d")
    return float(found[1]) * _UNITS_S[found[2]]


def _read(text: str) -> datetime | timedelta:
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago is not None:
            return timedelta(seconds=float(ago[1]) * _UNITS_S[ago[2]])
        return datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is no time: 2026-11-21T04:00:00Z, or how long ago: 90s, 10m, 2h, 7d") from None
