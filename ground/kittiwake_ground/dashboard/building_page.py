"""A building: its devices and points, and its schedules on a timeline, as its API tells of them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.building_html import building_tiles, devices_html, notice_html, timeline_html
from kittiwake_ground.dashboard.live_html import LiveHtml, tiles_html

if TYPE_CHECKING:
    from kittiwake_ground.building.snapshot import Snapshot
    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.building import Building
    from kittiwake_ground.server.source import Source

SPANS = {6 * 3600: "6 h", 86400: "1 day", 7 * 86400: "7 days"}
FIRST_SPAN_S = 86400
REDRAW_S = 5.0
"""How often ages are drawn anew while nothing new comes, in seconds."""


def is_for(deployment: Source) -> bool:
    """Whether the API of the deployment's building is known."""
    return deployment.building is not None


def build(context: Context) -> None:
    """The page."""
    for sheet in ("actions", "power", "building"):
        ui.add_head_html(f'<link rel="stylesheet" href="/kittiwake/{sheet}.css">')
    building = context.deployment.building
    if building is None:
        with ui.card().classes("kw-card kw-wide"):
            ui.label("No building's API is known for this deployment: serve it with --building.").classes("kw-nothing")
        return
    page = BuildingPage(context, building)
    page.build()
    page.tick()
    building.watch()
    ui.context.client.on_delete(building.leave)
    context.on_tick(lambda _: page.tick())


class BuildingPage:
    """What is shown of a building. It never asks the API: it draws what the ground station has read."""

    def __init__(self, context: Context, building: Building) -> None:
        self._building = building
        asked = context.asked("span")
        self._span_s = int(asked) if asked.isdecimal() and int(asked) in SPANS else FIRST_SPAN_S
        self._wanted = ""
        self._drawn: Snapshot | None = None
        self._drawn_s = 0.0
        self._is_old = False

    def build(self) -> None:
        """The notice, the tiles, the timeline and the table."""
        self._notice = LiveHtml("kw-wide")
        with ui.element("div").classes("kw-building kw-wide") as self._content:
            self._tiles = LiveHtml("kw-tiles")
            with ui.card().classes("kw-card kw-wide"):
                with ui.element("div").classes("kw-bar"):
                    _heading("Schedules")
                    ui.space()
                    spans = ui.toggle(SPANS, value=self._span_s).props("no-caps unelevated dense")
                    spans.classes("kw-toggle kw-spans").on_value_change(lambda change: self._choose(change.value))
                self._timeline = LiveHtml("kw-wide")
            with ui.card().classes("kw-card kw-wide"):
                with ui.element("div").classes("kw-bar"):
                    _heading("Devices and points")
                    ui.space()
                    search = ui.input(placeholder="Search devices and points").classes("kw-search")
                    search.props('outlined dense clearable debounce=200 data-key=/ aria-label="Search devices"')
                    search.on_value_change(lambda change: self._search(change.value or ""))
                self._devices = LiveHtml("kw-wide")

    def _choose(self, span_s: int | None) -> None:
        if span_s:
            self._span_s = span_s
            self._draw(time.time())

    def _search(self, wanted: str) -> None:
        self._wanted = wanted
        self._draw(time.time())

    def tick(self) -> None:
        """Shows what is new."""
        building, now_s = self._building, time.time()
        self._notice.show(notice_html(building.url, building.fault, building.fault_since_s, building.snapshot, now_s))
        if bool(building.fault) != self._is_old:
            self._is_old = bool(building.fault)
            self._content.classes(toggle="kw-old")
            self._drawn_s = 0.0
        if building.snapshot is not self._drawn or now_s - self._drawn_s >= REDRAW_S or now_s < self._drawn_s:
            self._draw(now_s)

    def _draw(self, now_s: float) -> None:
        snapshot = self._building.snapshot
        self._drawn, self._drawn_s = snapshot, now_s
        self._content.set_visibility(snapshot is not None)
        if snapshot is None:
            return
        self._tiles.show(tiles_html(building_tiles(snapshot, now_s)))
        self._timeline.show(timeline_html(snapshot, self._span_s, now_s))
        self._devices.show(devices_html(snapshot, self._wanted, now_s))


def _heading(text: str) -> None:
    ui.label(text).classes("kw-heading").props("role=heading aria-level=2")
