"""The channels that the ground derives from others: listed, made, changed and removed."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.alarms.expression import MAX_TEXT
from kittiwake_ground.dashboard.alarm_actions import carry_out
from kittiwake_ground.dashboard.alarm_rows import icon_button
from kittiwake_ground.dashboard.live_html import LiveHtml
from kittiwake_ground.dashboard.readings import with_unit

if TYPE_CHECKING:
    from kittiwake_ground.alarms.derived import DerivedChannel, DerivedChannels
    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.hub import Hub


class DerivedCard:
    """The list, and a dialog for one of them."""

    def __init__(self, context: Context, derived: DerivedChannels) -> None:
        self._context = context
        self._derived = derived
        self._revision: int | None = None
        self._rows: dict[str, LiveHtml] = {}
        self._built: list[str] | None = None
        with ui.card().classes("kw-card kw-wide"):
            with ui.element("div").classes("kw-bar"):
                ui.label("Derived channels").classes("kw-heading").props("role=heading aria-level=2")
                ui.space()
                if context.may_act:
                    add = ui.button("Derive a channel", icon="functions", on_click=lambda: self._open(None))
                    add.props("outline no-caps dense padding='6px 12px'")
            self._box = ui.element("div").classes("kw-wide kw-alarms")
        self._build_dialog()

    def _build_dialog(self) -> None:
        with ui.dialog() as self._dialog, ui.card().classes("kw-card kw-dialog"):
            ui.label("Derived channel").classes("kw-title")
            self._name = ui.input("Name", placeholder="Ground.power.Total").props("outlined dense").classes("kw-wide")
            self._expression = ui.textarea("Expression", placeholder="Ref.power.Volts * Ref.power.Amps")
            self._expression.props(f"outlined dense autogrow maxlength={MAX_TEXT}").classes("kw-wide kw-mono")
            self._unit = ui.input("Unit").props("outlined dense").classes("kw-wide")
            ui.label(
                "Numbers, channels, + - * / // % **, comparisons, and, or, not, A if B else C, functions."
            ).classes("kw-muted")
            with ui.element("div").classes("kw-bar kw-end"):
                ui.button("Cancel", on_click=self._dialog.close).props("flat no-caps")
                ui.button("Save", on_click=self._save).props("unelevated no-caps data-action=derive")

    def _open(self, one: DerivedChannel | None) -> None:
        self._revision = 0 if one is None else one.revision
        self._name.set_value("" if one is None else one.name)
        self._name.set_enabled(one is None)
        self._expression.set_value("" if one is None else one.expression)
        self._unit.set_value("" if one is None else one.unit)
        self._dialog.open()

    def _save(self) -> None:
        name, text, unit = (self._name.value or "").strip(), self._expression.value or "", self._unit.value or ""
        if carry_out(
            self._context, "channel derived", f"{name} = {text}",
            lambda by: self._derived.derive(name, text, unit, "", by, self._revision),
        ):  # fmt: skip
            self._dialog.close()
            self.refresh()

    def _remove(self, one: DerivedChannel) -> None:
        carry_out(
            self._context, "channel derived no more", one.name, lambda _: self._derived.remove(one.name, one.revision)
        )
        self.refresh()

    def refresh(self) -> None:
        """Shows what is new."""
        names = list(self._derived.channels)
        if names != self._built:
            self._built = names
            self._build(names)
        hub = self._context.deployment.hub
        for name, row in self._rows.items():
            row.show(derived_html(self._derived.channels[name], hub))

    def _build(self, names: list[str]) -> None:
        self._box.clear()
        self._rows = {}
        with self._box:
            if not names:
                LiveHtml().show('<p class="kw-nothing">None: a channel can be computed from others.</p>')
            for name in names:
                with ui.element("div").classes("kw-alarm"):
                    self._rows[name] = LiveHtml("kw-alarm-text")
                    if self._context.may_act:
                        self._buttons(name)

    def _buttons(self, name: str) -> None:
        with ui.element("div").classes("kw-alarm-actions"):
            icon_button("edit", "Change", lambda: self._open(self._derived.channels[name]))
            icon_button("delete", "Remove", lambda: self._remove(self._derived.channels[name]))


def derived_html(one: DerivedChannel, hub: Hub) -> str:
    """A derived channel with its value, or why it has none."""
    sample = hub.latest.get(one.name)
    value = "no value yet" if sample is None else with_unit(sample, hub)
    shown = f'<span class="kw-bad">{escape(one.fault)}</span>' if one.fault else f"<b>{escape(value)}</b>"
    return (
        f'<span><b>{escape(one.name)}</b> = <span class="kw-mono">{escape(one.expression)}</span><br>{shown}'
        f'<span class="kw-muted"> by {escape(one.by)}</span></span>'
    )
