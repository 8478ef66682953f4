"""The fields of a command's form on the page, each checked while it is filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake.model.types import Text, resolved
from kittiwake_ground.dashboard.argument_form import CHOICE, JSON, SWITCH, Entry, Group

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kittiwake_ground.dashboard.argument_form import Field


class ArgumentView:
    """Shows fields and keeps what is entered in them; `changed` is told of every key, `enter` of the key Enter."""

    def __init__(
        self,
        fields: Sequence[Field],
        suggestions: Mapping[str, list[str]],
        changed: Callable[[], None],
        enter: Callable[[], object],
    ) -> None:
        """`suggestions` are names that a type's values may be written as, by the type's name."""
        self._suggestions = suggestions
        self._changed = changed
        self._enter = enter
        self._inputs: list[ui.input | ui.select | ui.textarea] = []
        for field in fields:
            self._show(field)

    def complain(self) -> None:
        """Shows what is wrong at every field, also at those that nobody has touched."""
        for one in self._inputs:
            one.validate()

    def _show(self, field: Field) -> None:
        if isinstance(field, Group):
            with ui.element("fieldset").classes("kw-group"):
                with ui.element("legend"):
                    ui.label(field.label).classes("kw-mono")
                    ui.label(field.rule).classes("kw-muted")
                if field.annotation:
                    ui.label(field.annotation).classes("kw-muted kw-note")
                with ui.element("div").classes("kw-fields"):
                    for one in field.fields:
                        self._show(one)
            return
        with ui.element("div").classes("kw-field"):
            if field.kind == SWITCH:
                self._switch(field)
            elif field.kind == CHOICE:
                self._choice(field)
            else:
                self._text(field)
            if field.annotation:
                ui.label(field.annotation).classes("kw-muted kw-note")

    def _take(self, field: Entry, value: Any) -> None:
        field.raw = value
        self._changed()

    def _switch(self, field: Entry) -> None:
        made = ui.switch(field.label, value=field.raw, on_change=lambda change: self._take(field, change.value))
        made.props(f'dense data-argument="{field.label}"').classes("kw-mono")

    def _choice(self, field: Entry) -> None:
        made = ui.select(
            list(field.choices), label=field.label, value=field.raw,
            with_input=len(field.choices) > 12, validation=lambda value: self._checked(field, value),
        )  # fmt: skip
        made.props(f'outlined dense options-dense hint="{field.rule}" data-argument="{field.label}"')
        self._inputs.append(made.classes("kw-wide"))

    def _text(self, field: Entry) -> None:
        made: ui.input | ui.textarea
        check = lambda value: self._checked(field, value)  # noqa: E731 - shared by two calls
        if field.kind == JSON:
            made = ui.textarea(field.label, value=field.raw, validation=check)
        else:
            names = self._suggestions.get(field.form.name)
            made = ui.input(field.label, value=field.raw, validation=check, autocomplete=names)
            made.on("keydown.enter", self._enter)
        made.props(f'outlined dense input-class=kw-mono autocomplete=off spellcheck=false hint="{field.rule}"')
        made.props(f'data-argument="{field.label}"')
        base = resolved(field.form)
        if isinstance(base, Text):
            size = base.size

            def count() -> None:
                made.props["hint"] = f"text, {len(str(made.value or '').encode())} of {size} bytes"

            made.on_value_change(count)
        self._inputs.append(made.classes("kw-wide"))

    def _checked(self, field: Entry, value: Any) -> str | None:
        """Takes what was entered, and says what is wrong with it."""
        if value is None and field.kind != CHOICE:
            value = ""
        if field.raw != value:
            self._take(field, value)
        return field.problem() or None
