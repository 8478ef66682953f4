"""Alarms, their history, and who is told of them, as HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from kittiwake_ground.alarms.life import ACKNOWLEDGED, ACTIVE, HAPPENINGS, LATCHED, LIMIT
from kittiwake_ground.alarms.limits import limits_text
from kittiwake_ground.dashboard.live_html import Fact
from kittiwake_ground.dashboard.readings import with_unit
from kittiwake_ground.server.views import iso_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kittiwake_ground.alarms.life import Alarm
    from kittiwake_ground.alarms.store import Entry
    from kittiwake_ground.server.hub import Hub

_STATES = {ACTIVE: "active", LATCHED: "has recovered, wants to be acknowledged", ACKNOWLEDGED: "active, acknowledged"}


def level_html(level: str) -> str:
    """A level as a coloured word."""
    return f'<span class="kw-limit kw-limit-{escape(level)}">{escape(level)}</span>' if level else ""


def moment_text(time_us: int) -> str:
    """A time to the second: `2026-11-27 14:03:09`."""
    return iso_time(time_us)[:19].replace("T", " ")


def state_text(alarm: Alarm) -> str:
    """How an alarm stands, in words."""
    if alarm.kind in HAPPENINGS:
        return f"{alarm.kind}, wants to be acknowledged"
    return _STATES.get(alarm.state, alarm.state) + (" (silent)" if alarm.kind != LIMIT else "")


def alarm_html(alarm: Alarm, hub: Hub) -> str:
    """An alarm: how grave, what, how it stands, what was seen and what is now."""
    seen = f"{alarm.text} at {moment_text(alarm.level_us)}"
    lines = [seen + (f", raised {alarm.count} times" if alarm.count > 1 else "")]
    sample = hub.latest.get(alarm.source)
    if sample is not None:
        limits = limits_text(hub.alarms.limited(sample.channel))
        lines.append(f"now {with_unit(sample, hub)}" + (f"; {limits}" if limits else ""))
    shelf = hub.alarms.shelves.get(alarm.key)
    if shelf is not None:
        lines.append(f"shelved by {shelf.by} until {moment_text(shelf.until_us)}")
    if alarm.acknowledged_by:
        lines.append(f"acknowledged by {alarm.acknowledged_by} at {moment_text(alarm.acknowledged_us)}")
    if alarm.comment:
        lines.append(f"{alarm.comment_by}: {alarm.comment}")
    shown = "<br>".join([f'<span class="kw-muted">{escape(line)}</span>' for line in lines])
    state = f'<span class="kw-alarm-state kw-alarm-{alarm.state}">{escape(state_text(alarm))}</span>'
    return f"{level_html(alarm.level)}<span><b>{escape(alarm.source)}</b> {state}<br>{shown}</span>"


def pill_html(unseen: Sequence[Alarm], address: str) -> str:
    """What the header of each page says of alarms: the gravest level and how many nobody has acknowledged."""
    if not unseen:
        return ""
    worst = unseen[0]
    title = f"{len(unseen)} not acknowledged; {worst.level}: {worst.source}"
    return (
        f'<a class="kw-limit kw-limit-{worst.level} kw-alarm-pill" href="{escape(address)}" title="{escape(title)}"'
        f' aria-label="{escape(title)}">⚑ {len(unseen)}</a>'
    )


def alarm_fact(hub: Hub) -> Fact:
    """The tile of alarms: those that are open and not shelved."""
    book = hub.alarms
    found = [one for one in book.current() if not book.is_shelved(one)]
    if not found:
        return Fact("Alarms", "0", "good", "no alarm is open")
    waiting = len(book.unseen())
    hint = f"gravest: {found[0].level.lower()}, " + (f"{waiting} to acknowledge" if waiting else "all acknowledged")
    return Fact("Alarms", str(len(found)), found[0].level.lower(), hint)


def history_html(entries: Iterable[Entry]) -> str:
    """What became of alarms and limits, the newest first."""
    rows = "".join(
        f"<tr><td>{moment_text(one.time_us)}</td><td>{level_html(one.level)}</td>"
        f'<td class="kw-what"><b>{escape(one.source)}</b> {escape(one.action)}'
        f'{escape(f" by {one.by}") if one.by else ""}<br><span class="kw-muted">{escape(one.text)}</span></td></tr>'
        for one in entries
    )
    if not rows:
        return '<p class="kw-nothing">Nothing of that kind has happened.</p>'
    return f'<table class="kw-timeline"><tr><th>Time</th><th>Level</th><th>What</th></tr>{rows}</table>'


def receivers_html(receivers: Iterable[Mapping[str, Any]]) -> str:
    """Who is told, and how it goes."""
    rows = "".join(
        f"<tr><td><b>{escape(one['name'])}</b></td><td>{escape(one['kind'])}</td>"
        f'<td class="kw-what">{one["sent"]} sent, {one["waiting"]} waiting, {one["failed"]} failed,'
        f" {one['dropped']} left out"
        + (f'<br><span class="kw-bad">{escape(one["fault"])}</span>' if one["fault"] else "")
        + "</td></tr>"
        for one in receivers
    )
    if not rows:
        return '<p class="kw-nothing">Nobody: see [notify.NAME] in ground.toml.</p>'
    return f'<table class="kw-timeline">{rows}</table>'
