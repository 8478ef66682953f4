"""A list of records, the newest first, each redrawn only when what it shows has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from nicegui import ui

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Record = Mapping[str, Any]

MAX_SHOWN = 60


class Action(NamedTuple):
    """A button of a row. It is there while `fits` says so of the record."""

    icon: str
    title: str
    fits: Callable[[Record], bool]
    do: Callable[[Record], object]


class _Row:
    def __init__(self, record: Record, actions: tuple[Action, ...]) -> None:
        self.record = record
        self.element = ui.element("div").classes("kw-row").props(f"data-record={record['id']}")
        with self.element:
            self.content = ui.html("", sanitize=False).classes("kw-row-body")
            with ui.element("div").classes("kw-row-actions"):
                self.buttons = [self._button(action) for action in actions]

    def _button(self, action: Action) -> tuple[Action, ui.button]:
        made = ui.button(icon=action.icon, on_click=lambda: action.do(self.record))
        made.props(f'flat round dense size=sm aria-label="{action.title}"').tooltip(action.title)
        return action, made

    def show(self, record: Record, html: str) -> None:
        self.record = record
        if self.content.content != html:
            self.content.set_content(html)
        for action, button in self.buttons:
            button.set_visibility(action.fits(record))


class RecordList:
    """Rows for plain objects with an `id`, drawn by `draw`; the oldest of more than `MAX_SHOWN` go."""

    def __init__(self, draw: Callable[[Record], str], actions: tuple[Action, ...], empty: str) -> None:
        self._draw = draw
        self._actions = actions
        self._rows: dict[int, _Row] = {}
        self._box = ui.element("div").classes("kw-rows")
        with self._box:
            self._empty = ui.label(empty).classes("kw-muted kw-empty")

    def show(self, record: Record) -> None:
        """Shows a record: in its row, or in a new one among those of newer and older records."""
        row = self._rows.get(record["id"])
        if row is None:
            self._empty.set_visibility(False)
            with self._box:
                row = _Row(record, self._actions)
            row.element.move(target_index=sum(id > record["id"] for id in self._rows))
            self._rows[record["id"]] = row
            if len(self._rows) > MAX_SHOWN:
                self._rows.pop(min(self._rows)).element.delete()
        row.show(record, self._draw(record))
