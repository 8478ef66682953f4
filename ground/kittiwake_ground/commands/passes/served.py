"""How the sub-commands of `kittiwake ground passes` and `plan` read times, and show rates and lengths of time."""

from __future__ import annotations

import argparse


def moment(text: str) -> int:
    """Reads a date, also with the day of the year as it is printed, as microseconds since 1970."""
    from datetime import datetime

    from kittiwake_ground.client.times import when_us

    found = None
    for read in (datetime.fromisoformat, lambda given: datetime.strptime(given.removesuffix("Z"), "%Y-%jT%H:%M:%S")):
        try:
            found = when_us(read(text.strip()))
            break
        except (ValueError, OverflowError):
            continue
    if found is None or found < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no date, as in 2026-11-27T20:15:00Z or 2026-331T20:15:00")
    return found


def span(text: str) -> float:
    """Reads a length of time, in seconds."""
    from kittiwake_ground.client.times import span_s

    try:
        return span_s(text)
    except ValueError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from None


def span_words(seconds: float) -> str:
    """A length of time: `45 s`, `12 min 30 s`, `1 h 30 min`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{value} {unit}" for value, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if value]
    return " ".join(parts[:2]) or "0 s"


def rate_words(bps: float, measured: bool = False) -> str:
    """A rate, with a mark where it is that of earlier passes."""
    if not bps:
        return "?"
    for size, unit in ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s")):
        if bps >= size:
            return f"{bps / size:.3g} {unit}{'*' if measured else ''}"
    return f"{bps:.3g} bit/s{'*' if measured else ''}"
