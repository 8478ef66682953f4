"""A hive: when its sensors record and what comes of it, what they read, disk and uploads, and their commands."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.dashboard.event_rows import SEVERITIES
from kittiwake_ground.dashboard.hive_actions import SensorActions
from kittiwake_ground.dashboard.hive_captures import lanes_of, tells_of_hive
from kittiwake_ground.dashboard.hive_facts import (
    RUNS,
    hive_tiles,
    orchestrator_of,
    quota_of,
    sensors_of,
    upload_facts,
)
from kittiwake_ground.dashboard.hive_html import Stretch, latest_html, sensor_html, timeline_html, with_present
from kittiwake_ground.dashboard.live_html import LiveHtml, facts_html, meter_html, tiles_html
from kittiwake_ground.dashboard.overview_facts import size_text
from kittiwake_ground.dashboard.record_list import Action, RecordList
from kittiwake_ground.server.views import event_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kittiwake_ground.dashboard.hive_facts import SensorFacts
    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.dashboard.record_list import Record
    from kittiwake_ground.server.source import Source
    from kittiwake_ground.server.subscription import Update

DAY_S = 86400
SPANS = {3600: "1 h", 6 * 3600: "6 h", DAY_S: "Day", 7 * DAY_S: "7 days"}
FUTURE_SHARE = 1 / 6
"""What a stretch shows of the time ahead, unless it is a day: that is whole, from midnight to midnight UTC."""

BEFORE_S = 25 * 3600
"""Events are read from so long before the stretch: windows open once a day."""

MAX_EVENTS = 8000
REDRAW_SHARE = 1 / 2000
"""While nothing new comes, the timeline is drawn anew when now has moved by this share of its width."""


def is_for(deployment: Source) -> bool:
    """Whether the deployment has a SensorOrchestrator."""
    return bool(orchestrator_of(deployment.hub))


async def build(context: Context) -> None:
    """The page."""
    for sheet in ("actions", "power", "building", "hive"):
        ui.add_head_html(f'<link rel="stylesheet" href="/kittiwake/{sheet}.css">')
    if not is_for(context.deployment):
        with ui.card().classes("kw-card kw-wide"):
            ui.label("This deployment has no SensorOrchestrator.").classes("kw-nothing")
        return
    page = HivePage(context)
    page.build()
    await page.load()
    context.on_tick(page.tick)


class HivePage:
    """Which stretch of time is shown, and what is known of it. A shift of 0 is the present, and moves on."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._hub = context.deployment.hub
        self._prefix = orchestrator_of(self._hub) + "."
        asked = context.asked("span")
        self._span_s = int(asked) if asked.isdecimal() and int(asked) in SPANS else DAY_S
        self._shift = 0
        self._events: list[dict[str, Any]] = []
        self._known: set[tuple[int, str, str]] = set()
        self._drawn: tuple[object, ...] = ()
        self._actions = SensorActions(context, orchestrator_of(self._hub))

    def build(self) -> None:
        """The tiles, the timeline, the sensors and the uploads."""
        self._tiles = LiveHtml("kw-tiles")
        with ui.card().classes("kw-card kw-wide"):
            with ui.element("div").classes("kw-bar"):
                _heading("Windows and captures")
                self._note = LiveHtml("kw-muted")
                ui.space()
                with ui.element("div").classes("kw-hive-steps"):
                    for icon, name, step in (("chevron_left", "Earlier", -1), ("chevron_right", "Later", 1)):
                        button = ui.button(icon=icon, on_click=lambda _, step=step: self._step(step))
                        button.props(f"outline dense aria-label={name}")
                    ui.button("Now", on_click=lambda: self._step(0)).props("outline no-caps dense padding='4px 12px'")
                spans = ui.toggle(SPANS, value=self._span_s).props("no-caps unelevated dense")
                spans.classes("kw-toggle kw-spans").on_value_change(lambda change: self._choose(change.value))
            self._timeline = LiveHtml("kw-wide")
        with ui.element("div").classes("kw-power"):
            with ui.element("div").classes("kw-stack"):
                self._build_sensors()
                with ui.card().classes("kw-card kw-wide"):
                    _heading("Last captures")
                    self._latest = LiveHtml("kw-wide kw-scroll")
            with ui.element("div").classes("kw-stack"), ui.card().classes("kw-card kw-wide"):
                _heading("Disk and uploads")
                self._quota = LiveHtml("kw-wide")
                self._uploads = LiveHtml("kw-wide")

    def _build_sensors(self) -> None:
        may_act, actions = self._context.may_act, self._actions
        with ui.card().classes("kw-card kw-wide"):
            with ui.element("div").classes("kw-bar"):
                _heading("Sensors")
                ui.space()
                if may_act:
                    for words, icon, do in (
                        ("Start all", "play_arrow", actions.start), ("Stop all", "stop", actions.stop),
                    ):  # fmt: skip
                        button = ui.button(words, icon=icon, on_click=lambda _, do=do: do())
                        button.props("outline no-caps dense padding='4px 12px'")
                else:
                    ui.label(self._context.unable_text("starts and stops sensors")).classes("kw-muted")
            actions.build()
            self._sensors = RecordList(
                lambda record: sensor_html(record["facts"], self._now_s()),
                (
                    Action("fiber_manual_record", "Take now", _waits, lambda one: actions.take_now(one["facts"].name)),
                    Action("play_arrow", "Start", _stands, lambda one: actions.start(one["facts"].name)),
                    Action("stop", "Stop", _runs, lambda one: actions.stop(one["facts"].name)),
                )
                if may_act
                else (),
                "No sensor has channels of its own in this deployment.",
            )

    def _now_s(self) -> float:
        return self._hub.now_us() / 1e6

    def _stretch(self) -> Stretch:
        now_s, span_s = self._now_s(), float(self._span_s)
        end_s = now_s // DAY_S * DAY_S + DAY_S if span_s == DAY_S else now_s + span_s * FUTURE_SHARE
        end_s += self._shift * span_s
        return Stretch(end_s - span_s, end_s, now_s)

    async def _choose(self, span_s: int | None) -> None:
        if span_s:
            self._span_s, self._shift = span_s, 0
            await self.load()

    async def _step(self, step: int) -> None:
        self._shift = min(self._shift + step, 0) if step else 0
        await self.load()

    async def load(self) -> None:
        """Reads what was told in the stretch, and what opened its first windows."""
        stretch = self._stretch()
        start_s = max(0.0, stretch.start_s - BEFORE_S)
        found = await self._context.past.events(
            self._context.deployment, self._is_wanted, SEVERITIES, int(start_s * 1e6),
            int(stretch.end_s * 1e6), MAX_EVENTS,
        )  # fmt: skip
        self._events, self._known, self._drawn = [], set(), ()
        for event in found["events"]:
            self._take(event)
        self.tick(())

    def _take(self, event: dict[str, Any]) -> None:
        """Keeps an event; one that was read and comes as news as well is kept once."""
        key = (event["time_us"], event["name"], event["text"])
        if key not in self._known:
            self._known.add(key)
            self._events.append(event)

    def _is_wanted(self, name: str) -> bool:
        return name.startswith(self._prefix) and tells_of_hive(name)

    def tick(self, updates: Iterable[Update]) -> None:
        """Shows what is new."""
        hub, now_s, stretch = self._hub, self._now_s(), self._stretch()
        updates = list(updates)
        for update in updates:
            if update.kind == "events" and self._is_wanted(update.subject.decoded.name):
                self._take(event_object(update.subject, hub.dictionary))
        del self._events[:-MAX_EVENTS]
        self._actions.tick(updates)
        sensors = sensors_of(hub)
        self._tiles.show(tiles_html(hive_tiles(hub, now_s)))
        self._draw_timeline(sensors, stretch)
        for number, one in enumerate(sensors):
            self._sensors.show({"id": -number, "facts": one})
        self._uploads.show(facts_html(upload_facts(self._context.deployment)) or "")
        used, quota = quota_of(self._context.deployment)
        text = f"{size_text(used)} of {size_text(quota)}"
        self._quota.show(meter_html("Quota", used / quota, text) if quota else "")

    def _draw_timeline(self, sensors: Sequence[SensorFacts], stretch: Stretch) -> None:
        """Draws it if anything of it has changed: it is long."""
        step = stretch.now_s // (self._span_s * REDRAW_SHARE)
        told = len(self._known), tuple((one.state, one.next_start_s) for one in sensors)
        if (drawn := (step, self._span_s, self._shift, told)) == self._drawn:
            return
        self._drawn = drawn
        lanes = lanes_of(self._events, stretch.now_s)
        self._timeline.show(timeline_html(with_present(lanes, sensors, stretch.now_s), sensors, stretch))
        self._note.show(escape(self._note_text(stretch)))
        self._latest.show(latest_html(lanes, stretch))

    def _note_text(self, stretch: Stretch) -> str:
        from time import gmtime, strftime

        shape = "%d %b %Y" if self._span_s == DAY_S else "%d %b %H:%M"
        note = f"{strftime(shape, gmtime(stretch.start_s))}, UTC"
        if len(self._events) >= MAX_EVENTS:
            first_s = self._events[0]["time_us"] / 1e6
            note += f"; from {strftime('%d %b %H:%M', gmtime(first_s))} on: there is more than can be drawn"
        return note


def _runs(record: Record) -> bool:
    return record["facts"].state in RUNS or record["facts"].state == "BACKING_OFF"


def _stands(record: Record) -> bool:
    return not _runs(record)


def _waits(record: Record) -> bool:
    return bool(record["facts"].state == "WAITING")


def _heading(text: str) -> None:
    ui.label(text).classes("kw-heading").props("role=heading aria-level=2")
