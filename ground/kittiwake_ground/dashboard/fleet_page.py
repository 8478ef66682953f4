"""The fleet: every deployment of the ground station side by side, the worst first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.api.access import person_of
from kittiwake_ground.dashboard.fleet_html import ALL, FILTERS, fits, head_html, row_html, summary_html
from kittiwake_ground.dashboard.frame import CHECK_TICKS, build_header_tools, set_clock
from kittiwake_ground.dashboard.live_html import LiveHtml
from kittiwake_ground.dashboard.page import TICK_S

if TYPE_CHECKING:
    from fastapi import Request

    from kittiwake_ground.people.desk import Person
    from kittiwake_ground.server.ground import Ground


def build_fleet(ground: Ground, request: Request, person: Person) -> None:
    """The page, which needs no deployment."""
    set_clock()
    with ui.header(elevated=False).classes("kw-header"):
        ui.image("/kittiwake/kittiwake.svg").classes("kw-mark")
        ui.label("Fleet").classes("kw-title").props("role=heading aria-level=1")
        ui.space()
        build_header_tools(person)
    with ui.column().classes("kw-page"):
        view = FleetView(ground, request)
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        ticks += 1
        if ticks % CHECK_TICKS == 0 and person_of(request, ground.desk) is None:
            ui.navigate.reload()
            return
        view.refresh()

    ui.timer(TICK_S, tick)


class FleetView:
    """The filters, and a place for each deployment: the first place has the worst.

    Only places whose content changed are sent to the page, so that a calm fleet of thirty costs next to nothing.
    """

    def __init__(self, ground: Ground, request: Request) -> None:
        self._ground = ground
        asked = request.query_params.get("show", ALL)
        self._shown = asked if asked in FILTERS else ALL
        self._text = request.query_params.get("q", "")
        with ui.element("div").classes("kw-bar"):
            self._summary = LiveHtml("kw-fleet-summary")
            ui.space()
            filters = ui.toggle(FILTERS, value=self._shown).props("no-caps unelevated dense data-filter=fleet")
            filters.classes("kw-toggle").on_value_change(lambda change: self._narrow(shown=change.value))
            search = ui.input(placeholder="Search", value=self._text).classes("kw-search")
            search.props("outlined dense clearable data-key=/ aria-label='Search the fleet'")
            search.on_value_change(lambda change: self._narrow(text=change.value or ""))
        with ui.element("div").classes("kw-fleet-table"):
            ui.html(head_html(), sanitize=False).classes("kw-member kw-member-head")
            self._places = [LiveHtml() for _ in ground.deployments]
            self._none = LiveHtml()
        self.refresh()

    def _narrow(self, shown: str | None = None, text: str | None = None) -> None:
        self._shown = self._shown if shown is None else shown
        self._text = self._text if text is None else text
        self.refresh()
        query = {"show": "" if self._shown == ALL else self._shown, "q": self._text}
        ui.run_javascript(f"kittiwake.rememberQuery({json.dumps(query)})")

    def refresh(self) -> None:
        """Shows how they stand now."""
        standings = self._ground.fleet.standings()
        self._summary.show(summary_html(standings))
        rows = [row_html(one) for one in standings if fits(one, self._shown, self._text)]
        for number, place in enumerate(self._places):
            place.show(rows[number] if number < len(rows) else "")
        nothing = "None of them: see what the filters leave out." if standings else "There is no deployment."
        self._none.show("" if rows else f'<p class="kw-nothing">{nothing}</p>')
