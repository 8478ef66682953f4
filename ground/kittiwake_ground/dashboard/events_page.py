"""The events, live."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.dashboard.event_rows import SEVERITIES, event_row, record_row
from kittiwake_ground.dashboard.page import Context, complain

if TYPE_CHECKING:
    from kittiwake_ground.server.subscription import Update

MAX_ROWS = 2000
"""The most events that a page shows."""

FIRST_ROWS = 500


async def build(context: Context) -> None:
    """The page."""
    ui.add_head_html('<script src="/kittiwake/grid.js"></script>')
    deployment = context.deployment
    past = await context.past.events(deployment, lambda _: True, SEVERITIES, None, None, FIRST_ROWS)
    feed = EventFeed(past["events"])
    bar = ui.element("div").classes("kw-bar")
    grid = ui.aggrid(_options(feed.rows), theme="quartz").classes("kw-table kw-event-table")
    grid.on("firstDataRendered", js_handler=f"() => kittiwakeGrid.count({grid.id})")
    with bar:
        _filters(grid.id)
        ui.html('<span id="kw-count" class="kw-muted" role="status"></span>', sanitize=False)
        ui.space()
        pause = ui.button("Pause", icon="pause").props("outline no-caps data-key=p").mark("pause")
        copy = ui.button("Copy as CSV", icon="content_copy").props("outline no-caps").mark("copy")

    def send(rows: list[dict[str, str]]) -> None:
        text = json.dumps(rows, ensure_ascii=False)
        ui.run_javascript(f"kittiwakeGrid.addEvents({grid.id}, {text}, {MAX_ROWS})")

    def toggle() -> None:
        feed.paused = not feed.paused
        pause.set_icon("play_arrow" if feed.paused else "pause")
        if not feed.paused:
            pause.set_text("Pause")
            send(feed.take())

    async def copy_rows() -> None:
        try:
            count = await ui.run_javascript(f"return await kittiwakeGrid.copyCsv({grid.id})", timeout=5)
        except TimeoutError:
            complain("the browser did not copy them")
            return
        ui.notify(f"{count} events copied", type="positive", position="top")

    def refresh(updates: list[Update]) -> None:
        fresh = [record_row(one.subject, deployment.dictionary) for one in updates if one.kind == "events"]
        feed.add(fresh)
        if not feed.paused and fresh:
            send(feed.take())
        elif feed.paused:
            pause.set_text(f"Go on ({feed.waiting} new)")

    pause.on_click(toggle)
    copy.on_click(copy_rows)
    context.on_tick(refresh)


class EventFeed:
    """The rows of one page: numbered in the order of their arrival, and held back while the page is paused."""

    def __init__(self, shown: list[dict[str, Any]]) -> None:
        self.paused = False
        self._number = 0
        self._waiting: list[dict[str, str]] = []
        self.add([event_row(one) for one in shown])
        self.rows = self.take()[::-1]

    @property
    def waiting(self) -> int:
        """How many are held back."""
        return len(self._waiting)

    def add(self, rows: list[dict[str, str]]) -> None:
        """Takes rows, the newest last; those that would not be shown any more go."""
        for row in rows:
            self._number += 1
            row["i"] = str(self._number)
            self._waiting.append(row)
        del self._waiting[:-MAX_ROWS]

    def take(self) -> list[dict[str, str]]:
        """What was held back."""
        found, self._waiting = self._waiting, []
        return found


def _filters(grid: int) -> None:
    severities = ui.select(list(SEVERITIES), value=list(SEVERITIES), multiple=True, label="Severities")
    severities.props('outlined dense options-dense display-value="All"').classes("kw-severities")

    def choose() -> None:
        chosen = list(severities.value)
        shown = "All" if len(chosen) == len(SEVERITIES) else ", ".join(chosen) or "None"
        severities.props(f'display-value="{shown}"')
        ui.run_javascript(f"kittiwakeGrid.change({grid}, {json.dumps({'severities': chosen})})")

    severities.on_value_change(choose)
    for field, key in (("name", ""), ("text", "data-key=/")):
        typed = ui.input(placeholder=field.capitalize()).classes("kw-filter")
        typed.props(f'outlined dense clearable debounce=80 {key} aria-label="Filter by {field}"')
        typed.on("update:modelValue", js_handler=f"(text) => kittiwakeGrid.typed({grid}, '{field}', text)")


def _options(rows: list[dict[str, str]]) -> dict[str, Any]:
    shown = json.dumps({"d": False, "t": False, "s": False, "n": False, "x": False, "all": True})
    return {
        "columnDefs": [
            {"headerName": "Date", "field": "d", "width": 112, "cellClass": "kw-muted"},
            {"headerName": "Time", "field": "t", "width": 128, "cellClass": "kw-value"},
            {"headerName": "Severity", "field": "s", "width": 124,
             ":cellClass": "(p) => `kw-severity-cell kw-${p.value}`"},
            {"headerName": "Name", "field": "n", "flex": 2, "minWidth": 200,
             ":cellRenderer": "(p) => kittiwakeGrid.nameHtml(p.value)"},
            {"headerName": "Text", "field": "x", "flex": 4, "minWidth": 200, "wrapText": True, "autoHeight": True},
            {"headerName": "Events", "colId": "all", "flex": 1, "hide": True, "wrapText": True, "autoHeight": True,
             ":valueGetter": "(p) => p.data.x", ":cellRenderer": "(p) => kittiwakeGrid.eventHtml(p.data)"},
        ],
        "rowData": rows,
        "defaultColDef": {"sortable": False, "resizable": True, "suppressMovable": True},
        ":getRowId": "(p) => p.data.i",
        ":onGridSizeChanged": f"(p) => kittiwakeGrid.fit(p.api, p.clientWidth, {shown})",
        ":isExternalFilterPresent": "() => true",
        ":doesExternalFilterPass": "(node) => kittiwakeGrid.passesEvent(node.data)",
        ":getRowClass": "(p) => `kw-row-${p.data.s}`",
        "headerHeight": 38, "animateRows": False, "suppressColumnVirtualisation": True,
        "overlayNoRowsTemplate": "No event matches.",
    }  # fmt: skip
