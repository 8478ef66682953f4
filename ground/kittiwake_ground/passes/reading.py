"""Reads contacts from a file: comma-separated values with a head, or iCalendar (RFC 5545), as planning tools write it.

All faults of a file are found together, each with its line; with one of them nothing of the file counts.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from kittiwake.faults import Fault, Faults, did_you_mean
from kittiwake_ground.passes.contact import DEFAULT_EFFICIENCY, IMPORTED, Contact, ContactRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_TEXT = 1 << 20
MAX_CONTACTS = 1000
COLUMNS = (
    "start", "end", "duration_s", "name", "link", "down_bps", "up_bps", "efficiency", "every_s", "until", "uid",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PERIODS_S = {"MINUTELY": 60.0, "HOURLY": 3600.0, "DAILY": 86400.0, "WEEKLY": 7 * 86400.0}
_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
_NUMBERS = {
    "X-KITTIWAKE-DOWN-BPS": "down_bps", "X-KITTIWAKE-UP-BPS": "up_bps", "X-KITTIWAKE-EFFICIENCY": "efficiency",
}  # fmt: skip


def read_contacts(text: str, name: str, by: str = "") -> list[Contact]:
    """The contacts of a file, whose `name` stands in faults. Raises `Faults`."""
    if len(text) > MAX_TEXT:
        raise Faults([Fault(name, 1, 1, f"the file is longer than {MAX_TEXT} characters")])
    is_calendar = text.lstrip("\ufeff \r\n\t").upper().startswith("BEGIN:")
    reader = _Reader(name, by)
    for line, plan in _calendar(text, reader) if is_calendar else _table(text, reader):
        reader.take(line, plan)
    if not reader.contacts and not reader.faults:
        reader.complain(1, "there is no contact in it")
    if reader.faults:
        raise Faults(reader.faults, {name: text})
    return reader.contacts


class _Reader:
    """The contacts and the faults that were found so far."""

    def __init__(self, name: str, by: str) -> None:
        self.contacts: list[Contact] = []
        self.faults: list[Fault] = []
        self._name = name
        self._by = by
        self._uids: set[str] = set()

    def complain(self, line: int, message: str, hint: str = "") -> None:
        self.faults.append(Fault(self._name, line, 1, message, hint))

    def take(self, line: int, plan: Mapping[str, Any]) -> None:
        """Takes what a row or an event says."""
        try:
            made = Contact(**plan, origin=IMPORTED, by=self._by)
        except (ContactRefused, TypeError) as fault:
            self.complain(line, str(fault))
            return
        if made.uid in self._uids:
            self.complain(line, f"{made.uid!r} is there twice")
        elif len(self.contacts) >= MAX_CONTACTS:
            self.complain(line, f"a file has at most {MAX_CONTACTS} contacts")
        self._uids.add(made.uid)
        self.contacts.append(made)


def _us(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


# Comma-separated values


def _table(text: str, reader: _Reader) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = csv.reader(text.lstrip("\ufeff").splitlines())
    head = [word.strip().lower() for word in next(rows, [])]
    for word in head:
        if word not in COLUMNS:
            reader.complain(rows.line_num, f"there is no column {word!r}", did_you_mean(word, list(COLUMNS)) or "")
    if "start" not in head or not {"end", "duration_s"} & set(head):
        reader.complain(1, "the first line names the columns, start and end or duration_s at least")
    if reader.faults:
        return
    for row in rows:
        line = rows.line_num
        if not any(cell.strip() for cell in row) or row[0].lstrip().startswith("#"):
            continue
        if len(row) > len(head):
            reader.complain(line, f"{len(row)} cells in a line, and {len(head)} columns")
            continue
        try:
            yield line, _row({key: cell.strip() for key, cell in zip(head, row, strict=False) if cell.strip()})
        except ValueError as fault:
            reader.complain(line, str(fault))


def _row(cells: Mapping[str, str]) -> dict[str, Any]:
    if "start" not in cells:
        raise ValueError("the start is missing")
    start_us = _moment(cells["start"])
    plan: dict[str, Any] = {"start_us": start_us, "name": cells.get("name", ""), "link": cells.get("link", "")}
    if ("end" in cells) is ("duration_s" in cells):
        raise ValueError("either end or duration_s is given")
    plan["duration_s"] = (
        (_moment(cells["end"]) - start_us) / 1e6 if "end" in cells else _number("duration_s", cells["duration_s"])
    )
    for key in ("down_bps", "up_bps", "efficiency", "every_s"):
        if key in cells:
            plan[key] = _number(key, cells[key])
    if "until" in cells:
        plan["until_us"] = _moment(cells["until"])
    plan["uid"] = cells.get("uid", f"{cells['start']} {plan['link']}".strip())
    return plan


def _moment(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time, as in 2026-11-27T20:15:00Z") from None
    return _us(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def _number(what: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{what}: {text!r} is no number") from None


# iCalendar


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


def _calendar(text: str, reader: _Reader) -> Iterator[tuple[int, dict[str, Any]]]:
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
                plan = _event(members)
                if plan is not None:
                    yield begin.line, plan
            except _AtLine as fault:
                reader.complain(fault.line or begin.line, str(fault))
        elif one.name in ("BEGIN", "END"):
            nested += 1 if one.name == "BEGIN" else -1  # an alarm within an event is none of it
        elif not nested:
            within.append(one)
    if within is not None:
        reader.complain(within[0].line, "the event has no end")


class _AtLine(ValueError):
    """A fault in a line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def _event(members: list[_Property]) -> dict[str, Any] | None:
    """What an event says; `None` for one that was cancelled."""
    found = {one.name: one for one in members}
    if (status := found.get("STATUS")) is not None and status.value.upper() == "CANCELLED":
        return None
    if "DTSTART" not in found:
        raise _AtLine(0, "the event has no DTSTART")
    start = _date(found["DTSTART"])
    plan: dict[str, Any] = {"start_us": _us(start)}
    if "DTEND" in found:
        plan["duration_s"] = (_date(found["DTEND"]) - start).total_seconds()
    elif "DURATION" in found:
        plan["duration_s"] = _duration(found["DURATION"])
    else:
        raise _AtLine(0, "the event has neither DTEND nor DURATION")
    plan["name"] = _unescaped(found["SUMMARY"].value) if "SUMMARY" in found else ""
    plan["link"] = _unescaped(found["LOCATION"].value) if "LOCATION" in found else ""
    plan["efficiency"] = DEFAULT_EFFICIENCY
    for name, key in _NUMBERS.items():
        if name in found:
            try:
                plan[key] = _number(name, found[name].value)
            except ValueError as fault:
                raise _AtLine(found[name].line, str(fault)) from None
    if "RRULE" in found:
        plan |= _recurrence(found["RRULE"], found["DTSTART"], plan["start_us"])
    dates = [
        _date(_Property(one.line, one.name, one.parameters, value))
        for one in members if one.name == "EXDATE"
        for value in one.value.split(",")
    ]  # fmt: skip
    plan["skipped_us"] = tuple(sorted(map(_us, dates)))
    plan["uid"] = found["UID"].value if "UID" in found else f"{found['DTSTART'].value} {plan['link']}".strip()
    return plan


def _date(one: _Property) -> datetime:
    zone: Any = UTC
    if "TZID" in one.parameters:
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


def _recurrence(one: _Property, start: _Property, start_us: int) -> dict[str, Any]:
    """Every so many minutes, hours, days or weeks; what a calendar has besides is no schedule of a link."""
    rule = dict(_parameter(part) for part in one.value.split(";") if part)
    unknown = set(rule) - {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"}
    period_s = _PERIODS_S.get(rule.get("FREQ", "").upper())
    if unknown or period_s is None:
        raise _AtLine(
            one.line, f"RRULE: {one.value}: FREQ is {', '.join(_PERIODS_S)}, with INTERVAL, COUNT and UNTIL only"
        )
    if "TZID" in start.parameters:
        raise _AtLine(one.line, "RRULE: what recurs starts at a time in UTC, which knows no summer time")
    try:
        every_s = period_s * int(rule.get("INTERVAL", "1"))
        plan: dict[str, Any] = {"every_s": every_s}
        if "COUNT" in rule:
            plan["until_us"] = start_us + round(every_s * 1e6) * (int(rule["COUNT"]) - 1) + 1
    except ValueError:
        raise _AtLine(one.line, f"RRULE: {one.value}: INTERVAL and COUNT are numbers") from None
    if "UNTIL" in rule:
        plan["until_us"] = _us(_date(_Property(one.line, "UNTIL", {}, rule["UNTIL"]))) + 1
    return plan


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\\;,])", r"\1", text.replace("\\n", " ").replace("\\N", " "))
