"""The page of passes: a timeline of the next ones, what fits into each, what waits, and what is planned."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.dashboard.contact_form import ContactForm
from kittiwake_ground.dashboard.live_html import LiveHtml
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.dashboard.passes_html import outcomes_html, plan_html, rooms_html, timeline_html, waiting_html
from kittiwake_ground.dashboard.plan_form import PlanDialog, PlanForm
from kittiwake_ground.dashboard.record_list import MAX_SHOWN, Action, RecordList
from kittiwake_ground.passes.shown import budget_object, outcome_object, pass_object
from kittiwake_ground.server.commands import CommandRefused
from kittiwake_ground.server.views import plan_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.passes.passes import Passes
    from kittiwake_ground.server.subscription import Update

SPANS = {6 * 3600: "6 h", 86400: "1 day", 3 * 86400: "3 days", 7 * 86400: "7 days"}
FIRST_SPAN_S = 86400
PAST_SHARE = 6
"""The timeline begins a sixth of its span before now."""

REFRESH_TICKS = 4
NEXT_PASSES = 5
MAX_BARS = 300
MAX_OUTCOMES = 30


def build(context: Context) -> None:
    """The page."""
    ui.add_head_html(
        '<link rel="stylesheet" href="/kittiwake/actions.css"><link rel="stylesheet" href="/kittiwake/timeline.css">'
        '<link rel="stylesheet" href="/kittiwake/passes.css">'
    )
    if context.replay is not None:
        with ui.card().classes("kw-card kw-wide"):
            ui.label("What is to come is shown live: leave the past to see it.").classes("kw-nothing")
        return
    PassesPage(context, context.ground.deployment(context.deployment.name).passes)


class PassesPage:
    """The parts of the page, drawn again every other second, and as soon as a plan goes on."""

    def __init__(self, context: Context, passes: Passes) -> None:
        self._context = context
        self._passes = passes
        self._span_s = FIRST_SPAN_S
        self._ticks = 0
        self._dialog = PlanDialog(context, passes)
        self._fault = LiveHtml("kw-wide")
        with ui.card().classes("kw-card kw-wide"):
            with ui.element("div").classes("kw-bar"):
                ui.label("Timeline").classes("kw-heading").props("role=heading aria-level=2")
                ui.space()
                spans = ui.toggle(SPANS, value=self._span_s, on_change=lambda change: self._choose(change.value))
                spans.props("no-caps unelevated dense").classes("kw-toggle kw-spans")
            self._timeline = LiveHtml("kw-wide")
        with ui.element("div").classes("kw-halves"):
            with ui.element("div").classes("kw-stack"):
                with ui.card().classes("kw-card kw-wide"):
                    ui.label("Next passes").classes("kw-heading").props("role=heading aria-level=2")
                    self._rooms = LiveHtml("kw-wide")
                with ui.card().classes("kw-card kw-wide"):
                    ui.label("What waits").classes("kw-heading").props("role=heading aria-level=2")
                    self._waiting = LiveHtml("kw-wide")
            with ui.element("div").classes("kw-stack"):
                with ui.card().classes("kw-card kw-wide"):
                    ui.label("Planned").classes("kw-heading").props("role=heading aria-level=2")
                    if context.may_act:
                        PlanForm(context, passes)
                    else:
                        ui.label(context.unable_text("plans something")).classes("kw-muted")
                    self._plans = RecordList(plan_html, self._actions(), "Nothing is planned.")
                with ui.card().classes("kw-card kw-wide"):
                    ui.label("Contacts").classes("kw-heading").props("role=heading aria-level=2")
                    self._contacts = ContactForm(context, passes)
        with ui.card().classes("kw-card kw-wide"):
            ui.label("What became of passes").classes("kw-heading").props("role=heading aria-level=2")
            self._outcomes = LiveHtml("kw-wide")
        self._refresh()
        context.on_tick(self._tick)

    def _actions(self) -> tuple[Action, ...]:
        def waits(*states: str) -> Callable[[Mapping[str, Any]], bool]:
            return lambda record: self._context.may_act and record["state"] in states

        return (
            Action("edit", "Another time", waits("planned"), lambda record: self._dialog.open(record["id"])),
            Action("close", "Take back", waits("planned", "releasing"), self._cancel),
        )

    def _cancel(self, record: Mapping[str, Any]) -> None:
        try:
            by = self._context.act("plan cancelled", f"#{record['id']} {record['kind']} {record['subject']}")
            self._passes.planner.cancel(record["id"], by)
        except (Refused, CommandRefused, ValueError, LookupError, OSError) as fault:
            complain(fault)
        self._refresh()

    def _choose(self, span_s: int) -> None:
        self._span_s = span_s
        self._refresh()

    def _tick(self, updates: list[Update]) -> None:
        self._ticks += 1
        if self._ticks >= REFRESH_TICKS or any(one.kind == "plans" for one in updates):
            self._ticks = 0
            self._refresh()

    def _refresh(self) -> None:
        passes, planner = self._passes, self._passes.planner
        fault = passes.fault
        self._fault.show(f'<div class="kw-banner" role="alert">{escape(fault)}</div>' if fault else "")
        plans = [plan_object(one, planner.due(one)) for one in planner.plans.values()]
        for one in plans[-MAX_SHOWN:]:
            self._plans.show(one)
        budget = budget_object(passes.budget(NEXT_PASSES))
        outcomes = [outcome_object(one) for one in passes.outcomes(MAX_BARS)]
        now_us = budget["now_us"]
        # The timeline moves on in steps, so that it is not sent anew all the time.
        step_us = self._span_s * 1_000_000 // 500
        start_us = (now_us - self._span_s * 1_000_000 // PAST_SHARE) // step_us * step_us
        end_us = start_us + self._span_s * 1_000_000
        shown = [pass_object(one) for one in passes.coming(MAX_BARS, start_us) if one.found.start_us < end_us]
        past = [one for one in outcomes if one["end_us"] > start_us]
        drawn_us = now_us // step_us * step_us
        self._timeline.show(timeline_html(shown, past, plans, start_us, end_us, drawn_us))
        self._rooms.show(rooms_html(budget))
        self._waiting.show(waiting_html(budget))
        self._contacts.refresh()
        self._outcomes.show(outcomes_html(outcomes[:MAX_OUTCOMES]))
