"""When a job is due: schedules in text, and the slots that follow from them.

    once 2026-12-01T06:00:00          at that time in the job's zone; with an offset or Z, in that one
    every 15m                         each quarter of an hour, from when the job was made
    every 6h from 2026-12-01T00:00    each six hours, counted from that time
    cron 0 */6 * * *                  five fields as in Debian's cron: minute, hour, day, month, day of the week
    window 0800-2000 every 5m         each five minutes from 08:00 to 20:00, both inclusive, each day

Lengths are whole numbers with s, m, h or d. Slots are microseconds since the Unix epoch, UTC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.daily_window import US_PER_S, DailyWindow, epoch_us, local_time, parse_minute

if TYPE_CHECKING:
    from datetime import tzinfo
    from typing import Protocol

    class Schedule(Protocol):
        """The slots of a job."""

        def after(self, time_us: int) -> int | None:
            """The first slot after `time_us`, or `None` after the last one."""


MAX_LENGTH_S = 366 * 86400
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Once:
    """One slot."""

    def __init__(self, at_us: int) -> None:
        self.at_us = at_us

    def after(self, time_us: int) -> int | None:
        """The slot, unless it has been."""
        return self.at_us if self.at_us > time_us else None


class Every:
    """A slot each `interval_us`, counted from `anchor_us`.

    Without an anchor in its text the schedule is relative: what counts is the time from slot to slot, whatever the
    wall clock is set to meanwhile.
    """

    def __init__(self, interval_us: int, anchor_us: int, *, is_relative: bool) -> None:
        self.interval_us = interval_us
        self.anchor_us = anchor_us
        self.is_relative = is_relative

    def after(self, time_us: int) -> int:
        """The next multiple of the interval; the anchor itself is the first slot of an anchored schedule."""
        if time_us < self.anchor_us and not self.is_relative:
            return self.anchor_us
        return time_us + self.interval_us - (time_us - self.anchor_us) % self.interval_us


class Cron:
    """The slots of a cron expression in a zone, as Debian's cron counts them over changes of the clocks (cronsim)."""

    def __init__(self, expression: str, zone: tzinfo) -> None:
        from cronsim import CronSim, CronSimError

        self._expression = expression
        self._zone = zone
        if len(expression.split()) != 5:
            raise ValueError("a cron expression has five fields: minute, hour, day, month, day of the week")
        try:
            next(CronSim(expression, local_time(0, zone)))
        except CronSimError as fault:
            raise ValueError(f"cron {expression}: {str(fault)[:1].lower()}{str(fault)[1:]}") from None
        except StopIteration:
            raise ValueError(f"cron {expression}: there is no such day") from None

    def after(self, time_us: int) -> int | None:
        """The next slot; `None` if there is none within 50 years."""
        from cronsim import CronSim

        moments = CronSim(self._expression, local_time(time_us, self._zone))
        for moment in moments:
            slot = epoch_us(moment)
            if slot > time_us:  # where the clocks go back a local time comes twice
                return slot
        return None


def parse_schedule(text: str, zone: tzinfo, made_us: int) -> Schedule:
    """The schedule that a text says; `made_us` is when the job was made. Raises `ValueError`, saying what is wrong."""
    kind, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    if kind == "once":
        return Once(parse_time(rest, zone))
    if kind == "every":
        length, from_, anchor = rest.partition(" from ")
        interval_us = parse_length_s(length.strip()) * US_PER_S
        if from_:
            return Every(interval_us, parse_time(anchor.strip(), zone), is_relative=False)
        return Every(interval_us, made_us, is_relative=True)
    if kind == "cron":
        return Cron(rest, zone)
    if kind == "window":
        hours, every, length = rest.partition(" every ")
        begin, dash, end = hours.strip().partition("-")
        if not every or not dash:
            raise ValueError("a window is: window HHMM-HHMM every LENGTH")
        interval_us = parse_length_s(length.strip()) * US_PER_S
        return DailyWindow(parse_minute(begin), parse_minute(end), interval_us, zone)
    raise ValueError(f"a schedule begins with once, every, cron or window, not {kind!r}")


def is_relative(schedule: Schedule) -> bool:
    """Whether the schedule counts elapsed time, and takes no heed of what the wall clock is set to."""
    return isinstance(schedule, Every) and schedule.is_relative


def parse_length_s(text: str) -> int:
    """The seconds of a length such as `90s`, `15m`, `6h` or `1d`. Raises `ValueError`."""
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS_S or not (number.isascii() and number.isdigit() and len(number) <= 8):
        raise ValueError(f"a length is a whole number with s, m, h or d, not {text!r}")
    length_s = int(number) * _UNITS_S[unit]
    if not 0 < length_s <= MAX_LENGTH_S:
        raise ValueError(f"a length is more than nothing and at most a year, not {text}")
    return length_s


def parse_time(text: str, zone: tzinfo) -> int:
    """The time that an ISO 8601 text names; one without an offset is in `zone`. Raises `ValueError`."""
    from datetime import datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"a time is like 2026-12-01T06:00:00 or 2026-12-01T06:00:00+01:00, not {text!r}") from None
    return epoch_us(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))
