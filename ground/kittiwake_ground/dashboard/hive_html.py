"""A hive as HTML: windows and captures on a timeline, the last of them in a table, sensors in rows."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from kittiwake_ground.dashboard.hive_captures import (
    DISCARDED,
    DONE,
    FAILED,
    LATE,
    MISSED,
    RECORDING,
    TROUBLE,
    TRUNCATED,
    Lane,
    Mark,
)
from kittiwake_ground.dashboard.hive_facts import LEVELS, SensorFacts, ahead_text
from kittiwake_ground.dashboard.power_facts import span_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_LISTED = 12
TICKS = 6
WORDS = {
    RECORDING: "recording", DONE: "done", LATE: "late", TRUNCATED: "cut short", DISCARDED: "thrown away",
    MISSED: "missed", FAILED: "failed", TROUBLE: "hung, died, restarted, left alone",
}  # fmt: skip
CHIPS = {DONE: "good", LATE: "warning", TRUNCATED: "warning", RECORDING: "moving", DISCARDED: "idle"}
"""How what came of a capture is coloured in the table; the rest is bad."""

DRAWN_TOGETHER = 1 / 1500
"""Captures of one kind that are closer than this share of the width are one bar."""


class Stretch(NamedTuple):
    """What the timeline spans, and when now is, in seconds since 1970."""

    start_s: float
    end_s: float
    now_s: float

    def place(self, moment: float) -> float:
        """Where a moment lies, in percent of the width."""
        return min(max((moment - self.start_s) / (self.end_s - self.start_s) * 100, 0.0), 100.0)

    def shows(self, start_s: float, end_s: float) -> bool:
        """Whether some of it is on the timeline."""
        return end_s >= self.start_s and start_s <= self.end_s


def with_present(lanes: Iterable[Lane], sensors: Sequence[SensorFacts], now_s: float) -> list[Lane]:
    """The lanes of all sensors that do or have done something, with what is being recorded now."""
    told = {lane.sensor: lane for lane in lanes}
    shown = []
    for one in sensors:
        lane = told.pop(one.name, None)
        if lane is None and one.is_quiet:
            continue
        lane = lane or Lane(one.name, (), ())
        if one.state in ("RECORDING", "BEGINNING"):
            now = Mark(min(one.state_s, now_s), now_s, RECORDING, "recording now")
            lane = lane._replace(marks=(*lane.marks, now))
        shown.append(lane)
    return shown + list(told.values())


def timeline_html(lanes: Sequence[Lane], sensors: Sequence[SensorFacts], stretch: Stretch) -> str:
    """A row for each sensor, with the axis and the legend below."""
    if not lanes:
        return '<p class="kw-nothing">No sensor does anything, or has in this time.</p>'
    nexts = {one.name: one.next_start_s for one in sensors}
    rows = "".join(_row_html(lane, nexts.get(lane.sensor, 0.0), stretch) for lane in lanes)
    legend = "".join(f'<span><i class="kw-capture-{kind}"></i>{word}</span>' for kind, word in WORDS.items())
    return (
        f'<div class="kw-slots kw-hive-lanes">{rows}<span></span>'
        f'<div class="kw-slot-ticks">{_ticks_html(stretch)}</div></div>'
        '<div class="kw-legend kw-muted"><span><i class="kw-hive-window"></i>window</span>'
        f'{legend}<span><i class="kw-capture-next"></i>next start</span></div>'
    )


def _row_html(lane: Lane, next_s: float, stretch: Stretch) -> str:
    marks = [one for one in lane.marks if stretch.shows(one.start_s, one.end_s)]
    windows = [one for one in lane.windows if stretch.shows(*one)]
    parts = [
        _span_html("kw-hive-window", start_s, end_s, stretch, f"window, {_clock(start_s)} to {_clock(end_s)} UTC")
        for start_s, end_s in windows
    ]
    parts += [
        _span_html(f"kw-capture kw-capture-{one.kind}", one.start_s, one.end_s, stretch, one.text)
        for one in together(marks, (stretch.end_s - stretch.start_s) * DRAWN_TOGETHER)
    ]
    if next_s and next_s >= stretch.now_s and stretch.shows(next_s, next_s):
        parts.append(
            _span_html("kw-capture kw-capture-next", next_s, next_s, stretch, f"next start, {_clock(next_s)} UTC")
        )
    if stretch.shows(stretch.now_s, stretch.now_s):
        parts.append(f'<span class="kw-now" style="left:{stretch.place(stretch.now_s):.3f}%"></span>')
    said = escape(_summary(lane.sensor, marks))
    return (
        f'<span class="kw-slot-device" title="{escape(lane.sensor)}">{escape(lane.sensor)}</span>'
        f'<div class="kw-slot-track" role="img" aria-label="{said}">{"".join(parts)}</div>'
    )


def _span_html(kind: str, start_s: float, end_s: float, stretch: Stretch, text: str) -> str:
    left, right = stretch.place(start_s), stretch.place(end_s)
    return (
        f'<span class="{kind}" title="{escape(text)}" style="left:{left:.3f}%;'
        f'width:max(3px,{right - left:.3f}%)"></span>'
    )


def together(marks: Iterable[Mark], gap_s: float) -> list[Mark]:
    """Marks in the order of time, those of one kind that follow one another within `gap_s` as one."""
    drawn: list[Mark] = []
    counts: list[int] = []
    for mark in sorted(marks):
        before = drawn[-1] if drawn else None
        if before is not None and before.kind == mark.kind and mark.start_s - before.end_s < gap_s:
            counts[-1] += 1
            end_s = max(before.end_s, mark.end_s)
            text = f"{counts[-1]} x {WORDS[mark.kind]}, {_clock(before.start_s)} to {_clock(end_s)} UTC"
            drawn[-1] = Mark(before.start_s, end_s, mark.kind, text)
        else:
            drawn.append(mark)
            counts.append(1)
    return drawn


def _summary(sensor: str, marks: Sequence[Mark]) -> str:
    counts = {kind: sum(one.kind == kind for one in marks) for kind in WORDS}
    said = [f"{count} {WORDS[kind]}" for kind, count in counts.items() if count]
    return f"{sensor}: {', '.join(said) or 'no captures'}"


def _ticks_html(stretch: Stretch) -> str:
    span_s = stretch.end_s - stretch.start_s
    shape = "%H:%M" if span_s <= 86_400 else "%d %b"
    is_now = stretch.shows(stretch.now_s, stretch.now_s)
    ticks = "".join(
        f'<i style="left:{share / TICKS * 100:.3f}%">'
        f"{time.strftime(shape, time.gmtime(stretch.start_s + span_s * share / TICKS))}</i>"
        for share in range(TICKS)
        if not is_now or not -0.05 < stretch.place(stretch.now_s) / 100 - share / TICKS < 0.14  # room for `now`
    )
    if is_now:
        ticks += f'<i class="kw-now-word" style="left:{stretch.place(stretch.now_s):.2f}%">now</i>'
    return ticks


def latest_html(lanes: Iterable[Lane], stretch: Stretch) -> str:
    """A table of the last things that came of captures."""
    told = [(mark, lane.sensor) for lane in lanes for mark in lane.marks if stretch.shows(mark.start_s, mark.end_s)]
    told.sort(key=lambda one: one[0].end_s, reverse=True)
    if not told:
        return '<p class="kw-nothing">Nothing was recorded in this time.</p>'
    rows = "".join(
        f"<tr><td>{_clock_html(mark.end_s)}</td><td>{escape(sensor)}</td>"
        f'<td><span class="kw-chip kw-chip-{CHIPS.get(mark.kind, "bad")}">{_word(mark)}</span></td>'
        f"<td>{escape(mark.text)}</td></tr>"
        for mark, sensor in told[:MAX_LISTED]
    )
    heads = "".join(f"<th>{word}</th>" for word in ("Time, UTC", "Sensor", "Capture", "What"))
    return f'<table class="kw-hive-latest"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'


def _word(mark: Mark) -> str:
    return "trouble" if mark.kind == TROUBLE else WORDS[mark.kind]


def _clock(moment: float) -> str:
    return time.strftime("%d %b %H:%M:%S", time.gmtime(moment))


def _clock_html(moment: float) -> str:
    day, _, clock = _clock(moment).rpartition(" ")
    return f'<span class="kw-day">{day} </span>{clock}'


def sensor_html(one: SensorFacts, now_s: float) -> str:
    """A sensor: how it is, what it has read, and what has come of it."""
    level = LEVELS.get(one.state, "idle" if one.state == "-" else "bad")
    state = one.state.replace("_", " ").lower() if one.state != "-" else "not heard of"
    beside = "nothing came of it since the start" if one.is_quiet else ""
    if one.next_start_s:
        beside = f"next {_clock(one.next_start_s)[7:]}, {ahead_text(one.next_start_s, now_s)}"
    readings = "".join(
        f'<span class="kw-arg"><i>{escape(name)}</i> {escape(text)}</span> ' for name, text in one.readings
    )
    said = []
    if one.last_good_s:
        said.append(f"read {span_text(max(0.0, now_s - one.last_good_s))} ago")
    if not one.is_quiet:
        said.append(f"{one.captures:,} captures, {one.misses:,} missed, {one.restarts:,} restarts")
    body = f'{readings}<span class="kw-muted">{", ".join(said)}</span>' if said else ""
    bad = ""
    if one.bad_since_s:
        bad = (
            f'<div class="kw-bad">A reading fails since {_clock(one.bad_since_s)} UTC, for '
            f"{span_text(max(0.0, now_s - one.bad_since_s))}; the last good ones are shown.</div>"
        )
    return (
        f'<div class="kw-row-head"><span><b>{escape(one.name)}</b> '
        f'<span class="kw-chip kw-chip-{level}">{escape(state)}</span></span><span class="kw-by">{beside}</span></div>'
        f'<div class="kw-hive-readings">{body}</div>{bad}'
    )
