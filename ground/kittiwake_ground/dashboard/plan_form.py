"""The form that plans a command: which, with what, and when; and the dialog that gives a plan another time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.argument_form import ArgumentForm
from kittiwake_ground.dashboard.argument_view import ArgumentView
from kittiwake_ground.dashboard.armed_button import ArmedButton
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.dashboard.when_fields import WhenFields
from kittiwake_ground.passes.planned import COMMAND
from kittiwake_ground.passes.planner import Owner

if TYPE_CHECKING:
    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.passes.passes import Passes
    from kittiwake_ground.passes.planned import Planned, When


class PlanForm:
    """The form: it asks for a confirmation where the command is hazardous."""

    def __init__(self, context: Context, passes: Passes) -> None:
        self._context = context
        self._passes = passes
        self._form: ArgumentForm | None = None
        self._view: ArgumentView | None = None
        self._button: ArmedButton | None = None
        names = sorted(context.deployment.dictionary.commands)
        choice = ui.select(names, label="Command", with_input=True, on_change=lambda change: self._choose(change.value))
        choice.props('outlined dense options-dense data-field=plan-command aria-label="Command to plan"')
        choice.classes("kw-wide")
        self._when = WhenFields(self._changed)
        self._box = ui.column().classes("kw-wide")
        context.on_tick(self._tick)

    def _tick(self, _: object) -> None:
        if self._button is not None:
            self._button.tick()

    def _choose(self, name: str | None) -> None:
        self._box.clear()
        self._button = self._view = self._form = None
        if not name:
            return
        deployment = self._context.deployment
        dictionary = deployment.dictionary
        self._form = ArgumentForm(dictionary.command(name), dictionary.find_id)
        with self._box:
            if self._form.fields:
                with ui.element("div").classes("kw-fields kw-wide"):
                    self._view = ArgumentView(self._form.fields, {}, self._changed, self._press)
            self._button = ArmedButton("Plan", "schedule_send", name in deployment.hazardous, self._press)

    def _changed(self) -> None:
        if self._button is not None:
            self._button.disarm()

    def _press(self) -> None:
        assert self._form is not None
        assert self._button is not None
        problems = self._form.problems()
        if problems and self._view is not None:
            self._view.complain()
        try:
            when = self._when.when()
        except ValueError as fault:
            complain(fault)
            return
        if self._button.fires(problems):
            self._plan(self._form, when)

    def _plan(self, form: ArgumentForm, when: When) -> None:
        context, name = self._context, form.command.name
        try:
            arguments = form.arguments()
            by = context.act("plan made", f"{name} {arguments or ''}".strip())
            detail = {"arguments": arguments}
            what = self._passes.ways.check(COMMAND, name, detail, name in context.deployment.hazardous, by)
            made = self._passes.planner.plan(what, when, by, owner_here(context), True, None)
        except (Refused, ValueError, LookupError, OSError) as fault:
            complain(fault)
            return
        ui.notify(f"Planned as #{made.id}.", type="positive", position="top")


class PlanDialog:
    """A dialog with another time for a plan that waits; it saves only what nobody has changed since it was opened."""

    def __init__(self, context: Context, passes: Passes) -> None:
        self._context = context
        self._passes = passes
        self._plan: Planned | None = None
        with ui.dialog() as self._dialog, ui.card().classes("kw-card kw-dialog"):
            ui.label("Another time").classes("kw-title")
            self._title = ui.label().classes("kw-muted kw-anywhere")
            self._when = WhenFields()
            with ui.element("div").classes("kw-bar"):
                ui.space()
                ui.button("Cancel", on_click=self._dialog.close).props("flat no-caps")
                ui.button("Save", on_click=self._save).props("unelevated no-caps data-action=save-plan")

    def open(self, id: int) -> None:
        """Shows the time of a plan."""
        self._plan = plan = self._passes.planner.find(id)
        self._title.set_text(f"#{id} {plan.what.subject}")
        self._when.fill(plan.when)
        self._dialog.open()

    def _save(self) -> None:
        plan = self._plan
        assert plan is not None
        what = plan.what
        try:
            when = self._when.when()
            by = self._context.act("plan changed", f"#{plan.id} {what.kind} {what.subject}")
            self._passes.planner.edit(
                plan.id, what, when, by, owner_here(self._context), plan.confirmed, plan.revision
            )  # fmt: skip
        except (Refused, ValueError, LookupError, OSError) as fault:
            complain(fault)
            return
        self._dialog.close()


def owner_here(context: Context) -> Owner:
    """Whose role counts for what is planned on the page."""
    person = context.ground.desk.owner_of(context.person)
    return Owner(person.name, person.way)
