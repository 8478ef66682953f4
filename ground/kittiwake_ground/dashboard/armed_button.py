"""The button of a form: it acts, or where something hazardous is meant it is armed first and then acts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nicegui import ui

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

ARMED_S = 15.0
"""How long it stays armed."""

DONE = {"Send": "sent", "Start": "started", "Plan": "planned"}
"""What is done by the buttons that there are."""


class ArmedButton:
    """A button called `word`, as in Send. Whoever is told that it was pressed asks `fires` whether to act."""

    def __init__(self, word: str, icon: str, hazardous: bool, pressed: Callable[[], Awaitable[None] | None]) -> None:
        self._word = word
        self._icon = icon
        self._hazardous = hazardous
        self._armed_until = 0.0
        with ui.row().classes("kw-bar"):
            self._button = ui.button(word, icon=icon, on_click=pressed)
            self._button.props(f"unelevated no-caps data-action={word.lower()}")
            self._back = ui.button("Disarm", on_click=self.disarm).props("outline no-caps")
            self._note = ui.label().classes("kw-muted").props("aria-live=polite")
        self._show()

    def fires(self, problems: Sequence[tuple[str, str]]) -> bool:
        """Whether a press acts now: not with problems, which it shows, and not where it only arms."""
        if problems:
            self._note.set_text("; ".join(f"{path}: {what}" for path, what in problems[:3]))
            self._note.classes(replace="kw-bad")
            return False
        acts = not self._hazardous or self._is_armed
        self._armed_until = 0.0 if acts else time.monotonic() + ARMED_S
        self._show()
        if not acts:
            ui.run_javascript(f"getElement({self._button.id}).$el.focus()")
        return acts

    def disarm(self) -> None:
        """What is armed is what is on the form: another value needs arming again."""
        if self._armed_until:
            self._armed_until = 0.0
            self._show()

    def tick(self) -> None:
        """Shows how long it is still armed."""
        if self._armed_until:
            if not self._is_armed:
                self._armed_until = 0.0
            self._show()

    @property
    def _is_armed(self) -> bool:
        return time.monotonic() < self._armed_until

    def _show(self) -> None:
        armed, hazardous = self._is_armed, self._hazardous
        self._button.set_text(f"{self._word} now" if armed else "Arm" if hazardous else self._word)
        self._button.props(f"color={'negative' if armed else 'warning' if hazardous else 'primary'}")
        self._button.props(f"icon={'lock_open' if hazardous and not armed else self._icon}")
        self._back.set_visibility(armed)
        self._note.classes(replace="kw-muted")
        left_s = self._armed_until - time.monotonic()
        first = f"armed first, then {DONE[self._word]}" if hazardous else ""
        self._note.set_text(f"armed, for {left_s:.0f} s more" if armed else first)
