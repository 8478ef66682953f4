"""The form of the chosen procedure: filled in, armed where it sends hazardous commands, and started."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.dashboard.argument_form import ArgumentForm
from kittiwake_ground.dashboard.argument_view import ArgumentView
from kittiwake_ground.dashboard.command_panel import ARMED_S
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.procedures.procedures import TooManyRuns

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.procedures.run import Run
    from kittiwake_ground.procedures.shelf import Procedure


class ProcedurePanel:
    """Shows one procedure at a time; `started` is told of a run that it has begun."""

    started: Callable[[Run], None]

    def __init__(self, context: Context) -> None:
        self._context = context
        self._procedure: Procedure | None = None
        self._form: ArgumentForm | None = None
        self._view: ArgumentView | None = None
        self._hazards: list[str] = []
        self._armed_until = 0.0
        self._box = ui.column().classes("kw-wide kw-panel")
        with self._box:
            ui.label("Choose a procedure.").classes("kw-muted")
        context.on_tick(self._tick)

    def choose(self, procedure: Procedure) -> None:
        """Shows the form of a procedure, or what is wrong with it."""
        self._procedure, self._armed_until = procedure, 0.0
        self._hazards = procedure.hazards(self._context.deployment.hazardous)
        self._form = self._view = None
        self._box.clear()
        with self._box:
            summary, _, more = procedure.doc.partition("\n\n")
            ui.html(
                f'<div class="kw-command-name">{escape(procedure.name)}</div><div>{escape(summary)}</div>'
                f'<div class="kw-muted kw-doc">{escape(more)}</div>',
                sanitize=False,
            )
            if procedure.fault:
                ui.label(procedure.fault).classes("kw-bad kw-mono")
            elif not self._context.may_act:
                ui.label(self._context.unable_text("starts procedures")).classes("kw-muted")
            else:
                self._show_form(procedure)

    def _show_form(self, procedure: Procedure) -> None:
        assert procedure.command is not None
        given = {one["name"]: one["default"] for one in procedure.arguments if not one["required"]}
        self._form = ArgumentForm(procedure.command, lambda name, type_name: None, given)
        if self._form.fields:
            with ui.element("div").classes("kw-fields kw-wide"):
                self._view = ArgumentView(self._form.fields, {}, self._disarm, self.press)
        else:
            ui.label("No arguments.").classes("kw-muted")
        if self._hazards:
            ui.label(f"Sends hazardous commands: {', '.join(self._hazards)}").classes("kw-warning")
        with ui.row().classes("kw-bar"):
            self._button = ui.button("Start", icon="play_arrow", on_click=self.press)
            self._button.props("unelevated no-caps data-action=start")
            self._note = ui.label().classes("kw-muted").props("aria-live=polite")
        self._show_arming()

    @property
    def _is_armed(self) -> bool:
        return time.monotonic() < self._armed_until

    def _show_arming(self) -> None:
        armed = self._is_armed
        self._button.set_text("Start now" if armed else "Arm" if self._hazards else "Start")
        self._button.props(f"color={'negative' if armed else 'warning' if self._hazards else 'primary'}")
        self._note.classes(replace="kw-muted")
        left_s = self._armed_until - time.monotonic()
        self._note.set_text(f"armed, for {left_s:.0f} s more" if armed else "armed first" if self._hazards else "")

    def _disarm(self) -> None:
        """What is armed is what is on the form."""
        if self._armed_until:
            self._armed_until = 0.0
            self._show_arming()

    def _tick(self, updates: list[Any]) -> None:
        if self._armed_until:
            if not self._is_armed:
                self._armed_until = 0.0
            self._show_arming()

    async def press(self) -> None:
        """The button, or Enter: starts, or arms what is hazardous."""
        assert self._form is not None
        problems = self._form.problems()
        if problems:
            if self._view is not None:
                self._view.complain()
            self._note.set_text("; ".join(f"{path}: {what}" for path, what in problems[:3]))
            self._note.classes(replace="kw-bad")
            return
        if self._hazards and not self._is_armed:
            self._armed_until = time.monotonic() + ARMED_S
            self._show_arming()
            return
        self._armed_until = 0.0
        self._show_arming()
        await self._start(self._form.arguments())

    async def _start(self, arguments: dict[str, Any]) -> None:
        context, procedure = self._context, self._procedure
        assert procedure is not None
        try:
            context.act("procedure started", f"{procedure.name} {arguments or ''}".strip())
            deployment = context.ground.deployment(context.deployment.name)
            run = await context.ground.procedures.begin(
                procedure.name, deployment, arguments, context.person, bool(self._hazards)
            )
        except (Refused, ValueError, LookupError, TooManyRuns) as fault:
            complain(fault)
            return
        self.started(run)
