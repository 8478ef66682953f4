"""Runs of sequences, watched step by step."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.dashboard.life_html import bar_html, breakable, chip, clock_text, span_text
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.dashboard.record_list import Action, RecordList
from kittiwake_ground.dashboard.run_steps import CURRENT, DONE, STEP_FAILED, step_states

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.sequences import SequenceRun
    from kittiwake_ground.server.subscription import Update

MAX_RUNS = 20
MAX_STEPS = 300
_SIGNS = {DONE: "&#10003;", STEP_FAILED: "&#10007;", CURRENT: "&#9654;"}


def run_html(run: SequenceRun) -> str:
    """A run: its state, how far it is, and every step of it where the file is known here."""
    ended = f", {span_text(run.ended_us - run.started_us).removeprefix('+')}" if run.ended_us else ""
    told = f"{run.step} of {run.total} steps answered" if run.total else f"{run.step} steps answered"
    share = run.step / run.total if run.total else float(run.state == "completed")
    reason = f'<div class="kw-bad kw-reason">{escape(run.reason)}</div>' if run.reason else ""
    rows = "".join(
        f'<li class="kw-run-{state.replace(" ", "-")}"><span class="kw-sign">{_SIGNS.get(state, "&#183;")}</span>'
        f'<span class="kw-mono">{escape(step.time)}</span>'
        f'<span class="kw-mono kw-what">{breakable(step.command)}</span>'
        f"<i>{state}</i></li>"
        for step, state in zip(run.steps[:MAX_STEPS], step_states(run), strict=False)
    )
    unknown = "" if run.total else '<div class="kw-muted">Its steps are not known: it was not uploaded from here.</div>'
    more = f'<div class="kw-muted">and {run.total - MAX_STEPS} more steps</div>' if run.total > MAX_STEPS else ""
    return (
        f'<div class="kw-row-head"><span class="kw-call"><b class="kw-mono">{escape(run.remote)}</b> '
        f'<span class="kw-instance">on {breakable(run.sequencer)}</span></span>'
        f'<span class="kw-by">by {escape(run.by)}, {clock_text(run.started_us)[:8]}</span></div>'
        f'<div class="kw-steps" data-run="{run.state}">{chip(run.state)}{bar_html(share, run.state)}'
        f'<i class="kw-amount">{told}{ended}</i></div>{reason}<ol class="kw-run-steps">{rows}</ol>{more}{unknown}'
    )


class SequenceRuns:
    """The runs of a deployment, the newest first."""

    def __init__(self, context: Context) -> None:
        self._context = context
        stop = Action("stop", "Stop", lambda record: not record["run"].is_final, self._stop)
        self._list = RecordList(
            lambda record: run_html(record["run"]), (stop,) if context.may_act else (), "No sequence has run yet."
        )
        for run in list(context.deployment.sequences.runs.values())[-MAX_RUNS:]:
            self.show(run)
        context.on_tick(self._tick)

    def show(self, run: SequenceRun) -> None:
        """Shows a run as it stands."""
        self._list.show({"id": run.id, "run": run})

    def _tick(self, updates: list[Update]) -> None:
        for run in {one.subject.id: one.subject for one in updates if one.kind == "sequences"}.values():
            self.show(run)

    def _stop(self, record: Mapping[str, Any]) -> None:
        run: SequenceRun = record["run"]
        try:
            by = self._context.act("sequence stopped", f"{run.remote} #{run.id}")
            self._context.deployment.sequences.stop(run.id, by)
        except (Refused, ValueError, LookupError) as fault:
            complain(fault)
            return
        ui.notify("Asked the sequencer to stop.", position="top")
