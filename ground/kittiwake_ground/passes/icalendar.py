"""Contacts of an iCalendar file (RFC 5545), as planning tools and calendars write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from kittiwake_ground.passes.contact import epoch_us
from kittiwake_ground.passes.recurrence import Recurring, parse_rule, recurrences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import tzinfo

_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_NUMBERS = {
    "X-KITTIWAKE-DOWN-BPS": "down_bps", "X-KITTIWAKE-UP-BPS": "up_bps", "X-KITTIWAKE-EFFICIENCY": "efficiency",
}  # fmt: skip
_ALWAYS_UTC = ("UTC", "Etc/UTC", "GMT", "Etc/GMT")
_UNKNOWN = {
    "RDATE": "give each of these dates an event of its own",
    "EXRULE": "leave dates out by EXDATE",
    "RECURRENCE-ID": "leave the pass that was changed out of the others by EXDATE, and give it another UID",
}
"""What a calendar may have besides, and what to do instead."""


@dataclass(frozen=True)
class _Property:
    """A content line: its name, its parameters and its value, and the line of the file in which it begins."""

    line: int
    name: str
    parameters: Mapping[str, str]
    value: str


def _properties(text: str) -> Iterator[_Property]:
    """The content lines, unfolded: a line that begins with a blank goes on with the one before it."""
    unfolded: list[tuple[int, str]] = []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        if line[:1] in (" ", "\t") and unfolded:
            unfolded[-1] = (unfolded[-1][0], unfolded[-1][1] + line[1:])
        elif line.strip():
            unfolded.append((number, line))
    for number, line in unfolded:
        head, _, value = line.partition(":")
        name, *given = head.split(";")
        parameters = dict(map(_parameter, given))
        yield _Property(number, name.strip().upper(), parameters, value.strip())


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.upper(), value.strip('"')


def calendar_contacts(
    text: str, complain: Callable[[int, str], None], now_us: int
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """The events of a calendar: the line of each, and what the contacts that it makes are made of.

    `complain` is told of what is wrong in which line. What recurs by the clock of a time zone is read from `now_us` on.
    """
    within: list[_Property] | None = None
    nested = 0
    for one in _properties(text):
        kind = one.value.upper()
        if one.name == "BEGIN" and kind == "VEVENT":
            within, nested = [one], 0
        elif within is None:
            continue
        elif one.name == "END" and kind == "VEVENT":
            begin, *members = within
            within = None
            try:
                plans = _event(members, now_us)
                if plans is not None:
                    yield begin.line, plans
            except _AtLine as fault:
                complain(fault.line or begin.line, str(fault))
        elif one.name in ("BEGIN", "END"):
            nested += 1 if one.name == "BEGIN" else -1  # an alarm within an event is none of it
        elif not nested:
            within.append(one)
    if within is not None:
        complain(within[0].line, "the event has no end")


class _AtLine(ValueError):
    """A fault in a line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def _event(members: list[_Property], now_us: int) -> list[dict[str, Any]] | None:
    """The contacts that an event makes; `None` for one that was cancelled."""
    found = {one.name: one for one in members}
    if (status := found.get("STATUS")) is not None and status.value.upper() == "CANCELLED":
        return None
    for one in members:
        if one.name in _UNKNOWN:
            raise _AtLine(one.line, f"{one.name}: {_UNKNOWN[one.name]}")
    if "DTSTART" not in found:
        raise _AtLine(0, "the event has no DTSTART")
    start = _date(found["DTSTART"])
    plan: dict[str, Any] = {}
    if "DTEND" in found:
        plan["duration_s"] = (_date(found["DTEND"]) - start).total_seconds()
    elif "DURATION" in found:
        plan["duration_s"] = _duration(found["DURATION"])
    else:
        raise _AtLine(0, "the event has neither DTEND nor DURATION")
    plan["name"] = _unescaped(found["SUMMARY"].value) if "SUMMARY" in found else ""
    plan["link"] = _unescaped(found["LOCATION"].value) if "LOCATION" in found else ""
    plan["uid"] = found["UID"].value if "UID" in found else f"{found['DTSTART'].value} {plan['link']}".strip()
    for name, key in _NUMBERS.items():
        if name in found:
            plan[key] = _number(found[name])
    starts = [Recurring(epoch_us(start))]
    if "RRULE" in found:
        if sum(one.name == "RRULE" for one in members) > 1:
            raise _AtLine(found["RRULE"].line, "RRULE: an event has one rule; give each of them an event of its own")
        starts = _recurring(found["RRULE"], found["DTSTART"], start, now_us - round(plan["duration_s"] * 1e6))
    skipped = [
        epoch_us(_date(_Property(one.line, one.name, one.parameters, value)))
        for one in members if one.name == "EXDATE"
        for value in one.value.split(",")
    ]  # fmt: skip
    return [{**plan, **made} for one in starts for made in _without(one, skipped)]


def _recurring(rule: _Property, start: _Property, first: datetime, from_us: int) -> list[Recurring]:
    try:
        parsed, until = parse_rule(rule.value)
        until_us = 0
        if until:
            within = {} if until.endswith("Z") else start.parameters
            until_us = epoch_us(_date(_Property(rule.line, "UNTIL", within, until))) + 1
        return recurrences(parsed, first, until_us, from_us)
    except _AtLine:
        raise
    except ValueError as fault:
        raise _AtLine(rule.line, f"RRULE: {rule.value[:200]}: {fault}") from None


def _without(one: Recurring, skipped: list[int]) -> list[dict[str, Any]]:
    """A start without those that are left out: nothing where it is a single one and left out itself."""
    if not one.every_us:
        return [] if one.start_us in skipped else [{"start_us": one.start_us}]
    left_out = sorted(
        {us for us in skipped if us >= one.start_us and (us - one.start_us) % one.every_us == 0}
    )  # fmt: skip
    return [
        {
            "start_us": one.start_us, "every_s": one.every_us / 1e6, "until_us": one.until_us,
            "skipped_us": tuple(left_out),
        }
    ]  # fmt: skip


def _number(one: _Property) -> float:
    try:
        return float(one.value)
    except ValueError:
        raise _AtLine(one.line, f"{one.name}: {one.value!r} is no number") from None


def _date(one: _Property) -> datetime:
    zone: tzinfo = UTC
    if one.parameters.get("TZID", "UTC") not in _ALWAYS_UTC:
        try:
            zone = ZoneInfo(one.parameters["TZID"])
        except (ValueError, LookupError, OSError):
            raise _AtLine(one.line, f"no time zone is called {one.parameters['TZID']!r}") from None
    text = one.value.upper()
    try:
        if text.endswith("Z"):
            return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=zone)
    except ValueError:
        raise _AtLine(one.line, f"{one.name}: {one.value!r} is no time, as in 20261127T201500Z") from None


def _duration(one: _Property) -> float:
    found = _DURATION.fullmatch(one.value.upper())
    if found is None or not any(found.groups()):
        raise _AtLine(one.line, f"DURATION: {one.value!r} is no duration, as in PT12M30S")
    sizes = (7 * 86400, 86400, 3600, 60, 1)
    return float(sum(int(text or 0) * size for text, size in zip(found.groups(), sizes, strict=True)))


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\\;,])", r"\1", text.replace("\\n", " ").replace("\\N", " "))
