"""Reads contacts from a file: comma-separated values with a head, or iCalendar (RFC 5545), as planning tools write it.

All faults of a file are found together, each with its line; with one of them nothing of the file counts.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kittiwake.faults import Fault, Faults, did_you_mean
from kittiwake_ground.passes.contact import IMPORTED, Contact, ContactRefused, epoch_us
from kittiwake_ground.passes.icalendar import calendar_contacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_TEXT = 1 << 20
MAX_CONTACTS = 1000
COLUMNS = (
    "start", "end", "duration_s", "name", "link", "down_bps", "up_bps", "efficiency", "every_s", "until", "uid",
)  # fmt: skip


def read_contacts(text: str, name: str, by: str = "", now_us: int = 0) -> list[Contact]:
    """The contacts of a file, whose `name` stands in faults. Raises `Faults`.

    What recurs by the clock of a time zone is read from `now_us` on.
    """
    if len(text) > MAX_TEXT:
        raise Faults([Fault(name, 1, 1, f"the file is longer than {MAX_TEXT} characters")])
    is_calendar = text.lstrip("\ufeff \r\n\t").upper().startswith("BEGIN:")
    reader = _Reader(name, by)
    rows = calendar_contacts(text, reader.complain, now_us) if is_calendar else _table(text, reader)
    for line, plans in rows:
        reader.take(line, plans)
    if not reader.taken and not reader.faults:
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
        self.taken: set[str] = set()
        """What was taken is called so."""

    def complain(self, line: int, message: str, hint: str = "") -> None:
        self.faults.append(Fault(self._name, line, 1, message, hint))

    def take(self, line: int, plans: Sequence[Mapping[str, Any]]) -> None:
        """Takes what a row or an event says: the contacts that it makes, which are called the same."""
        uid = str(plans[0]["uid"]) if plans else ""
        if uid in self.taken and plans:
            self.complain(line, f"{uid!r} is there twice")
        self.taken.add(uid)
        for plan in plans:
            try:
                made = Contact(**plan, origin=IMPORTED, by=self._by)
            except (ContactRefused, TypeError) as fault:
                self.complain(line, str(fault))
                return
            if len(self.contacts) >= MAX_CONTACTS:
                self.complain(line, f"a file has at most {MAX_CONTACTS} contacts")
                return
            self.contacts.append(made)


# Comma-separated values


def _table(text: str, reader: _Reader) -> Iterator[tuple[int, list[dict[str, Any]]]]:
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
            yield line, [_row({key: cell.strip() for key, cell in zip(head, row, strict=False) if cell.strip()})]
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
    return epoch_us(moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC))


def _number(what: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{what}: {text!r} is no number") from None
