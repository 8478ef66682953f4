"""Events as lines for people: time, severity, name and text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.sequence.times import US_PER_S, absolute_text, relative_text

if TYPE_CHECKING:
    from kittiwake.dictionary.decode import DecodedEvent
    from kittiwake.dictionary.entries import Config

_MICROSECONDS_MASK = (1 << 64) - 1
_DATED = ("TB_WORKSTATION_TIME", "TB_SC_TIME")


def time_text(tag: int, config: Config) -> str:
    """A time tag: UTC with the day of the year for clocks that know the date, else the clock and its time."""
    base, microseconds = tag >> 64, tag & _MICROSECONDS_MASK
    name = next((name for name, value in config.time_bases.items() if value == base), f"base {base}")
    return clock_text(name, microseconds)


def clock_text(name: str, microseconds: int) -> str:
    """A time by the clock that is called so, as `time_text` gives it."""
    seconds, rest = divmod(microseconds, US_PER_S)
    whole = absolute_text(seconds, 0) if name in _DATED else relative_text(seconds, 0)
    return f"{whole}.{rest:06}" if name in _DATED else f"{name} {whole}.{rest:06}"


def event_line(event: DecodedEvent, config: Config) -> str:
    """Time, severity, name and text of an event."""
    return one_line(f"{time_text(event.tag, config)}  {event.severity:<11}  {event.name}: {event.text}")


def one_line(text: str) -> str:
    """Text with everything escaped that could move a terminal's cursor or more."""
    return text if text.isprintable() else "".join([c if c.isprintable() else ascii(c)[1:-1] for c in text])
