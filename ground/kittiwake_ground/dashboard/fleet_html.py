"""A deployment among the others, as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from kittiwake_ground.alarms.levels import EVENT_LEVELS, LEVELS
from kittiwake_ground.fleet.standing import ASLEEP, CONNECTING, HEARD, LOST, OVERDUE, SILENT
from kittiwake_ground.fleet.words import next_text, since_text
from kittiwake_ground.server.views import iso_time
from kittiwake_ground.shown import age_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake_ground.fleet.standing import Glance, Standing

COLUMNS = ("Deployment", "Link", "Next contact", "Mode", "Battery", "Boots", "Alarms", "Commands", "Last grave event")
_LINKS = {
    HEARD: ("Up", "good"), SILENT: ("Silent", "warning"), ASLEEP: ("Asleep", "idle"), OVERDUE: ("Overdue", "bad"),
    LOST: ("Lost", "bad"), CONNECTING: ("Connecting", "warning"),
}  # fmt: skip
_BATTERY = {"LOW": "warning", "CRITICAL": "bad"}
_WORST_FIRST = [level for level in reversed(LEVELS) if level]

ALL, ATTENTION, UNHEARD, SLEEPING = "all", "attention", "unheard", "asleep"
FILTERS = {ALL: "All", ATTENTION: "Wants attention", UNHEARD: "Not heard", SLEEPING: "Asleep"}
"""What a fleet can be narrowed down to."""


def fits(one: Standing, shown: str, text: str) -> bool:
    """Whether a deployment is among those that are looked at; `text` is sought in its name and what is said of it."""
    if shown == ATTENTION and not one.level:
        return False
    if shown == UNHEARD and one.state in (HEARD, ASLEEP):
        return False
    if shown == SLEEPING and one.state != ASLEEP:
        return False
    said = " ".join([one.glance.name, one.glance.mode, one.state, *[why.text for why in one.reasons]])
    return text.casefold() in said.casefold()


def summary_html(standings: Iterable[Standing]) -> str:
    """How many there are, and of which level."""
    levels = [one.level for one in standings]
    pills = [
        f'<span class="kw-limit kw-limit-{level}">{levels.count(level)} {level.lower()}</span>'
        for level in _WORST_FIRST
        if level in levels
    ]
    calm = levels.count("")
    pills.append(f'<span class="kw-muted">{calm} of {len(levels)} as expected</span>')
    return "".join(pills)


def head_html() -> str:
    """The titles of the columns."""
    return "".join(f"<span>{title}</span>" for title in COLUMNS)


class _Cell(NamedTuple):
    """A line and a lesser one below it; `level` colours the first, `page` is where it leads."""

    text: str
    note: str = ""
    level: str = ""
    page: str = ""
    title: str = ""
    dot: str = ""


def row_html(one: Standing) -> str:
    """A deployment: its name, why it stands where it stands, and what it shows at a glance."""
    glance = one.glance
    place = f"/d/{quote(glance.name)}/"
    cells = (
        _link_cell(one), _contact_cell(glance), _Cell(_words(glance.mode)), _battery_cell(glance), _boot_cell(glance),
        _alarm_cell(glance), _command_cell(glance), _event_cell(glance),
    )  # fmt: skip
    shown = "".join(_cell_html(title, cell, place) for title, cell in zip(COLUMNS[1:], cells, strict=True))
    level = f'<span class="kw-limit kw-limit-{one.level}">{one.level}</span>' if one.level else ""
    return (
        f'<article class="kw-member kw-member-{one.level or "calm"}" data-deployment="{escape(glance.name)}">'
        f'<div class="kw-member-name"><div><a href="{place}overview">{escape(glance.name)}</a>{level}</div>'
        f"{_reasons_html(one, place)}</div>{shown}</article>"
    )


def _reasons_html(one: Standing, place: str) -> str:
    lines = [
        f'<li class="kw-why kw-why-{why.level or "note"}"><a href="{place}{why.page}">'
        f"{escape(since_text(why.text, why.since_us, one.glance.now_us))}</a></li>"
        for why in one.reasons
    ]
    if not lines:
        away = "out of contact" if one.glance.is_scheduled else "asleep"
        text = f"{away} as planned" if one.state == ASLEEP else "as expected"
        lines = [f'<li class="kw-why">{text}</li>']
    return f"<ul>{''.join(lines)}</ul>"


def _cell_html(title: str, cell: _Cell, place: str) -> str:
    dot = f'<span class="kw-dot kw-{cell.dot}"></span>' if cell.dot else ""
    text = escape(cell.text) or '<span class="kw-muted">–</span>'
    if cell.page and cell.text:
        text = f'<a href="{place}{cell.page}">{text}</a>'
    note = f'<div class="kw-muted">{escape(cell.note)}</div>' if cell.note else ""
    level = f" kw-{cell.level}" if cell.level else ""
    empty = "" if cell.text else " kw-empty"
    return (
        f'<div class="kw-member-cell{empty}" data-title="{title}" title="{escape(cell.title)}">'
        f'<div class="kw-member-text{level}">{dot}{text}</div>{note}</div>'
    )


def _link_cell(one: Standing) -> _Cell:
    glance = one.glance
    text, level = _LINKS[one.state]
    if one.state == ASLEEP and glance.is_scheduled:
        text = "Out of contact"
    if one.state == HEARD:
        note = f"for {age_text(glance.link_since_us, glance.now_us)}"
    else:
        heard = age_text(glance.heard_us, glance.now_us)
        note = f"heard {heard} ago" if glance.heard_us else "never heard"
    return _Cell(text, note, "", "timeline", glance.reason, level)


def _contact_cell(glance: Glance) -> _Cell:
    text = next_text(glance.next_contact_us, glance.heard_us, glance.now_us)
    planned = glance.next_contact_us
    if not planned:
        return _Cell("")
    clock = iso_time(planned)[5:16].replace("T", " ")
    if not text and planned > glance.now_us:
        text = f"in {age_text(glance.now_us, planned)}"
    page = "passes" if glance.is_scheduled else "power"
    return _Cell(text, f"{clock} UTC", "", page) if text else _Cell("")


def _battery_cell(glance: Glance) -> _Cell:
    return _Cell(glance.battery, _words(glance.battery_level), _BATTERY.get(glance.battery_level, ""), "power")


def _boot_cell(glance: Glance) -> _Cell:
    count = "" if glance.boot_count is None else f"{glance.boot_count:,}"
    return _Cell(count, _words(glance.reset_reason).lower(), title="the last reset: why")


def _alarm_cell(glance: Glance) -> _Cell:
    unseen, seen = sum(glance.unseen.values()), sum(glance.seen.values())
    worst = next((level.lower() for level in _WORST_FIRST if glance.unseen.get(level)), "")
    note = f"and {seen} seen" if seen else ""
    return _Cell(f"{unseen} new" if unseen else "none", note, worst, "alarms", glance.worst_alarm)


def _command_cell(glance: Glance) -> _Cell:
    return _Cell(f"{glance.waiting} waiting", "", "warning", "commands") if glance.waiting else _Cell("")


def _event_cell(glance: Glance) -> _Cell:
    event = glance.event
    if event is None:
        return _Cell("")
    level = EVENT_LEVELS.get(event.severity, "").lower()
    age = f"{age_text(event.received_us, glance.now_us)} ago"
    return _Cell(event.name.rpartition(".")[2], age, level, "events", f"{event.severity} {event.name}: {event.text}")


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
