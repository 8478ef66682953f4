"""A timeline as HTML: a lane each for link, modes and boots, events and commands; every mark says its time."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any

from kittiwake_ground.dashboard.event_rows import SEVERITIES
from kittiwake_ground.dashboard.life_html import end_html, life_html, name_html, span_text
from kittiwake_ground.server.views import iso_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Shown = Mapping[str, Any]

COMMAND_ROWS = 6
"""Commands of the same time go below one another, in so many rows."""

LINK_LEVELS = {"up": "good", "connecting": "warning", "down": "bad"}
COMMAND_LEVELS = {"completed": "good", "queued": "idle", "sent": "moving", "dispatched": "moving", "cancelled": "idle"}
TICKS = 6


def timeline_html(found: Shown) -> str:
    """All lanes with the axis below them."""
    start_us, end_us = found["start_us"], found["end_us"]
    lanes = [_lane("Link", _link_html(found), "Not archived for this time.")]
    for mode in found["modes"]:
        label = ".".join(mode["channel"].split(".")[-2:])
        lanes.append(_lane(label, _spans_html(mode["spans"], found, mode["channel"]), ""))
    lanes.append(_lane("Boots", _boots_html(found), "No boot count came."))
    lanes.append(_lane("Events", _events_html(found), "None.", "kw-lane-events"))
    lanes.append(_lane("Commands", _commands_html(found), "None.", "kw-lane-commands"))
    return (
        f'<div class="kw-lanes" data-start="{start_us}" data-end="{end_us}">{"".join(lanes)}<span></span>'
        f'<div class="kw-lane-ticks">{_ticks_html(start_us, end_us)}</div></div>'
    )


def _lane(label: str, marks: str, empty: str, kind: str = "") -> str:
    inner = marks or f'<span class="kw-lane-empty">{escape(empty)}</span>'
    name = f'<span class="kw-lane-name" title="{escape(label)}">{escape(label)}</span>'
    return f'{name}<div class="kw-lane {kind}">{inner}</div>'


def _place(found: Shown, at_us: int) -> float:
    """Where a moment lies, in percent of the width."""
    start_us, end_us = found["start_us"], found["end_us"]
    return float(min(max((at_us - start_us) / (end_us - start_us) * 100, 0.0), 100.0))


def _bar(found: Shown, span: Shown, kind: str, text: str, title: str) -> str:
    left, right = _place(found, span["start_us"]), _place(found, span["end_us"])
    return (
        f'<button type="button" class="kw-point kw-span-mark {kind}" data-at="{span["start_us"]}" '
        f'title="{escape(title)}" style="left:{left:.3f}%;width:{max(right - left, 0.05):.3f}%">{escape(text)}</button>'
    )


def _link_html(found: Shown) -> str:
    return "".join(
        _bar(
            found, one, f"kw-level-{LINK_LEVELS.get(one['state'], 'idle')}", one["state"],
            f"link {one['state']}{': ' + one['reason'] if one['reason'] else ''}, since {_clock(one['since_us'])}",
        )
        for one in found["link"]
    )  # fmt: skip


def _spans_html(spans: Iterable[Shown], found: Shown, name: str) -> str:
    return "".join(
        _bar(
            found, one, f"kw-shade-{index % 2}", str(one["value"]),
            f"{name} = {one['value']}, since {_clock(one['since_us'])}",
        )
        for index, one in enumerate(spans)
    )  # fmt: skip


def _boots_html(found: Shown) -> str:
    spans = _spans_html(found["boots"], found, "boot")
    marks = "".join(
        f'<button type="button" class="kw-point kw-boot-mark" data-at="{one["since_us"]}" '
        f'title="boot {escape(str(one["value"]))} at {_clock(one["since_us"])}" '
        f'style="left:{_place(found, one["since_us"]):.3f}%"></button>'
        for one in found["boots"][1:]
    )
    return spans + marks


def _events_html(found: Shown) -> str:
    if found["events"] or not found["event_count"]:
        return "".join(
            f'<button type="button" class="kw-point kw-event-mark kw-event-{one["severity"]}" data-at="{one["at_us"]}" '
            f'data-kind="event" data-index="{index}" '
            f'title="{escape(_event_text(one))}" '
            f'style="left:{_place(found, one["at_us"]):.3f}%;top:{_height(one["severity"])}%"></button>'
            for index, one in enumerate(found["events"])
        )
    most = max((_stack(found, start) for start in _starts(found)), default=1)
    parts = []
    for start_us in _starts(found):
        here = [one for one in found["event_counts"] if one["start_us"] == start_us]
        gravest = max((one["severity"] for one in here), key=SEVERITIES.index)
        count = sum(one["count"] for one in here)
        width = found["event_width_us"] / (found["end_us"] - found["start_us"]) * 100
        words = ", ".join(f"{one['count']} {one['severity']}" for one in here)
        parts.append(
            f'<button type="button" class="kw-point kw-count-mark kw-event-{gravest}" data-at="{start_us}" '
            f'data-until="{start_us + found["event_width_us"]}" title="{_clock(start_us)}: {words}" '
            f'style="left:{_place(found, start_us):.3f}%;width:{width:.3f}%;height:{max(6, count / most * 100):.0f}%">'
            "</button>"
        )
    return "".join(parts)


def _event_text(event: Shown) -> str:
    return f"{_clock(event['at_us'])}  {event['severity']}  {event['name']}: {event['text']}"


def _starts(found: Shown) -> list[int]:
    return list(dict.fromkeys(one["start_us"] for one in found["event_counts"]))


def _stack(found: Shown, start_us: int) -> int:
    return sum(one["count"] for one in found["event_counts"] if one["start_us"] == start_us)


def _height(severity: str) -> int:
    """The graver, the higher."""
    rank = SEVERITIES.index(severity) if severity in SEVERITIES else 0
    return round(80 - 80 * rank / (len(SEVERITIES) - 1))


def _commands_html(found: Shown) -> str:
    free = [0.0] * COMMAND_ROWS
    parts = []
    for index, one in enumerate(found["commands"]):
        steps = one["steps"]
        begun = steps[1] if steps[0]["state"] == "planned" and len(steps) > 1 else steps[0]
        begin_us, last_us = begun["time_us"], steps[-1]["time_us"]
        left = _place(found, begin_us)
        right = max(_place(found, last_us if one["final"] else found["end_us"]), left + 0.6)
        row = next((row for row, end in enumerate(free) if end <= left), COMMAND_ROWS - 1)
        free[row] = right
        level = COMMAND_LEVELS.get(one["state"], "bad")
        words = f"{_clock(begin_us)}  {one['name']} by {one['by']}: {one['state']}, {span_text(last_us - begin_us)}"
        parts.append(
            f'<button type="button" class="kw-point kw-command-mark kw-level-{level}" '
            f'data-at="{begin_us}" data-kind="command" data-index="{index}" title="{escape(words)}" '
            f'style="left:{left:.3f}%;width:max(6px,{right - left:.3f}%);top:{row * 15 + 3}px"></button>'
        )
    return "".join(parts)


def _ticks_html(start_us: int, end_us: int) -> str:
    span_us = end_us - start_us
    shape = "%H:%M:%S" if span_us <= 1_200_000_000 else "%H:%M" if span_us <= 90_000_000_000 else "%d %b %H:%M"
    return "".join(
        f'<i style="left:{share / TICKS * 100:.3f}%">'
        f"{time.strftime(shape, time.gmtime((start_us + span_us * share / TICKS) / 1e6))}</i>"
        for share in range(TICKS)
    )


def _clock(time_us: int) -> str:
    return iso_time(time_us)[:23].replace("T", " ") + " UTC"


def detail_html(found: Shown, kind: str, index: int, at_us: int) -> str:
    """What there is to know of a mark: an event, a command with its life, or a moment alone."""
    if kind == "event" and 0 <= index < len(found["events"]):
        one = found["events"][index]
        return (
            f'<div class="kw-row-head"><span class="kw-call">{name_html(one["name"])}</span>'
            f'<span class="kw-severity kw-{one["severity"]}">{one["severity"]}</span></div>'
            f"<div>{escape(one['text'])}</div>"
            f'<div class="kw-muted">{_clock(one["at_us"])}</div>'
        )
    if kind == "command" and 0 <= index < len(found["commands"]):
        one = found["commands"][index]
        return (
            f'<div class="kw-row-head"><span class="kw-call">{name_html(one["name"])}</span>'
            f'<span class="kw-by">by {escape(one["by"])}</span></div>{life_html(one)}{end_html(one)}'
            f'<div class="kw-muted">{_clock(at_us)}</div>'
        )
    return f"<div><b>{_clock(at_us)}</b></div>"
