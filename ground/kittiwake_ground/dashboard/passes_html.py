"""Passes as HTML: their timeline, what fits into each, what waits, and what is planned."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any

from kittiwake_ground.dashboard.life_html import breakable, chip, name_html, value_text
from kittiwake_ground.dashboard.overview_facts import size_text
from kittiwake_ground.dashboard.power_facts import span_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Shown = Mapping[str, Any]

TICKS = 6
SHORT_US = 90_000_000_000
"""On a timeline up to so long the time of day will do."""

LEAST_WIDTH = 0.4
"""A pass is drawn at least so wide, in percent."""

NAMED_WIDTH = 6.0
"""A pass that is at least so wide has its name in it."""

_VERDICTS = {
    "fits": "good", "later": "moving", "waits": "warning", "too large": "bad", "no pass": "bad", "unknown": "idle",
}  # fmt: skip


def timeline_html(
    passes: Iterable[Shown], outcomes: Iterable[Shown], plans: Iterable[Shown], start_us: int, end_us: int, now_us: int
) -> str:
    """Passes that were and that come, and what is planned, along a stretch of time."""

    def place(at_us: int) -> float:
        return float(min(max((at_us - start_us) / (end_us - start_us) * 100, 0.0), 100.0))

    def bar(one: Shown, kind: str, title: str, text: str) -> str:
        left = place(one["start_us"])
        width = max(place(one["end_us"]) - left, LEAST_WIDTH)
        return (
            f'<span class="kw-pass {kind}" data-pass="{one["start_us"]}" title="{escape(title)}" '
            f'style="left:{left:.3f}%;width:{width:.3f}%">{escape(text) if width >= NAMED_WIDTH else ""}</span>'
        )

    seen = {one["start_us"] for one in outcomes}
    bars = [bar(one, _past_kind(one), _past_title(one), one["name"]) for one in outcomes]
    bars += [
        bar(one, f"kw-pass-{one['origin']}", _coming_title(one), one["name"])
        for one in passes
        if one["start_us"] not in seen
    ]
    marks = [
        f'<span class="kw-plan-mark kw-plan-{escape(one["state"])}" title="{escape(_plan_title(one))}" '
        f'style="left:{place(one["released_us"] or one["due_us"]):.3f}%"></span>'
        for one in plans
        if one["due_us"] is not None and start_us <= (one["released_us"] or one["due_us"]) < end_us
    ]
    now = f'<span class="kw-now" style="left:{place(now_us):.3f}%"></span>'
    return (
        f'<div class="kw-lanes kw-pass-lanes">{_lane("Passes", "".join(bars), now)}'
        f"{_lane('Planned', ''.join(marks), now)}"
        f'<span></span><div class="kw-lane-ticks">{_ticks_html(start_us, end_us)}</div></div>'
    )


def _lane(label: str, marks: str, now: str) -> str:
    inner = marks or '<span class="kw-lane-empty">None.</span>'
    return f'<span class="kw-lane-name">{label}</span><div class="kw-lane kw-pass-lane">{inner}{now}</div>'


def _ticks_html(start_us: int, end_us: int) -> str:
    span_us = end_us - start_us
    shape = "%H:%M" if span_us <= SHORT_US else "%d %b %H:%M"
    return "".join(
        f'<i style="left:{share / TICKS * 100:.3f}%">'
        f"{time.strftime(shape, time.gmtime((start_us + span_us * share / TICKS) / 1e6))}</i>"
        for share in range(TICKS)
    )


def clock_text(time_us: int) -> str:
    """A time with its day, UTC."""
    return time.strftime("%d %b %H:%M:%S", time.gmtime(time_us / 1e6))


def _past_kind(one: Shown) -> str:
    return "kw-pass-under-way" if not one["is_over"] else "kw-pass-done" if one["last_frame_us"] else "kw-pass-missed"


def _past_title(one: Shown) -> str:
    return f"{one['name']}  {clock_text(one['start_us'])}, {outcome_text(one)}"


def _coming_title(one: Shown) -> str:
    down, up = rate_text(one["down_bps"]), rate_text(one["up_bps"])
    names = " ".join(word for word in (one["name"], f"({one['link']})" if one["link"] else "") if word)
    lasting = span_text(one["duration_s"])
    return f"{names}  {clock_text(one['start_us'])} for {lasting}, {one['origin']}; down {down}, up {up}"


def _plan_title(one: Shown) -> str:
    return f"{clock_text(one['released_us'] or one['due_us'])}  {one['subject']} by {one['by']}: {one['state']}"


def rate_text(bps: float) -> str:
    """A rate, or a question mark."""
    if not bps:
        return "?"
    for size, unit in ((1e6, "Mbit/s"), (1e3, "kbit/s")):
        if bps >= size:
            return f"{bps / size:.3g} {unit}"
    return f"{bps:.3g} bit/s"


def outcome_text(one: Shown) -> str:
    """What became of a pass."""
    if not one["last_frame_us"]:
        return "nothing came" if one["is_over"] else "nothing has come yet"
    amounts = f"{size_text(one['bytes_down'])} down, {size_text(one['bytes_up'])} up"
    return f"{amounts}, {one['commands']} commands"


def rooms_html(budget: Shown) -> str:
    """The next passes, each with a bar a direction: what telemetry takes, what of all that waits, and what is free."""
    if not budget["passes"]:
        return '<p class="kw-nothing">No pass is to come. Add one below.</p>'
    legend = (
        '<div class="kw-room-legend kw-muted"><span><b class="kw-room-flow"></b>telemetry</span>'
        '<span><b class="kw-room-used"></b>of what waits</span></div>'
    )
    return legend + "".join(_pass_html(one, budget["now_us"]) for one in budget["passes"])


def _pass_html(one: Shown, now_us: int) -> str:
    ahead_us = one["start_us"] - now_us
    when = f"in {span_text(ahead_us / 1e6)}" if ahead_us > 0 else f"{span_text((one['end_us'] - now_us) / 1e6)} left"
    level = "" if ahead_us > 0 else " kw-good"
    names = escape(one["name"] or f"contact {one['contact']}")
    link = f'<span class="kw-muted">{escape(one["link"])}</span>' if one["link"] else ""
    origin = "" if one["origin"] == "hand" else chip(one["origin"])
    return (
        f'<div class="kw-pass-row" data-pass-start="{one["start_us"]}"><div class="kw-pass-head"><b>{names}</b> {link} '
        f'{origin}<span class="kw-pass-when"><b class="kw-in{level}">{when}</b>'
        f'<span class="kw-muted">{clock_text(one["start_us"])}, {span_text(one["duration_s"])}</span></span></div>'
        f"{_room_html('down', one)}{_room_html('up', one)}</div>"
    )


def _room_html(way: str, one: Shown) -> str:
    room, bps = one[way], one[f"{way}_bps"]
    arrow = "&darr;" if way == "down" else "&uarr;"
    capacity = room["capacity_bytes"]
    measured = " as measured" if one[f"{way}_measured"] and bps else ""
    if not capacity:
        text = "no rate is known yet" if not bps else "nothing"
        return f'<div class="kw-room"><span>{arrow} {way}</span><span class="kw-room-bar"></span><i>{text}</i></div>'
    flow, used = room["background_bytes"], room["used_bytes"]
    parts = [f"{size_text(flow)} telemetry"] if flow else []
    parts.append(f"{size_text(used)} of what waits")
    parts.append(f"{size_text(capacity - flow - used)} free")
    return (
        f'<div class="kw-room" data-way="{way}" title="{rate_text(bps)}{measured}, {escape(", ".join(parts))}">'
        f'<span>{arrow} {way}</span><span class="kw-room-bar"><b class="kw-room-flow" '
        f'style="width:{flow / capacity * 100:.1f}%"></b><b class="kw-room-used" '
        f'style="width:{used / capacity * 100:.1f}%"></b></span>'
        f"<i>{size_text(flow + used)} of {size_text(capacity)} <u>{rate_text(bps)}{measured}</u></i></div>"
    )


def waiting_html(budget: Shown) -> str:
    """What waits, in the order in which it goes, and what becomes of it."""
    numbers = {one["start_us"]: number for number, one in enumerate(budget["passes"], 1)}
    rows = []
    for way, words in (("up", "To go up"), ("down", "To come down")):
        if budget[way]:
            rows.append(f'<tr class="kw-way-head"><th colspan="4">{words}</th></tr>')
        for one in budget[way]:
            size = "?" if one["bytes"] is None else size_text(one["bytes"])
            rows.append(
                f'<tr data-waiting="{escape(one["name"])}" data-verdict="{escape(one["verdict"])}">'
                f'<td>{_verdict_html(one, numbers)}</td><td class="kw-what">{name_html(one["name"])}</td>'
                f'<td class="kw-muted">{escape(one["kind"])}<br><small>{escape(one["note"])}</small></td>'
                f"<td>{size}</td></tr>"
            )
    if not rows:
        return '<p class="kw-nothing">Nothing waits on either side, as far as is known.</p>'
    return f'<div class="kw-scroll"><table class="kw-waiting"><tbody>{"".join(rows)}</tbody></table></div>'


def _verdict_html(one: Shown, numbers: Mapping[int, int]) -> str:
    verdict = one["verdict"]
    if verdict == "fits":
        words = "next pass"
    elif verdict == "later":
        words = f"pass {numbers[one['done_start_us']]}"
    elif verdict == "waits":
        words = f"{size_text(one['left_bytes'])} left" if one["shares"] else "no room yet"
    else:
        unknown = "size unknown" if one["bytes"] is None else "rate unknown"
        words = {"too large": "too large", "no pass": "no pass then"}.get(verdict, unknown)
    return f'<span class="kw-chip kw-chip-{_VERDICTS[verdict]}">{words}</span>'


def plan_html(plan: Shown) -> str:
    """A plan: what, with what, when, by whom, and what became of it."""
    arguments = " ".join(
        f'<span class="kw-arg"><i>{escape(name)}</i> {escape(value_text(value))}</span>'
        for name, value in plan.get("arguments", {}).items()
    )
    name = name_html(plan["subject"])
    if plan["kind"] != "command":
        name = f'<span class="kw-muted">{plan["kind"]}</span> <b>{breakable(plan["subject"])}</b>'
    reason = f'<div class="kw-reason kw-muted">{escape(plan["reason"])}</div>' if plan["reason"] else ""
    return (
        f'<div class="kw-row-head"><span class="kw-call">{name} {arguments}</span>'
        f'<span class="kw-by">#{plan["id"]} by {escape(plan["by"])}</span></div>'
        f'<div class="kw-steps" data-plan="{plan["id"]}" data-plan-state="{escape(plan["state"])}">'
        f'{chip(plan["state"])}<i class="kw-amount">{_when_text(plan)}</i></div>{reason}'
    )


def _when_text(plan: Shown) -> str:
    if plan["released_us"]:
        return f"sent {clock_text(plan['released_us'])}"
    if plan["final"]:
        return f"ended {clock_text(plan['ended_us'])}"
    offset = f" + {span_text(plan['delay_s'])}" if plan["when"] == "pass" and plan["delay_s"] else ""
    if plan["due_us"] is None:
        return f"in the next pass{offset}, which is not known yet"
    words = {"pass": f"next pass{offset}, ", "after": "", "at": ""}[plan["when"]]
    return f"{words}{clock_text(plan['due_us'])}, at the latest {clock_text(plan['until_us'])}"


def outcomes_html(outcomes: Iterable[Shown]) -> str:
    """What became of passes, the newest first."""
    rows = "".join(
        f"<tr><td>{clock_text(one['start_us'])}</td><td>{escape(one['name'])} "
        f'<span class="kw-muted">{escape(one["link"])}</span></td>'
        f"<td>{size_text(one['bytes_down'])}</td><td>{size_text(one['bytes_up'])}</td><td>{one['commands']}</td>"
        f"<td>{rate_text(one['peak_down_bps']) if one['peak_down_bps'] else '-'}</td>"
        f"<td>{_frames_text(one)}</td></tr>"
        for one in outcomes
    )
    if not rows:
        return '<p class="kw-nothing">No pass was watched yet.</p>'
    heads = ("Pass", "Name", "Down", "Up", "Commands", "Fastest 10 s", "Frames")
    head = "".join(f"<th>{word}</th>" for word in heads)
    table = f'<table class="kw-outcomes"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<div class="kw-scroll">{table}</div>'


def _frames_text(one: Shown) -> str:
    if not one["last_frame_us"]:
        return '<span class="kw-bad">none</span>' if one["is_over"] else "none yet"
    first = clock_text(one["first_frame_us"])[7:]
    return f"{first} to {clock_text(one['last_frame_us'])[7:]}"
