"""The form of the chosen procedure: filled in, armed where it sends hazardous commands, and started."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.dashboard.argument_form import ArgumentForm
from kittiwake_ground.dashboard.argument_view import ArgumentView
from kittiwake_ground.dashboard.armed_button import ArmedButton
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
        self._button: ArmedButton | None = None
        self._box = ui.column().classes("kw-wide kw-panel")
        with self._box:
            ui.label("Choose a procedure.").classes("kw-muted")
        context.on_tick(self._tick)

    def choose(self, procedure: Procedure) -> None:
        """Shows the form of a procedure, or what is wrong with it."""
        self._procedure, self._button = procedure, None
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
                self._view = ArgumentView(self._form.fields, {}, self._changed, self.press)
        else:
            ui.label("No arguments.").classes("kw-muted")
        if self._hazards:
            ui.label(f"Sends hazardous commands: {', '.join(self._hazards)}").classes("kw-warning")
        self._button = ArmedButton("Start", "play_arrow", bool(self._hazards), self.press)

    def _changed(self) -> None:
        if self._button is not None:
            self._button.disarm()

    def _tick(self, updates: list[Any]) -> None:
        if self._button is not None:
            self._button.tick()

    async def press(self) -> None:
        """The button, or Enter: starts, or arms what is hazardous."""
        assert self._form is not None
        assert self._button is not None
        problems = self._form.problems()
        if problems and self._view is not None:
            self._view.complain()
        if self._button.fires(problems):
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
