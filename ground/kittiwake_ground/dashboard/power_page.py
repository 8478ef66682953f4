"""Power and energy of a device that lives on a battery: charge, credit, sleep and wake, its cycles."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.dashboard.charts_page import ChannelFeed
from kittiwake_ground.dashboard.event_rows import SEVERITIES
from kittiwake_ground.dashboard.live_html import LiveHtml, facts_html, tiles_html
from kittiwake_ground.dashboard.page import Context, complain
from kittiwake_ground.dashboard.power_facts import (
    CYCLE_EVENTS,
    awake_spans,
    charted,
    cycles_html,
    cycles_of,
    measure_facts,
    power_tiles,
    tells_of_power,
    timeline_html,
    total_facts,
)
from kittiwake_ground.dashboard.readings import channels_called
from kittiwake_ground.server.hub import TooManySubscriptions
from kittiwake_ground.server.views import event_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake_ground.server.source import Source
    from kittiwake_ground.server.subscription import Update

SPANS = {3600: "1 h", 6 * 3600: "6 h", 86400: "1 day", 7 * 86400: "7 days"}
FIRST_SPAN_S = 86400
MAX_EVENTS = 200
BUCKETS = 1000
REFRESH_S = 15.0
"""How often the strip of sleep and wake is read anew, in seconds."""


def is_for(deployment: Source) -> bool:
    """Whether the deployment tells of power."""
    return tells_of_power(deployment.hub)


async def build(context: Context) -> None:
    """The page."""
    ui.add_head_html('<script src="/kittiwake/grid.js"></script><script src="/kittiwake/charts.js"></script>')
    ui.add_head_html('<link rel="stylesheet" href="/kittiwake/power.css">')
    if not tells_of_power(context.deployment.hub):
        with ui.card().classes("kw-card kw-wide"):
            ui.label("This deployment has no power manager and no supervisor.").classes("kw-nothing")
        return
    page = PowerPage(context)
    page.build()
    await page.load()
    context.on_tick(page.tick)
    ui.timer(REFRESH_S, page.load_strip)


class PowerPage:
    """What is shown, and for which span of time."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._hub = context.deployment.hub
        asked = context.asked("span")
        self._span_s = int(asked) if asked.isdecimal() and int(asked) in SPANS else FIRST_SPAN_S
        self._events: list[dict[str, Any]] = []
        self._feed: ChannelFeed | None = None
        ui.context.client.on_delete(self._close)

    def build(self) -> None:
        """The tiles, the strip, the chart, the table and the lists."""
        self._tiles = LiveHtml("kw-tiles")
        with ui.element("div").classes("kw-power"):
            with ui.element("div").classes("kw-stack"):
                with ui.card().classes("kw-card kw-wide"):
                    with ui.element("div").classes("kw-bar"):
                        _heading("Awake and asleep")
                        ui.space()
                        ui.html('<span id="kw-chart-note" class="kw-muted" role="status"></span>', sanitize=False)
                        spans = ui.toggle(SPANS, value=self._span_s).props("no-caps unelevated dense")
                        spans.classes("kw-toggle kw-spans").on_value_change(lambda change: self._choose(change.value))
                    self._strip = LiveHtml("kw-wide")
                    self._chart = ui.echart({}).classes("kw-chart kw-power-chart")
                self._cycles = _card("Last cycles")
            with ui.element("div").classes("kw-stack"):
                self._measures = _card("Battery and supply")
                self._totals = _card("Totals")

    async def load(self) -> None:
        """Reads what was: the cycles, the strip and the chart's past."""
        found = await self._context.past.events(
            self._context.deployment, _is_of_a_cycle, SEVERITIES, None, None, MAX_EVENTS
        )
        self._events = found["events"]
        self._begin_chart()
        await self.load_strip()
        self.tick(())

    async def load_strip(self) -> None:
        """Reads when the device was awake."""
        names = channels_called(self._hub, "AwakeSeconds")
        if not names:
            return
        end_s = self._hub.now_us() / 1e6
        start_s = end_s - self._span_s
        buckets = await self._context.past.buckets(self._hub, names[0], int(start_s * 1e6), int(end_s * 1e6), BUCKETS)
        self._strip.show(timeline_html(awake_spans(buckets), start_s, end_s))

    async def _choose(self, span_s: int | None) -> None:
        if span_s:
            self._span_s = span_s
            self._begin_chart()
            await self.load_strip()

    def _begin_chart(self) -> None:
        self._close()
        names = charted(self._hub)
        try:
            self._feed = ChannelFeed(self._hub, names)
        except TooManySubscriptions as fault:
            complain(fault)
        channels = self._hub.dictionary.channels
        wanted = {
            "id": self._chart.id, "deployment": self._hub.deployment, "live": True, "windowS": self._span_s,
            "channels": [{"name": name, "unit": channels[name].unit} for name in names], "stacked": True,
        }  # fmt: skip
        ui.run_javascript(f"kittiwakeCharts.begin({json.dumps(wanted)})")

    def tick(self, updates: Iterable[Update]) -> None:
        """Shows what is new."""
        hub = self._hub
        for update in updates:
            if update.kind == "events" and _is_of_a_cycle(update.subject.decoded.name):
                self._events.append(event_object(update.subject, hub.dictionary))
        del self._events[:-MAX_EVENTS]
        self._tiles.show(tiles_html(power_tiles(hub, hub.now_us() / 1e6)))
        self._cycles.show(cycles_html(cycles_of(self._events)))
        self._measures.show(facts_html(measure_facts(hub)))
        self._totals.show(facts_html(total_facts(hub)))
        if self._feed is not None:
            ui.run_javascript(f"kittiwakeCharts.push({json.dumps(self._feed.take())})")

    def _close(self) -> None:
        if self._feed is not None:
            self._feed.close()
            self._feed = None


def _is_of_a_cycle(name: str) -> bool:
    return name.rpartition(".")[2] in CYCLE_EVENTS


def _heading(text: str) -> None:
    ui.label(text).classes("kw-heading").props("role=heading aria-level=2")


def _card(title: str) -> LiveHtml:
    with ui.card().classes("kw-card kw-wide"):
        _heading(title)
        return LiveHtml("kw-wide")
