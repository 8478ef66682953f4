"""Every channel with its latest value, live."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.alarms.levels import LEVELS
from kittiwake_ground.alarms.limits import limits_text
from kittiwake_ground.dashboard.alarm_actions import acknowledge_channel, carry_out
from kittiwake_ground.dashboard.channel_dialog import ChannelDialog
from kittiwake_ground.dashboard.live_html import LiveHtml
from kittiwake_ground.dashboard.readings import reading_text
from kittiwake_ground.shown import value_alarm

if TYPE_CHECKING:
    from kittiwake.dictionary.entries import Channel
    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.hub import Hub

KINDS = {"all": "All channels", "valued": "With a value", "alarms": "In alarm"}


def build(context: Context) -> None:
    """The page."""
    ui.add_head_html('<script src="/kittiwake/grid.js"></script>')
    bar = ui.element("div").classes("kw-bar")
    table = ChannelTable(context.deployment.hub)
    with bar:
        search = ui.input(placeholder="Search names, values and units").props(
            'outlined dense clearable debounce=80 data-key=/ aria-label="Search channels"'
        )
        search.classes("kw-search").on(
            "update:modelValue", js_handler=f"(text) => kittiwakeGrid.typed({table.element.id}, 'text', text)"
        )
        kinds = ui.select(KINDS, value="all").props("outlined dense options-dense aria-label=Show")
        kinds.on_value_change(lambda change: table.show_kind(change.value))
        ui.html('<span id="kw-count" class="kw-muted" role="status"></span>', sanitize=False)
        ui.space()
        summary = LiveHtml("kw-muted")
        if context.may_act:
            every = ui.button("Acknowledge all", on_click=lambda: _acknowledge_all(context))
            every.props("outline no-caps dense padding='6px 12px'")
    dialog = ChannelDialog(context)

    def open_row(event: Any) -> None:
        name = str(event.args.get("rowId", ""))
        if name not in context.deployment.hub.dictionary.channels:
            return
        latched = name in context.deployment.hub.latched
        if event.args.get("colId") == "limit" and latched and context.may_act:
            acknowledge_channel(context, name)
        else:
            dialog.open(name)

    table.element.on("cellClicked", open_row, ["rowId", "colId"])

    def refresh(_: object = None) -> None:
        table.refresh()
        dialog.refresh()
        latched = len(context.deployment.hub.latched)
        summary.show(escape(f"{latched} latched" if latched else ""))
        if context.may_act:
            every.set_visibility(bool(latched))

    refresh()
    context.on_tick(refresh)


def _acknowledge_all(context: Context) -> None:
    hub = context.deployment.hub

    def act(by: str) -> None:
        for name in list(hub.latched):
            hub.acknowledge(name, by)

    carry_out(context, "acknowledge", f"{len(hub.latched)} channels", act)


class ChannelTable:
    """The table: one row a channel, drawn as far as it is in sight; a tick sends only the rows that changed."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._sent: dict[str, tuple[int, str]] = {}
        rows = [self._row(one) for one in sorted(hub.dictionary.channels.values(), key=lambda one: one.name)]
        self.element = ui.aggrid(self._options(rows), theme="quartz").classes("kw-table")
        self.element.on("firstDataRendered", js_handler=f"() => kittiwakeGrid.count({self.element.id})")

    def show_kind(self, kind: str) -> None:
        """Shows the channels of one of `KINDS`."""
        ui.run_javascript(f"kittiwakeGrid.change({self.element.id}, {json.dumps({'kind': kind})})")

    def refresh(self) -> None:
        """Sends what changed since the last time."""
        hub = self._hub
        rows = []
        for name, sample in hub.latest.items():
            mark = (sample.received_us, hub.latched.get(name, ""))
            if self._sent.get(name) != mark:
                rows.append(self._row(sample.channel))
        text = json.dumps(rows, ensure_ascii=False)
        ui.run_javascript(f"kittiwakeGrid.update({self.element.id}, {text})")

    def _row(self, channel: Channel) -> dict[str, Any]:
        name = channel.name
        sample, latched = self._hub.latest.get(name), self._hub.latched.get(name, "")
        limited = self._hub.alarms.limited(channel)
        row: dict[str, Any] = {
            "n": name, "u": channel.unit, "x": "", "r": 0, "a": "", "l": latched, "v": None, "t": limits_text(limited)
        }  # fmt: skip
        if sample is not None:
            self._sent[name] = (sample.received_us, latched)
            value = sample.value
            plain = isinstance(value, (int, float)) and value == value and abs(value) < 1e300
            row |= {
                "x": reading_text(sample, self._hub), "r": sample.received_us,
                "a": value_alarm(limited, value), "v": float(value) if plain else None,
            }  # fmt: skip
        return row

    @staticmethod
    def _options(rows: list[dict[str, Any]]) -> dict[str, Any]:
        shown = json.dumps({"unit": False, "limit": False})
        return {
            "columnDefs": [
                {"headerName": "Channel", "field": "n", "flex": 3, "minWidth": 150, "sort": "asc",
                 ":cellRenderer": "(p) => kittiwakeGrid.nameHtml(p.value)"},
                {"headerName": "Value", "field": "x", "flex": 2, "minWidth": 110, "type": "rightAligned",
                 "cellClass": "kw-value ag-right-aligned-cell", ":comparator": "kittiwakeGrid.compareNumbers",
                 ":cellRenderer": _VALUE, ":tooltipValueGetter": "(p) => p.value",
                 "cellClassRules": {f"kw-cell-{alarm}": f"data.a == '{alarm}'" for alarm in LEVELS[1:]}},
                {"headerName": "Unit", "field": "u", "colId": "unit", "width": 90, "cellClass": "kw-muted"},
                {"headerName": "Limits", "colId": "limit", "width": 220, ":valueGetter": "(p) => p.data.a + p.data.l",
                 ":cellRenderer": "(p) => kittiwakeGrid.limitHtml(p.data)"},
                {"headerName": "Age", "colId": "age", "width": 84, "type": "rightAligned",
                 "cellClass": "kw-muted ag-right-aligned-cell",
                 ":valueGetter": "(p) => p.data.r", ":valueFormatter": "(p) => kittiwakeGrid.ageText(p.value)"},
            ],
            "rowData": rows,
            "defaultColDef": {"sortable": True, "resizable": True, "suppressMovable": True},
            ":getRowId": "(p) => p.data.n",
            ":onGridSizeChanged": f"(p) => kittiwakeGrid.fit(p.api, p.clientWidth, {shown})",
            ":isExternalFilterPresent": "() => true",
            ":doesExternalFilterPass": "(node) => kittiwakeGrid.passesChannel(node.data)",
            "rowHeight": 36, "headerHeight": 38, "animateRows": False, "tooltipShowDelay": 600,
            "suppressColumnVirtualisation": True, "overlayNoRowsTemplate": "No channel matches.",
        }  # fmt: skip


_VALUE = (
    '(p) => kittiwakeGrid.escape(p.value) + `<span class="kw-inline-unit"> ${kittiwakeGrid.escape(p.data.u)}</span>`'
    " + (p.data.l ? `<span class=\"kw-flag kw-limit-${p.data.l}\">⚑</span>` : '')"
)
