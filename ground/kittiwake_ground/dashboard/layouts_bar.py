"""Saved chart layouts on the page of charts: chosen, saved and removed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.page import Context, Refused, complain
from kittiwake_ground.server.layouts import SHARED, Layout, LayoutChanged

if TYPE_CHECKING:
    from collections.abc import Callable


def layout_address(context: Context, layout: Layout) -> str:
    """The address of the charts as a layout has them."""
    query = {"channels": ",".join(layout.channels), "span": str(layout.span_s), "layout": layout.name}
    if not layout.live:
        query["live"] = "0"
    if not layout.stacked:
        query["stacked"] = "0"
    if layout.over_s:
        query["over"] = str(layout.over_s)
    return context.place("charts", **query)


def build_layouts(context: Context, state: Callable[[], Layout]) -> None:
    """The choice of a layout, and the dialog that saves what `state` says is shown."""
    LayoutsBar(context, state).build()


class LayoutsBar:
    """The layouts that whoever looks may see."""

    def __init__(self, context: Context, state: Callable[[], Layout]) -> None:
        self._context = context
        self._state = state
        self._known: list[Layout] = []
        """The layouts as this page has them: whoever saves over one saves over what they saw."""

    def _seen(self) -> list[Layout]:
        return self._context.ground.layouts.seen_by(self._context.person.name, self._context.deployment.name)

    def build(self) -> None:
        """The button with the list below it, and the one that saves."""
        with ui.element("div").classes("kw-bar"):
            with ui.button("Layouts", icon="bookmarks").props("outline no-caps dense padding='4px 12px'"), ui.menu():
                self._list = ui.element("div").classes("kw-layouts")
                self._fill()
            save = ui.button("Save layout", icon="bookmark_add", on_click=self._open)
            save.props("outline no-caps dense padding='4px 12px' data-action=save-layout")
        with ui.dialog() as self._dialog, ui.card().classes("kw-card kw-dialog"):
            ui.label("Save this layout").classes("kw-title")
            self._name = ui.input("Name").props("outlined dense maxlength=80 data-field=layout").classes("kw-wide")
            self._name.on("keydown.enter", self._save)
            self._shared = ui.switch("For all, not only for me", value=False)
            self._shared.set_visibility(self._context.may_act)
            with ui.element("div").classes("kw-bar"):
                ui.button("Save", on_click=self._save).props("unelevated no-caps data-action=keep-layout")
                ui.space()
                ui.button("Close", on_click=self._dialog.close).props("flat no-caps")

    def _fill(self) -> None:
        self._list.clear()
        with self._list:
            found = self._known = self._seen()
            if not found:
                ui.label("No layout is saved yet.").classes("kw-muted kw-layout")
            for layout in found:
                with ui.element("div").classes("kw-layout"):
                    ui.link(layout.name, layout_address(self._context, layout)).classes("kw-layout-name")
                    ui.label("for all" if layout.owner == SHARED else "mine").classes("kw-muted")
                    if layout.owner != SHARED or self._context.may_act:
                        remove = ui.button(icon="delete", on_click=lambda _, layout=layout: self._remove(layout))
                        remove.props('flat round dense size=sm aria-label="Remove the layout"')

    def _open(self) -> None:
        self._name.set_value(self._context.asked("layout"))
        self._dialog.open()

    def _save(self) -> None:
        """Saves over the layout of that name as this page has seen it, or as a new one."""
        person = self._context.person.name
        owner = SHARED if self._shared.value and self._context.may_act else person
        name = str(self._name.value or "").strip()
        there = next((one for one in self._known if (one.name, one.owner) == (name, owner)), None)
        try:
            if owner == SHARED:
                self._context.act("layout saved", name)
            made = replace(self._state(), name=name, owner=owner)
            self._context.ground.layouts.save(made, 0 if there is None else there.version)
        except (Refused, LayoutChanged, ValueError, OSError) as fault:
            complain(fault)
            self._fill()
            return
        self._dialog.close()
        self._fill()
        ui.notify(f"{name} is saved", type="positive", position="top")

    def _remove(self, layout: Layout) -> None:
        try:
            if layout.owner == SHARED:
                self._context.act("layout removed", layout.name)
            self._context.ground.layouts.remove(*layout.key, layout.version)
        except (Refused, LayoutChanged, LookupError, OSError) as fault:
            complain(fault)
        self._fill()
