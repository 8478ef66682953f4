"""Alarms: what is open, the worst first, what became of others, who is told, and what is derived."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.alarms.levels import LEVELS
from kittiwake_ground.alarms.life import BY_PERSON, MOVES
from kittiwake_ground.dashboard.alarm_actions import acknowledge_all
from kittiwake_ground.dashboard.alarm_html import history_html, receivers_html
from kittiwake_ground.dashboard.alarm_rows import AlarmRows
from kittiwake_ground.dashboard.derived_card import DerivedCard
from kittiwake_ground.dashboard.live_html import LiveHtml

if TYPE_CHECKING:
    from kittiwake_ground.alarms.book import AlarmBook
    from kittiwake_ground.dashboard.page import Context

MAX_OPEN = 100
MAX_HISTORY = 200
ALL = "all"


def build(context: Context) -> None:
    """The page."""
    ui.add_head_html('<link rel="stylesheet" href="/kittiwake/actions.css">')
    book = context.deployment.hub.alarms
    fault = LiveHtml("kw-wide")
    with ui.card().classes("kw-card kw-wide"):
        with ui.element("div").classes("kw-bar"):
            ui.label("Open alarms").classes("kw-heading").props("role=heading aria-level=2")
            ui.space()
            every = ui.button("Acknowledge all", icon="done_all", on_click=lambda: acknowledge_all(context))
            every.props("outline no-caps dense padding='6px 12px'")
        rows = AlarmRows(context, MAX_OPEN, all_actions=True)
    history = HistoryCard(book)
    derived = receivers = None
    if context.replay is None:
        derived = DerivedCard(context, context.ground.deployment(context.deployment.name).derived)
        with ui.card().classes("kw-card kw-wide"):
            ui.label("Who is told").classes("kw-heading").props("role=heading aria-level=2")
            receivers = LiveHtml("kw-wide")

    def refresh(_: object = None) -> None:
        rows.refresh()
        history.refresh()
        every.set_visibility(context.may_act and bool(book.unseen()))
        fault.show(f'<div class="kw-banner" role="alert">{escape(book.fault)}</div>' if book.fault else "")
        if derived is not None and receivers is not None:
            derived.refresh()
            receivers.show(receivers_html(one.plain() for one in context.ground.notifier.outgoing.values()))

    refresh()
    context.on_tick(refresh)


class HistoryCard:
    """What became of alarms, filtered; it is read anew only when something has happened."""

    def __init__(self, book: AlarmBook) -> None:
        self._book = book
        self._seen = -1
        with ui.card().classes("kw-card kw-wide"):
            with ui.element("div").classes("kw-bar"):
                ui.label("History").classes("kw-heading").props("role=heading aria-level=2")
                ui.space()
                self._source = ui.input(placeholder="Channel or event").classes("kw-filter")
                self._source.props('outlined dense clearable debounce=200 data-key=/ aria-label="Filter by source"')
                self._level = ui.select([ALL, *LEVELS[1:]], value=ALL, label="Level").classes("kw-span")
                self._action = ui.select([ALL, *MOVES, *BY_PERSON], value=ALL, label="What").classes("kw-filter")
                for choice in (self._level, self._action):
                    choice.props("outlined dense options-dense").on_value_change(self._read)
            self._table = LiveHtml("kw-wide")
        self._source.on_value_change(self._read)

    def refresh(self) -> None:
        """Shows what is new."""
        if self._book.count != self._seen:
            self._read()

    def _read(self) -> None:
        self._seen = self._book.count
        typed = (self._source.value or "").strip()
        pattern = typed if any(one in typed for one in "*?") or not typed else f"*{typed}*"
        levels = [] if self._level.value in (ALL, None) else [str(self._level.value)]
        action = "" if self._action.value in (ALL, None) else str(self._action.value)
        found = self._book.history(source=pattern, levels=levels, action=action, limit=MAX_HISTORY)
        self._table.show(history_html(found))
