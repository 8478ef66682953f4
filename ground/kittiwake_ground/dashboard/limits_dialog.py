"""The limits of a channel, to be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.alarms.levels import LEVELS
from kittiwake_ground.alarms.limits import COLOURS, LimitPlan, limits_text
from kittiwake_ground.dashboard.alarm_actions import carry_out

if TYPE_CHECKING:
    from kittiwake_ground.dashboard.page import Context

NUMBERS = {
    "samples": "Values in a row",
    "hold_s": "For so many seconds",
    "hysteresis": "Hysteresis",
    "stale_s": "Silent for so many seconds (0: never)",
}


class LimitsDialog:
    """A dialog with a field for each limit; it saves only if nobody else has changed them since it was opened."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._name = ""
        self._revision = 0
        self._limits: dict[tuple[str, str], ui.number] = {}
        with ui.dialog() as self._dialog, ui.card().classes("kw-card kw-dialog"):
            ui.label("Limits").classes("kw-title")
            self._title = ui.label().classes("kw-muted kw-anywhere")
            self._by = ui.label().classes("kw-muted")
            with ui.element("div").classes("kw-limit-fields"):
                for side, word in (("low", "below"), ("high", "above")):
                    for colour in COLOURS:
                        field = ui.number(f"{colour.capitalize()} {word}").props("outlined dense clearable")
                        self._limits[side, colour] = field.mark(f"{side}-{colour}")
                self._numbers = {
                    name: ui.number(label, value=0).props("outlined dense") for name, label in NUMBERS.items()
                }
                self._stale = ui.select(list(LEVELS[1:]), label="Silence is").props("outlined dense options-dense")
            with ui.element("div").classes("kw-bar"):
                self._remove = ui.button("The dictionary's", on_click=self._take_back).props("outline no-caps")
                ui.space()
                ui.button("Cancel", on_click=self._dialog.close).props("flat no-caps")
                ui.button("Save", on_click=self._save).props("unelevated no-caps data-action=save")

    def open(self, name: str) -> None:
        """Shows the limits of a channel."""
        plan = self._context.deployment.hub.alarms.plan(name)
        self._name, self._revision = name, plan.revision
        self._title.set_text(name)
        self._by.set_text(f"set by {plan.by}" if plan.by else "as the dictionary has them")
        self._remove.set_visibility(bool(plan.by))
        for (side, colour), field in self._limits.items():
            field.set_value(getattr(getattr(plan, side), colour))
        for name, number in self._numbers.items():
            number.set_value(getattr(plan, name))
        self._stale.set_value(plan.stale_level)
        self._dialog.open()

    def _wanted(self) -> dict[str, Any]:
        given = {key: field.value for key, field in self._limits.items()}
        sides = {
            side: {colour: given[side, colour] for colour in COLOURS if given[side, colour] is not None}
            for side in ("low", "high")
        }
        numbers = {name: field.value or 0 for name, field in self._numbers.items()}
        numbers["samples"] = int(numbers["samples"])
        return {**sides, **numbers, "stale_level": self._stale.value or LimitPlan().stale_level}

    def _save(self) -> None:
        book, name, wanted = self._context.deployment.hub.alarms, self._name, self._wanted()
        detail = f"{name} {wanted}"
        if carry_out(self._context, "limits set", detail, lambda by: book.set_limits(name, wanted, by, self._revision)):
            ui.notify(f"{limits_text(book.plan(name)) or 'No limits'}: saved", type="positive", position="top")
            self._dialog.close()

    def _take_back(self) -> None:
        book, name = self._context.deployment.hub.alarms, self._name
        if carry_out(self._context, "limits removed", name, lambda by: book.remove_limits(name, by, self._revision)):
            self._dialog.close()
