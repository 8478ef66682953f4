"""A building as HTML: whether it can be reached, its schedules on a timeline, its devices with their points."""

from __future__ import annotations

import json
import time
from html import escape
from typing import TYPE_CHECKING, Any

from kittiwake_ground.building.snapshot import MAX_POINTS
from kittiwake_ground.dashboard.live_html import Fact
from kittiwake_ground.shown import age_text

if TYPE_CHECKING:
    from kittiwake_ground.building.snapshot import DeviceState, PointState, Slot, Snapshot

MAX_BARS = 1000
MAX_ROWS = 500
MAX_VALUE = 60
PAST_SHARE = 1 / 6
"""Of the timeline, what is before now."""

PRIORITIES = {"HIGH": "high", "LOW": "low", "LOW_PREEMPT": "preemptible"}
_STATUS_LEVELS = {"running": "good", "error": "bad", "failed": "bad"}
_QUALITY_LEVELS = {"good": "good", "stale": "warning", "error": "bad"}


def notice_html(url: str, fault: str, since_s: float, snapshot: Snapshot | None, now_s: float) -> str:
    """What to know before one believes the rest; empty where all is well."""
    if not fault:
        return "" if snapshot is not None else f'<p class="kw-nothing">Asking {escape(url)}...</p>'
    old = "Nothing was read yet."
    if snapshot is not None:
        old = f"What is below was read {_ago(snapshot.read_s, now_s)} ago."
    return (
        f'<div class="kw-unreached" role="alert"><b>The building&#39;s API at {escape(url)} cannot be read</b>'
        f"<span>{escape(fault)}, for {_ago(since_s, now_s)}. {old}</span></div>"
    )


def _ago(since_s: float, now_s: float) -> str:
    return age_text(round(since_s * 1e6), round(now_s * 1e6))


def building_tiles(snapshot: Snapshot, now_s: float) -> list[Fact]:
    """The few things to see first."""
    enabled = [one for one in snapshot.devices if one.enabled]
    running = sum(one.status == "running" for one in enabled)
    points = [point for one in enabled for point in one.points]
    good = sum(point.quality == "good" for point in points)
    held = len(snapshot.holders)
    overridden = len(snapshot.overridden)
    return [
        Fact(
            "Devices", f"{running} of {len(enabled)} run", "good" if running == len(enabled) else "bad",
            f"{snapshot.device_count} in the registry",
        ),
        Fact(
            "Points", f"{good} of {len(points)} good", "good" if good == len(points) else "warning",
            f"read {_ago(snapshot.read_s, now_s)} ago",
        ),
        Fact("Held", f"{held} device{'s' if held != 1 else ''}", "", f"{snapshot.task_count} tasks are scheduled"),
        Fact(
            "Overridden", f"{overridden} device{'s' if overridden != 1 else ''}", "warning" if overridden else "",
            ", ".join(snapshot.overrides) or "nobody overrides",
        ),
    ]  # fmt: skip


def timeline_html(snapshot: Snapshot, span_s: float, now_s: float) -> str:
    """Who has which device from when to when: a row a device, a bar a slot, coloured by priority."""
    start_s = now_s - span_s * PAST_SHARE
    end_s = start_s + span_s
    seen = [slot for slot in snapshot.slots if slot.end_s > start_s and slot.start_s < end_s]
    seen.sort(key=lambda slot: (slot.device, slot.start_s))
    notes = []
    if len(seen) > MAX_BARS:
        notes.append(f"{len(seen) - MAX_BARS} slots more are not shown.")
        seen = seen[:MAX_BARS]
    if snapshot.tasks_read < snapshot.task_count:
        notes.append(f"Of {snapshot.task_count} tasks the first {snapshot.tasks_read} are shown.")
    if snapshot.slots_left_out:
        notes.append(f"The API does not tell of {snapshot.slots_left_out} later slots of long tasks.")
    if not seen:
        notes.insert(0, "Nothing is scheduled in this time.")
    rows = []
    for device in dict.fromkeys(slot.device for slot in seen):
        rows.append(_row_html(device, [slot for slot in seen if slot.device == device], start_s, span_s))
    shape = "%H:%M" if span_s <= 86_400 else "%d %b"
    ticks = "".join(
        f'<i style="left:{share * 100:g}%">{time.strftime(shape, time.gmtime(start_s + span_s * share))}</i>'
        for share in (0, 1 / 3, 2 / 3)
    )
    ticks += f'<i class="kw-now-word" style="left:{PAST_SHARE * 100:.2f}%">now</i>'
    legend = "".join(f'<span><i class="kw-slot-{name}"></i>{word}</span>' for word, name in PRIORITIES.items())
    note = f'<p class="kw-muted">{" ".join(notes)}</p>' if notes else ""
    return (
        f'<div class="kw-slots">{"".join(rows)}<span></span><div class="kw-slot-ticks">{ticks}</div></div>'
        f'<div class="kw-legend kw-muted">{legend}<span><i class="kw-slot-gone"></i>preempted</span></div>{note}'
    )


def _row_html(device: str, slots: list[Slot], start_s: float, span_s: float) -> str:
    lanes: list[float] = []
    bars = []
    for slot in slots:
        # What grace leaves to a preempted task overlaps with its successor's slot: it goes into a lane of its own.
        lane = next((place for place, end_s in enumerate(lanes) if end_s <= slot.start_s), len(lanes))
        lanes[lane : lane + 1] = [slot.end_s]
        left = max(0.0, (slot.start_s - start_s) / span_s * 100)
        right = min(100.0, (slot.end_s - start_s) / span_s * 100)
        gone = " kw-slot-gone" if slot.state == "PREEMPTED" else ""
        text = f"{slot.task} of {slot.owner}, {slot.priority}, {slot.state.lower()}"
        text += f", {_clock(slot.start_s)} to {_clock(slot.end_s)} UTC"
        bars.append(
            f'<span class="kw-slot kw-slot-{PRIORITIES.get(slot.priority, "low")}{gone}" title="{escape(text)}" '
            f'style="left:{left:.3f}%;width:max(3px,{right - left:.3f}%);top:{lane * 26 + 3}px">'
            f"{escape(slot.task)} <small>{escape(slot.owner)}</small></span>"
        )
    return (
        f'<span class="kw-slot-device" title="{escape(device)}">{escape(device)}</span>'
        f'<div class="kw-slot-track" style="height:{len(lanes) * 26 + 4}px">{"".join(bars)}'
        f'<span class="kw-now" style="left:{PAST_SHARE * 100:.2f}%"></span></div>'
    )


def _clock(time_s: float) -> str:
    return time.strftime("%d %b %H:%M:%S", time.gmtime(time_s))


def devices_html(snapshot: Snapshot, wanted: str, now_s: float) -> str:
    """Devices with their points, of those whose paths have `wanted` in them."""
    word = wanted.strip().lower()
    parts = []
    left = MAX_ROWS
    hidden = 0
    for device in snapshot.devices:
        points = [point for point in device.points if word in f"{device.name}/{point.name}".lower()]
        if not points and word not in device.name.lower():
            continue
        hidden += max(0, len(points) - left)
        rows = "".join(_point_html(point, snapshot.read_s, now_s) for point in points[:left])
        left = max(0, left - len(points))
        parts.append(f"<tbody>{_device_html(device, snapshot)}{rows}</tbody>")
    if not parts:
        text = "No device or point is called that." if word else "The registry has no devices."
        return f'<p class="kw-nothing">{text}</p>'
    notes = [f"{hidden} points more: search for them." if hidden else ""]
    if len(snapshot.devices) < snapshot.device_count:
        notes.append(f"The first {len(snapshot.devices)} of {snapshot.device_count} devices.")
    note = " ".join(one for one in notes if one)
    heads = "".join(f"<th>{one}</th>" for one in ("Point", "Value", "Quality", "Age"))
    table = f'<table class="kw-points"><thead><tr>{heads}</tr></thead>{"".join(parts)}</table>'
    return f'<div class="kw-scroll">{table}</div>' + (f'<p class="kw-muted">{note}</p>' if note else "")


def _device_html(device: DeviceState, snapshot: Snapshot) -> str:
    level = _STATUS_LEVELS.get(device.status, "idle")
    said = [f"{device.driver} {device.address}"]
    holder = snapshot.holders.get(device.name)
    if holder is not None:
        said.append(f"held by {holder}")
    if device.name in snapshot.overridden:
        said.append("overridden")
    if not device.points and device.enabled:
        said.append("no points")
    if len(device.points) >= MAX_POINTS:
        said.append(f"the first {MAX_POINTS} points")
    error = f'<div class="kw-bad">{escape(device.error)}</div>' if device.error and level == "bad" else ""
    return (
        f'<tr class="kw-device"><th colspan="4"><b>{_breakable(device.name)}</b>'
        f'<span class="kw-chip kw-chip-{level}">{escape(device.status)}</span>'
        f'<span class="kw-muted">{escape(", ".join(said))}</span>{error}</th></tr>'
    )


def _point_html(point: PointState, read_s: float, now_s: float) -> str:
    level = _QUALITY_LEVELS.get(point.quality, "muted")
    age = "-" if point.age_s is None else _ago(read_s - point.age_s, now_s)
    return (
        f'<tr title="{escape(point.error)}"><td>{_breakable(point.name)}</td>'
        f"<td>{escape(value_text(point.value))} {escape(point.units)}</td>"
        f'<td class="kw-{level}">{escape(point.quality)}</td><td>{age}</td></tr>'
    )


def value_text(value: Any) -> str:
    """A value for people: numbers in six digits, the rest as JSON has it, cut where it is long."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.6g}"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def _breakable(text: str) -> str:
    return escape(text).replace("/", "/<wbr>")
