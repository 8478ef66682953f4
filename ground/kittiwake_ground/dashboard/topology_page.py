"""The topology: instances and connections of a deployment, lit up by what its wiring carries while it is metered."""

from __future__ import annotations

import asyncio
import json
from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.dashboard.channel_dialog import ChannelDialog
from kittiwake_ground.dashboard.live_html import LiveHtml
from kittiwake_ground.dashboard.topology_drawing import KEYS, MAX_INSTANCES, MAX_LINES, Drawing, drawing_of
from kittiwake_ground.dashboard.topology_figures import (
    ENDED,
    LIVE,
    NEVER,
    NO_METER,
    OTHER_BUILD,
    STALE,
    WiringFigures,
    meter_of,
    wiring_figures,
)
from kittiwake_ground.dashboard.topology_html import detail_html, table_html
from kittiwake_ground.dashboard.topology_metering import Metering
from kittiwake_ground.server.links import UP

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.subscription import Update

SAID = {
    LIVE: "Metered", STALE: "The figures are old", ENDED: "Not metered", NEVER: "Not metered", NO_METER: "Not metered",
    OTHER_BUILD: "Built with another dictionary",
}  # fmt: skip
"""What screen readers are told of when it changes: the ages that are shown change each second."""
DRAWING = '<p class="kw-nothing" role="status">Drawing. A large topology takes some seconds the first time.</p>'
GRAPH, TABLE = "Graph", "Table"
ALL_GROUPS = "All connections"
LEVELS = ("0", "below 1", "1", "4", "16", "64", "256 or more")
"""Calls a second from which on a line has the next brightness; the script has the same bounds."""


def build(context: Context) -> None:
    """The page."""
    ui.add_head_html('<script src="/kittiwake/topology.js"></script>')
    ui.add_head_html('<link rel="stylesheet" href="/kittiwake/power.css">')
    ui.add_head_html('<link rel="stylesheet" href="/kittiwake/topology.css">')
    page = TopologyPage(context)
    page.build()
    page.refresh(())
    context.on_tick(page.refresh)
    # A drawing may take seconds, which is longer than a browser waits for the page itself.
    ui.timer(0.05, page.load, once=True)


_one_at_a_time = asyncio.Lock()
"""Whoever opens a page while a drawing is made waits for that, and does not make it again."""


class TopologyPage:
    """What is drawn, which instance was chosen, and what the browser was told last."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._hub = context.deployment.hub
        self._drawing: Drawing | None = None
        self._chosen = ""
        self._view = GRAPH
        self._told = ""
        meter = meter_of(self._hub)
        self._metering = Metering(context, meter) if meter and context.may_act else None

    def build(self) -> None:
        """The bar, the drawing, the table and the details."""
        with ui.element("div").classes("kw-bar"):
            search = ui.input(placeholder="Search instances").props(
                'outlined dense clearable debounce=80 data-key=/ aria-label="Search instances"'
            )
            search.classes("kw-filter").on(
                "update:modelValue", js_handler="(text) => kittiwakeTopology.search(text || '')"
            ).on("keydown.enter", js_handler="() => kittiwakeTopology.chooseFound()")
            topology = self._context.deployment.dictionary.topology
            groups = list(dict.fromkeys(one.group for one in topology.connections)) if topology else []
            if groups:
                chooser = ui.select([ALL_GROUPS, *groups], value=ALL_GROUPS)
                chooser.props('outlined dense options-dense aria-label="Connections shown"').mark("group")
                chooser.on_value_change(lambda change: self._run(f"show({json.dumps(_group(change.value))})"))
            view = (
                ui.toggle([GRAPH, TABLE], value=GRAPH).props("no-caps unelevated dense").classes("kw-toggle kw-spans")
            )
            view.on_value_change(lambda change: self._switch(change.value))
            for icon, name, call in (
                ("zoom_in", "Zoom in", "zoom(1.4)"), ("zoom_out", "Zoom out", "zoom(1 / 1.4)"),
                ("fit_screen", "Show all", "fit()"),
            ):  # fmt: skip
                button = ui.button(icon=icon).props(f'outline dense padding="5px 8px" aria-label="{name}"')
                button.on("click", js_handler=f"() => kittiwakeTopology.{call}")
            self._state = LiveHtml("kw-wiring")
            with ui.element("div").classes("kw-said").props("role=status"):
                self._said = LiveHtml()
            if self._metering is not None:
                self._metering.build()
        if self._metering is not None:
            self._metering.build_result()
        with ui.element("div").classes("kw-topology-page"):
            with ui.card().classes("kw-card kw-topology-card"):
                self._host = ui.html(DRAWING, sanitize=False)
                self._host.classes("kw-topology-host")
                self._host.on("kw-choose", self._take, js_handler="(event) => emit(event.detail)")
                self._legend = ui.html(_legend_html(bool(groups)), sanitize=False).classes("kw-wide")
                with ui.element("div").classes("kw-wide") as tables:
                    self._table = LiveHtml("kw-scroll")
                tables.on("click", self._take, js_handler="(event) => kittiwakeTopology.go(event, emit)")
            with ui.card().classes("kw-card kw-topology-side") as self._side:
                self._side.props('role=region aria-label="Chosen instance"').set_visibility(False)
                close = ui.button(icon="close", on_click=lambda: self._choose("")).props("flat round dense")
                close.classes("kw-close").props("aria-label=Close")
                with ui.element("div").classes("kw-wide") as details:
                    self._detail = LiveHtml("kw-wide kw-instance")
                details.on("click", self._take, js_handler="(event) => kittiwakeTopology.go(event, emit)")
        self._dialog = ChannelDialog(self._context)

    async def load(self) -> None:
        """Draws, and lights up from then on."""
        async with _one_at_a_time:
            drawing = await asyncio.to_thread(drawing_of, self._context.deployment.dictionary)
        self._drawing = drawing
        self._host.set_content(drawing.svg or _too_large_html(drawing))
        if drawing.svg:
            self._run(f"begin({json.dumps(drawing.facts, ensure_ascii=False)})")
        asked = self._context.asked("instance")
        if any(node.name == asked for node in drawing.graph.nodes):
            self._choose(asked)
        self.refresh(())

    def refresh(self, updates: Iterable[Update]) -> None:
        """Shows what is known now; the browser hears of it only where that is new."""
        figures = wiring_figures(self._hub)
        self._state.show(_state_html(self._context, figures))
        self._said.show(SAID[figures.state])
        if self._metering is not None:
            self._metering.show(figures, updates)
        drawing = self._drawing
        if drawing is None:
            return
        told = _figures_json(figures)
        if told != self._told:
            self._told = told
            self._run(f"update({told})")
        self._table.show(table_html(drawing, figures) if self._view == TABLE else "")
        self._show_detail(drawing, figures)
        self._dialog.refresh()

    def _show_detail(self, drawing: Drawing, figures: WiringFigures) -> None:
        node = next((one for one in drawing.graph.nodes if one.name == self._chosen), None)
        self._side.set_visibility(node is not None)
        if node is not None:
            self._detail.show(detail_html(node, drawing, figures, self._hub, self._context.deployment.name))

    def _switch(self, view: str) -> None:
        self._view = view
        self._host.set_visibility(view == GRAPH)
        self._legend.set_visibility(view == GRAPH)
        self.refresh(())

    def _take(self, event: Any) -> None:
        """Something was chosen: an instance, or one of its channels."""
        name, channel = str(event.args.get("instance", "")), str(event.args.get("channel", ""))
        if channel in self._hub.dictionary.channels:
            self._dialog.open(channel)
        elif self._drawing is not None and (not name or any(one.name == name for one in self._drawing.graph.nodes)):
            self._choose(name)

    def _choose(self, name: str) -> None:
        self._chosen = name
        self._run(f"mark({json.dumps(name)})")
        self.refresh(())

    def _run(self, call: str) -> None:
        ui.run_javascript(f"kittiwakeTopology.{call}")


def _group(chosen: str) -> str:
    return "" if chosen == ALL_GROUPS else chosen


def _figures_json(figures: WiringFigures) -> str:
    """What the script lights up with."""
    return json.dumps(
        {
            "state": figures.state,
            "rates": [round(rate, 3) for rate in figures.rates],
            "full": sorted(figures.full),
            "queues": {name: list(one) for name, one in figures.queues.items()},
            "slips": {name: list(one) for name, one in figures.slips.items()},
        }
    )


def _state_html(context: Context, figures: WiringFigures) -> str:
    """Whether what is lit is of now, and why not."""
    text, level = figures.text, "good" if figures.state == LIVE else "warning" if figures.state == STALE else ""
    link = context.deployment.link
    if link.state != UP and context.replay is None:
        text, level = f"The link is down: nothing new comes. {text}", "bad"
    notes = [f'<span><span class="kw-dot kw-{level or "idle"}"></span>{escape(text)}</span>']
    if context.deployment.dictionary.topology is None:
        notes.append(
            '<span class="kw-muted">This dictionary does not say what is connected (only Kittiwake\'s do): '
            "the instances are those that its names begin with, without lines.</span>"
        )
    elif context.replay is None and not context.may_act:
        notes.append(f'<span class="kw-muted">{escape(context.unable_text("has it metered"))}</span>')
    return f'<div class="kw-wiring-state" data-state="{figures.state}">{"".join(notes)}</div>'


def _legend_html(has_connections: bool) -> str:
    lines = "".join(
        f'<span><svg width="26" height="8" aria-hidden="true"><g class="kw-line" data-level="{level}">'
        f'<path class="kw-line-drawn" d="M1,4H25"/></g></svg>{text}</span>'
        for level, text in enumerate(LEVELS)
    )
    metered = (
        f'<span class="kw-muted">Calls a second</span>{lines}'
        '<span><i class="kw-legend-queue"></i>queue: waited, most ever</span>'
    )
    return (
        f'<div class="kw-topology-legend">{metered if has_connections else ""}'
        '<span><i class="kw-legend-slip"></i>slipped in the last minute</span>'
        f'<span class="kw-muted" title="{KEYS}">Choose an instance for its details.</span></div>'
    )


def _too_large_html(drawing: Drawing) -> str:
    instances, lines = len(drawing.graph.nodes), len(drawing.graph.lines())
    return (
        f'<p class="kw-nothing">{instances} instances with {lines} lines are more than a drawing shows '
        f"({MAX_INSTANCES} and {MAX_LINES}): see the table.</p>"
    )
