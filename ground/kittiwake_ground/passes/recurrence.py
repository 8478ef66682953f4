"""What recurs by a rule of iCalendar (RFC 5545, 3.3.10), as far as a schedule of a link needs it.

In UTC a rule repeats itself after its interval and the week together: so it is as many contacts as it has starts in
that time, each of which recurs for ever. By the clock of a time zone it does not, as there is summer time: there each
start stands for itself, for as far ahead as passes are looked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import lcm
from typing import TYPE_CHECKING, NamedTuple

from kittiwake_ground.passes.contact import HORIZON_US, LATEST_US, epoch_us

if TYPE_CHECKING:
    from collections.abc import Iterator

UNITS_S = {"MINUTELY": 60, "HOURLY": 3600, "DAILY": 86_400, "WEEKLY": 7 * 86_400}
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
PARTS = ("FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "WKST")
DAY_S, WEEK_S = 86_400, 7 * 86_400
MOST_STARTS = 1000
"""The most contacts that one rule makes."""

GREATEST = 100_000
"""The greatest INTERVAL and COUNT."""


@dataclass(frozen=True)
class Rule:
    """A rule: every so many units (seconds), on some days of the week (Monday is 0; all without one), so often."""

    unit_s: int
    interval: int = 1
    days: frozenset[int] = frozenset()
    week_start: int = 0
    count: int | None = None

    @property
    def step_s(self) -> int:
        """How long it is from a start to the next one, were there no days."""
        return self.unit_s * self.interval


class Recurring(NamedTuple):
    """A start that recurs each `every_us` before `until_us`; 0 for one that does not."""

    start_us: int
    every_us: int = 0
    until_us: int = 0


def parse_rule(text: str) -> tuple[Rule, str]:
    """The rule that a text says, and its UNTIL, which is empty without one. Raises `ValueError`."""
    given = [part.partition("=")[::2] for part in text.upper().split(";") if part]
    parts = dict(given)
    for name, _ in given:
        if name not in PARTS:
            raise ValueError(f"{name} is not known here, only {', '.join(PARTS)}")
    if len(parts) < len(given):
        raise ValueError("it says one thing twice")
    unit_s = UNITS_S.get(parts.get("FREQ", ""))
    if unit_s is None:
        raise ValueError(f"FREQ is {', '.join(UNITS_S)}, not {parts.get('FREQ', '')!r}")
    if "COUNT" in parts and "UNTIL" in parts:
        raise ValueError("COUNT and UNTIL do not go together")
    days = frozenset(_day(one) for one in parts["BYDAY"].split(",")) if "BYDAY" in parts else frozenset()
    count = _number("COUNT", parts["COUNT"]) if "COUNT" in parts else None
    rule = Rule(unit_s, _number("INTERVAL", parts.get("INTERVAL", "1")), days, _day(parts.get("WKST", "MO")), count)
    return rule, parts.get("UNTIL", "")


def _day(text: str) -> int:
    if text not in DAYS:
        raise ValueError(f"a day is {', '.join(DAYS)}, not {text!r}")
    return DAYS.index(text)


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= GREATEST):
        raise ValueError(f"{name} is a number from 1 to {GREATEST}, not {text[:20]!r}")
    return int(text)


def recurrences(rule: Rule, start: datetime, until_us: int, from_us: int) -> list[Recurring]:
    """The starts of a rule that begins at `start` and ends before `until_us` (0: never), in order.

    Those by the clock of a time zone are listed from `from_us` on. Raises `ValueError` for a start that is none of the
    rule's days or lies behind `until_us`, and for more starts than are listed.
    """
    if rule.days and start.weekday() not in rule.days:
        raise ValueError(f"the start lies on {DAYS[start.weekday()]}, which is none of BYDAY")
    if epoch_us(start) < 0:
        raise ValueError("it starts before 1970")
    if until_us and until_us <= epoch_us(start):
        raise ValueError("UNTIL lies before the start")
    try:
        if start.tzinfo is UTC or (rule.unit_s < DAY_S and not rule.days):
            return _periodic(rule, start.astimezone(UTC), until_us)
        if rule.unit_s < DAY_S:
            raise ValueError("what recurs within the days of BYDAY starts at a time in UTC")
        return _listed(rule, start, until_us, from_us)
    except OverflowError:
        raise ValueError("it goes beyond the year 9999") from None


def _periodic(rule: Rule, start: datetime, until_us: int) -> list[Recurring]:
    period_s = lcm(rule.step_s, WEEK_S) if rule.days else rule.step_s
    end = start + timedelta(seconds=period_s)
    starts = list(_starts(rule, start, end))
    if len(starts) > MOST_STARTS:
        raise ValueError(f"it has more than {MOST_STARTS} starts in {period_s // DAY_S} days")
    found = []
    for index, moment in enumerate(starts):
        start_us = epoch_us(moment)
        last_us = until_us or LATEST_US
        if rule.count is not None:
            left = rule.count - index
            rounds = -(-left // len(starts))  # how often this one comes, of all that the count says
            last_us = start_us + (rounds - 1) * period_s * 1_000_000 + 1
        if start_us + period_s * 1_000_000 < last_us:
            found.append(Recurring(start_us, period_s * 1_000_000, 0 if last_us >= LATEST_US else last_us))
        elif start_us < last_us:
            found.append(Recurring(start_us))
    return found


def _listed(rule: Rule, start: datetime, until_us: int, from_us: int) -> list[Recurring]:
    """Starts by the clock of a zone; what a change of the clock leaves out is taken by the clock before it."""
    first_us = epoch_us(start)
    end_us = max(from_us, first_us) + HORIZON_US
    found = []
    local_end = datetime.fromtimestamp(end_us / 1e6, start.tzinfo).replace(tzinfo=None) + timedelta(days=1)
    for number, moment in enumerate(_starts(rule, start.replace(tzinfo=None), local_end)):
        start_us = epoch_us(moment.replace(tzinfo=start.tzinfo))
        is_over = (rule.count is not None and number >= rule.count) or (until_us and start_us >= until_us)
        if is_over or start_us >= end_us:
            break
        if start_us >= from_us:
            found.append(Recurring(start_us))
    if len(found) > MOST_STARTS:
        raise ValueError(f"it has more than {MOST_STARTS} starts in {HORIZON_US // 86_400_000_000} days")
    return found


def _starts(rule: Rule, start: datetime, end: datetime) -> Iterator[datetime]:
    """The starts of a rule before `end`, without an end of its own."""
    if rule.unit_s == WEEK_S:
        moment = start - timedelta(days=(start.weekday() - rule.week_start) % 7)
        offsets = sorted((day - rule.week_start) % 7 for day in rule.days or {start.weekday()})
        while moment < end:
            for offset in offsets:
                one = moment + timedelta(days=offset)
                if start <= one < end:
                    yield one
            moment += timedelta(seconds=rule.step_s)
        return
    moment = start
    while moment < end:
        if not rule.days or moment.weekday() in rule.days:
            yield moment
        moment += timedelta(seconds=rule.step_s)
