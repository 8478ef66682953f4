"""The form that plans a command, a sequence or a file, and when; and the dialog that gives a plan another time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.armed_button import ArmedButton
from kittiwake_ground.dashboard.confirmation import confirmed as asked
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.dashboard.plan_fields import FIELDS, CommandFields, FileFields, SequenceFields
from kittiwake_ground.dashboard.when_fields import WhenFields
from kittiwake_ground.passes.leaving import NotConfirmed
from kittiwake_ground.passes.planned import COMMAND, SEQUENCE, UPLOAD
from kittiwake_ground.passes.planner import Owner
from kittiwake_ground.server.confirming import hazards_text

if TYPE_CHECKING:
    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.dashboard.plan_fields import PlanFields
    from kittiwake_ground.passes.passes import Passes
    from kittiwake_ground.passes.planned import Planned, What, When

KINDS = {COMMAND: "Command", SEQUENCE: "Sequence", UPLOAD: "File"}


class PlanForm:
    """The form. A hazardous command is armed first; for those in a sequence it asks whether they are meant."""

    def __init__(self, context: Context, passes: Passes) -> None:
        self._context = context
        self._passes = passes
        self._button: ArmedButton | None = None
        kinds = ui.toggle(KINDS, value=COMMAND, on_change=lambda change: self._choose(change.value))
        kinds.props("no-caps unelevated dense").classes("kw-toggle kw-plan-kinds")
        self._box = ui.column().classes("kw-wide")
        self._when = WhenFields(self._changed)
        self._button_box = ui.element("div").classes("kw-wide")
        self._fields: CommandFields | SequenceFields | FileFields
        self._choose(COMMAND)
        context.on_tick(self._tick)

    def _tick(self, _: object) -> None:
        if self._button is not None:
            self._button.tick()

    def _choose(self, kind: str) -> None:
        self._box.clear()
        self._button_box.clear()
        self._button = None
        with self._box:
            self._fields = FIELDS[kind](self._context, self._offer, self._changed, self._press)

    def _offer(self, hazardous: bool) -> None:
        """There is something to plan."""
        self._button_box.clear()
        with self._button_box:
            self._button = ArmedButton("Plan", "schedule_send", hazardous, self._press)

    def _changed(self) -> None:
        if self._button is not None:
            self._button.disarm()

    async def _press(self) -> None:
        """The button, or Enter."""
        fields, button = self._fields, self._button
        if button is None:
            return
        try:
            when = self._when.when()
        except ValueError as fault:
            complain(fault)
            return
        if button.fires(fields.problems()):
            await self._plan(fields, when)

    async def _plan(self, fields: PlanFields, when: When) -> None:
        context = self._context
        try:
            content = fields.content
            confirmed, what = await self._checked(fields)
            if what is None:
                return
            arguments = what.detail.get("arguments") or ""
            by = context.act("plan made", f"{what.kind} {what.subject} {arguments}".strip())
            made = self._passes.planner.plan(what, when, by, owner_here(context), confirmed, content)
        except (Refused, ValueError, LookupError, OSError) as fault:
            complain(fault)
            return
        if isinstance(fields, FileFields):
            fields.clear()
        ui.notify(f"Planned as #{made.id}.", type="positive", position="top")

    async def _checked(self, fields: PlanFields) -> tuple[bool, What | None]:
        """What is planned, held against the dictionary, and whether somebody has confirmed that it is meant.

        Nothing where it is not. An armed button has confirmed a command; what is in a sequence is asked for.
        """
        kind, subject, detail, size = fields.kind, fields.subject, fields.detail, len(fields.content or b"")
        check, by = self._passes.ways.check, self._context.person.name
        confirmed = kind == COMMAND and subject in self._context.deployment.hazardous
        try:
            return confirmed, check(kind, subject, detail, confirmed, by, size)
        except NotConfirmed as fault:
            said = hazards_text(subject, fault.hazards)
            if not await asked(said, "Are they meant?", "Cancel", "Plan it"):
                return False, None
        return True, check(kind, subject, detail, True, by, size)


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
