"""Times as requesters write them: ISO 8601, or whatever dateutil understands, with or without a zone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.int_enum import IntEnum
from kittiwake.model import U8, wire_enum
from kittiwake_components.daily_window import epoch_us, local_time

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

LONGEST = 80
"""The most characters of a time."""


@wire_enum(U8, name="Components.NaivePolicy")
class NaivePolicy(IntEnum):
    """What a time without a zone means."""

    LOCAL = 0
    """The time of the zone that TZ names, and standard time where a change of the clocks leaves it open."""
    UTC = 1
    REFUSE = 2
    """It is malformed."""


class TimeReader:
    """Reads times at `now_us`, which a time of day alone belongs to; `zone` is the local one."""

    def __init__(self, policy: NaivePolicy, zone: tzinfo, now_us: int) -> None:
        self._policy = policy
        self._zone = zone
        self._now_us = now_us

    def read(self, text: Any) -> tuple[int, int]:
        """Microseconds since the epoch, and the offset from UTC in seconds in which the time was given.

        Raises `TypeError` for anything but a string, `ValueError` and `OverflowError` for one that is no time.
        """
        if not isinstance(text, str):
            raise TypeError(f"a time is a string, not {type(text).__name__}")
        if len(text) > LONGEST:
            raise ValueError(f"a time has at most {LONGEST} characters")
        moment = self._aware(self._parsed(text), text)
        offset = moment.utcoffset()
        assert offset is not None
        return epoch_us(moment), int(offset.total_seconds())

    def _parsed(self, text: str) -> datetime:
        from datetime import datetime

        if len(text) >= 19 and text[4] == text[7] == "-" and text[10] in " T":
            try:
                return datetime.fromisoformat(text)
            except ValueError:
                pass  # dateutil takes more
        try:
            from dateutil import parser
        except ImportError:
            raise ValueError(f"{text!r} is not ISO 8601, and no other form is read without dateutil") from None
        today = local_time(self._now_us, self._zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
        found: datetime = parser.parse(text, default=today, tzinfos=_named_zone)
        return found

    def _aware(self, moment: datetime, text: str) -> datetime:
        from datetime import UTC, timedelta

        if moment.tzinfo is not None:
            return moment
        if self._policy is NaivePolicy.REFUSE:
            raise ValueError(f"{text!r} names no zone, and times without one are refused here")
        if self._policy is NaivePolicy.UTC:
            return moment.replace(tzinfo=UTC)
        readings = [moment.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1)]
        if readings[0].utcoffset() != readings[1].utcoffset() and readings[1].dst() == timedelta(0):
            # Twice or never: of the two readings, the one that is standard time.
            return readings[1] if readings[0].dst() != timedelta(0) else readings[0]
        return readings[0]


def _named_zone(name: str | None, offset_s: int | None) -> tzinfo | None:
    """What dateutil asks for each time. An abbreviation is no zone: there are several of most."""
    from datetime import UTC, timedelta, timezone

    if offset_s is not None:
        return timezone(timedelta(seconds=offset_s))
    if name is None:
        return None
    if name in ("UTC", "GMT", "Z", "z"):
        return UTC
    raise ValueError(f"{name} is no zone; an offset like +01:00 is")
