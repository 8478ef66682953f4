"""The form that plans a command: which, with what, and when."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.client.times import span_s
from kittiwake_ground.dashboard.argument_form import ArgumentForm
from kittiwake_ground.dashboard.argument_view import ArgumentView
from kittiwake_ground.dashboard.armed_button import ArmedButton
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.passes.planned import AFTER, AT, COMMAND, PASS, When
from kittiwake_ground.passes.planner import Owner

if TYPE_CHECKING:
    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.passes.passes import Passes

WAYS = {PASS: "Next pass", AFTER: "In", AT: "At"}
HINTS = {PASS: "so long after its start, as in 30s", AFTER: "90s, 10m, 2h", AT: "2026-11-27 20:15:00, UTC"}
FIRST = {PASS: "0s", AFTER: "10m", AT: ""}


class PlanForm:
    """The form: it asks for a confirmation where the command is hazardous."""

    def __init__(self, context: Context, passes: Passes) -> None:
        self._context = context
        self._passes = passes
        self._form: ArgumentForm | None = None
        self._view: ArgumentView | None = None
        self._button: ArmedButton | None = None
        self._way = PASS
        names = sorted(context.deployment.dictionary.commands)
        choice = ui.select(names, label="Command", with_input=True, on_change=lambda change: self._choose(change.value))
        choice.props('outlined dense options-dense data-field=plan-command aria-label="Command to plan"')
        choice.classes("kw-wide")
        with ui.element("div").classes("kw-bar kw-plan-when"):
            toggle = ui.toggle(WAYS, value=self._way, on_change=lambda change: self._choose_way(change.value))
            toggle.props("no-caps unelevated dense").classes("kw-toggle")
            self._time = ui.input("When", value=FIRST[self._way], on_change=self._changed).classes("kw-grow")
            self._time.props(f'outlined dense data-field=plan-time hint="{HINTS[self._way]}"')
            self._expiry = ui.input("Expires after", placeholder="1h, or the pass").props("outlined dense")
        self._box = ui.column().classes("kw-wide")
        context.on_tick(self._tick)

    def _tick(self, _: object) -> None:
        if self._button is not None:
            self._button.tick()

    def _choose_way(self, way: str) -> None:
        self._way = way
        first = FIRST[way] or f"{datetime.now(UTC):%Y-%m-%d %H:%M:00}"
        self._time.set_value(first)
        self._time.props(f'hint="{HINTS[way]}"')

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
            when = self._when()
        except ValueError as fault:
            complain(fault)
            return
        if self._button.fires(problems):
            self._plan(self._form, when)

    def _when(self) -> When:
        expiry = (self._expiry.value or "").strip()
        expiry_s = span_s(expiry) if expiry else None
        text = (self._time.value or "").strip()
        if self._way != AT:
            return When(self._way, delay_s=span_s(text), expiry_s=expiry_s)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is no date, as in {HINTS[AT]}") from None
        dated = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return When(AT, round(dated.timestamp() * 1e6), expiry_s=expiry_s)

    def _plan(self, form: ArgumentForm, when: When) -> None:
        context, name = self._context, form.command.name
        try:
            arguments = form.arguments()
            by = context.act("plan made", f"{name} {arguments or ''}".strip())
            owner = context.ground.desk.owner_of(context.person)
            detail = {"arguments": arguments}
            what = self._passes.ways.check(COMMAND, name, detail, name in context.deployment.hazardous, by)
            made = self._passes.planner.plan(what, when, by, Owner(owner.name, owner.way), True, None)
        except (Refused, ValueError, LookupError, OSError) as fault:
            complain(fault)
            return
        ui.notify(f"Planned as #{made.id}.", type="positive", position="top")
