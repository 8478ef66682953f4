"""The timeline: events, commands, modes, boots and the link side by side, to zoom into and to go from there."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.archive import QueryTooLong
from kittiwake_ground.dashboard.live_html import LiveHtml
from kittiwake_ground.dashboard.page import Context, complain
from kittiwake_ground.dashboard.timeline_html import detail_html, timeline_html
from kittiwake_ground.server.timeline import MAX_SPAN_US, read_timeline
from kittiwake_ground.server.views import iso_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake_ground.server.subscription import Update

SPANS = {600: "10 min", 3600: "1 h", 6 * 3600: "6 h", 86400: "1 day", 7 * 86400: "7 days", 30 * 86400: "30 days"}
FIRST_SPAN_S = 3600
LEAST_SPAN_US = 1_000_000
REFRESH_TICKS = 10
"""Ticks between two looks for what is new, while the end is now."""

LEADS = {"overview": "Overview", "channels": "Channels", "charts": "Charts", "events": "Events", "commands": "Commands"}
LEAD_US = 5_000_000
"""How long before a mark a replay begins that it leads to, so that one sees it come."""


async def build(context: Context) -> None:
    """The page."""
    ui.add_head_html(
        '<link rel="stylesheet" href="/kittiwake/actions.css"><link rel="stylesheet" href="/kittiwake/timeline.css">'
        '<script src="/kittiwake/timeline.js"></script>'
    )
    if context.ground.archive is None:
        with ui.card().classes("kw-card kw-wide"):
            ui.label("This ground station keeps no archive, so that there is no timeline.").classes("kw-nothing")
        return
    page = TimelinePage(context)
    page.build()
    await page.load()
    context.on_tick(page.tick)


class TimelinePage:
    """Which stretch of time is shown, and what was chosen in it. An end of 0 is now, and moves on."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._hub = context.deployment.hub
        start, end = context.asked("start"), context.asked("end")
        self._span_us = FIRST_SPAN_S * 1_000_000
        self._end_us = 0
        if start.isdecimal() and end.isdecimal() and 0 < int(end) - int(start) <= MAX_SPAN_US:
            self._span_us, self._end_us = max(int(end) - int(start), LEAST_SPAN_US), int(end)
        self._found: dict[str, Any] = {}
        self._ticks = 0

    def build(self) -> None:
        """The controls, the lanes and the details."""
        with ui.element("div").classes("kw-bar"):
            spans = ui.toggle(SPANS, value=self._span_us // 1_000_000).props("no-caps unelevated dense")
            spans.classes("kw-toggle kw-spans").on_value_change(lambda change: self._choose(change.value))
            self._toggle = spans
            for icon, name, share in (("chevron_left", "Earlier", -0.5), ("chevron_right", "Later", 0.5)):
                step = ui.button(icon=icon, on_click=lambda _, share=share: self._step(share))
                step.props(f"outline dense aria-label={name}")
            ui.button("Now", on_click=self._to_now).props("outline no-caps dense padding='4px 12px'")
            out = ui.button(icon="zoom_out", on_click=lambda: self._zoom(2.0))
            out.props('outline dense aria-label="Zoom out"')
            self._note = LiveHtml("kw-muted")
        with ui.card().classes("kw-card kw-wide"):
            self._lanes = ui.html("", sanitize=False).classes("kw-wide kw-timeline")
            self._lanes.on("click", self._take, js_handler="(event) => kittiwakeTimeline.click(event, emit)")
            self._lanes.on("mousedown", js_handler="(event) => kittiwakeTimeline.begin(event)")
            self._lanes.on("kw-zoom", self._take_zoom, js_handler="(event) => emit(event.detail)")
            ui.label("Drag over a stretch to look closer; a mark leads to the other pages at its time.").classes(
                "kw-muted"
            )
        with ui.card().classes("kw-card kw-wide") as self._card:
            self._detail = LiveHtml("kw-wide")
        self._card.set_visibility(False)

    async def load(self) -> None:
        """Reads and draws the stretch."""
        now_us = self._hub.now_us()
        end_us = min(self._end_us or now_us, now_us)
        archive = self._context.ground.archive
        assert archive is not None
        try:
            self._found = await read_timeline(
                archive, self._context.deployment, max(end_us - self._span_us, 0), max(end_us, LEAST_SPAN_US)
            )
        except (ValueError, QueryTooLong) as fault:
            complain(fault)
            return
        self._lanes.set_content(timeline_html(self._found))
        count = self._found["event_count"]
        notes = [f"{count} events, {len(self._found['commands'])} commands"]
        if count and not self._found["events"]:
            notes.append("too many to show one by one: look closer")
        self._note.show(escape("; ".join(notes)))

    async def tick(self, updates: Iterable[Update]) -> None:
        """Shows what is new while the end is now."""
        self._ticks += 1
        if not self._end_us and self._ticks % REFRESH_TICKS == 0:
            await self.load()

    async def _go(self, start_us: int, end_us: int) -> None:
        self._span_us = min(max(end_us - start_us, LEAST_SPAN_US), MAX_SPAN_US)
        self._end_us = start_us + self._span_us
        if self._end_us >= self._hub.now_us():
            self._end_us = 0
        seconds = self._span_us // 1_000_000
        self._toggle.set_value(seconds if seconds in SPANS else None)
        end = self._end_us or self._hub.now_us()
        query = {"start": str(end - self._span_us), "end": str(end)} if self._end_us else {}
        ui.run_javascript(f"history.replaceState(null, '', {self._context.place('timeline', **query)!r})")
        await self.load()

    async def _choose(self, span_s: int | None) -> None:
        if span_s and span_s * 1_000_000 != self._span_us:
            end_us = self._end_us or self._hub.now_us()
            await self._go(end_us - span_s * 1_000_000, end_us)

    async def _step(self, share: float) -> None:
        start_us = self._found["start_us"] + int(self._span_us * share)
        await self._go(max(start_us, 0), max(start_us, 0) + self._span_us)

    async def _to_now(self) -> None:
        now_us = self._hub.now_us()
        await self._go(now_us - self._span_us, now_us)

    async def _zoom(self, factor: float) -> None:
        middle_us = (self._found["start_us"] + self._found["end_us"]) // 2
        half_us = min(int(self._span_us * factor), MAX_SPAN_US) // 2
        await self._go(max(middle_us - half_us, 0), middle_us + half_us)

    async def _take_zoom(self, event: Any) -> None:
        start, end = event.args.get("start"), event.args.get("end")
        if isinstance(start, (int, float)) and isinstance(end, (int, float)) and 0 <= start < end:
            await self._go(int(start), int(end))

    async def _take(self, event: Any) -> None:
        """A mark was chosen: what it is, and where it leads."""
        at_us, until_us = _number(event.args.get("at")), _number(event.args.get("until"))
        if until_us:
            await self._go(at_us, until_us)
            return
        kind, index = str(event.args.get("kind", "")), _number(event.args.get("index"))
        at = iso_time(max(at_us - LEAD_US, 0))
        name = self._context.deployment.name
        links = " ".join(
            f'<a data-at="1" class="kw-lead" href="/d/{name}/{page}?at={at}">{words} at that time</a>'
            for page, words in LEADS.items()
        )
        self._detail.show(f'{detail_html(self._found, kind, index, at_us)}<div class="kw-leads">{links}</div>')
        self._card.set_visibility(True)


def _number(text: Any) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() else 0
