"""The page of procedures: choose one, fill its form in, start it, watch its log, stop it, and look at past runs."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import background_tasks, ui

from kittiwake_ground.dashboard.live_html import LiveHtml
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.dashboard.procedure_html import entries_html, pick_html, run_html
from kittiwake_ground.dashboard.procedure_panel import ProcedurePanel
from kittiwake_ground.dashboard.record_list import MAX_SHOWN, Action, RecordList
from kittiwake_ground.procedures.reading import read_log
from kittiwake_ground.procedures.shelf import NoProcedures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.procedures.run import Run
    from kittiwake_ground.procedures.shelf import Procedure

MAX_ENTRIES = 300
"""The most entries of a log that are shown: the last ones."""

RELIST_TICKS = 20
"""Ticks between two looks at the folder."""

PICK = (
    "(event) => { const found = event.target.closest('[data-procedure]'); if (found) emit(found.dataset.procedure); }"
)


def build(context: Context) -> None:
    """The page."""
    ui.add_head_html(
        '<link rel="stylesheet" href="/kittiwake/actions.css"><link rel="stylesheet" href="/kittiwake/procedures.css">'
    )
    with ui.element("div").classes("kw-sides"):
        with ui.card().classes("kw-card kw-side kw-narrow-side"):
            ui.label("Procedures").classes("kw-heading")
            picks = ui.html("", sanitize=False).classes("kw-wide kw-picks")
        with ui.card().classes("kw-card kw-main"):
            panel = ProcedurePanel(context)
    with ui.element("div").classes("kw-halves kw-procedure-halves"):
        with ui.card().classes("kw-card"):
            ui.label("Runs").classes("kw-heading")
            runs_box = ui.element("div").classes("kw-wide")
        with ui.card().classes("kw-card"):
            log = _Log()
    with runs_box:
        panel.started = _Runs(context, log).choose
    _Picker(context, picks, panel)


class _Picker:
    """The list of procedures; the folder is looked at again now and then."""

    def __init__(self, context: Context, shown: ui.html, panel: ProcedurePanel) -> None:
        self._context = context
        self._shown = shown
        self._panel = panel
        self._chosen = context.asked("name")
        self._procedures: dict[str, Procedure] = {}
        self._content = ""
        self._ticks = 0
        shown.on("click", lambda event: self._choose(str(event.args)), js_handler=PICK)
        self._show('<div class="kw-muted kw-empty">Looking at the folder...</div>')
        background_tasks.create(self._list())
        context.on_tick(self._tick)

    async def _tick(self, updates: list[Any]) -> None:
        self._ticks += 1
        if self._ticks % RELIST_TICKS == 0:
            await self._list()

    async def _list(self) -> None:
        try:
            found = await self._context.ground.procedures.shelf.all()
        except NoProcedures as fault:
            self._show(f'<div class="kw-muted kw-empty">{escape(str(fault))}</div>')
            return
        before, self._procedures = self._procedures, {one.name: one for one in found}
        self._draw()
        chosen = self._procedures.get(self._chosen)
        if chosen is not None and chosen != before.get(self._chosen):
            self._panel.choose(chosen)

    def _draw(self) -> None:
        hazardous = self._context.deployment.hazardous
        rows = [
            pick_html(one, one.name == self._chosen, bool(one.hazards(hazardous))) for one in self._procedures.values()
        ]
        self._show("".join(rows) or '<div class="kw-muted kw-empty">The folder has none yet.</div>')

    def _show(self, content: str) -> None:
        if content != self._content:
            self._content = content
            self._shown.set_content(content)

    def _choose(self, name: str) -> None:
        if name in self._procedures:
            self._chosen = name
            self._draw()
            self._panel.choose(self._procedures[name])


class _Runs:
    """The runs on the deployment, the newest first, one of them with its log."""

    def __init__(self, context: Context, log: _Log) -> None:
        self._context = context
        self._log = log
        actions = (
            Action("article", "Show its log", lambda record: True, lambda record: log.show(record["run"])),
            Action("stop", "Stop", lambda record: context.may_act and not record["run"].is_final, self._stop),
        )
        self._list = RecordList(lambda record: run_html(record["run"]), actions, "No procedure has run yet.")
        self._refresh()
        if log.run is None and (found := self._runs()):
            log.show(found[-1])
        context.on_tick(self._tick)

    def choose(self, run: Run) -> None:
        """Shows a run that was just started, and its log."""
        self._refresh()
        self._log.show(run)

    def _runs(self) -> list[Run]:
        name = self._context.deployment.name
        return [one for one in self._context.ground.procedures.runs.values() if one.deployment == name][-MAX_SHOWN:]

    def _refresh(self) -> None:
        for run in self._runs():
            self._list.show({"id": run.id, "run": run})

    def _tick(self, updates: list[Any]) -> None:
        self._refresh()
        self._log.refresh()

    def _stop(self, record: Mapping[str, Any]) -> None:
        run: Run = record["run"]
        try:
            by = self._context.act("procedure stopped", f"{run.procedure} #{run.id}")
            self._context.ground.procedures.cancel(run.id, by)
        except (Refused, ValueError, LookupError) as fault:
            complain(fault)
            return
        ui.notify("Asked it to end.", position="top")


class _Log:
    """The log of one run, as it is written."""

    def __init__(self) -> None:
        self.run: Run | None = None
        self._entries: list[dict[str, Any]] = []
        self._left_out = 0
        self._next = 0
        self._title = ui.label("Log").classes("kw-heading")
        self._shown = LiveHtml("kw-wide kw-log")
        self._shown.show('<div class="kw-muted">Start a procedure, or choose a run.</div>')

    def show(self, run: Run) -> None:
        """Shows a run's log from now on."""
        self.run, self._entries, self._next, self._left_out = run, [], 0, 0
        self._title.set_text(f"Log of {run.procedure} #{run.id}")
        self._shown.show('<div class="kw-muted">Nothing yet.</div>')
        self.refresh()

    def refresh(self) -> None:
        """Shows what has been written since."""
        if self.run is None:
            return
        try:
            piece = read_log(self.run.log_path, self._next)
        except OSError as fault:
            self._shown.show(f'<div class="kw-bad">{escape(str(fault))}</div>')
            return
        if not piece.entries:
            return
        self._next = piece.next
        entries = [*self._entries, *piece.entries]
        self._left_out += max(0, len(entries) - MAX_ENTRIES)
        self._entries = entries[-MAX_ENTRIES:]
        before = f'<div class="kw-muted">{self._left_out} entries before these</div>' if self._left_out else ""
        # The page keeps the end of it in sight, for its rows are in one element of a reversed column.
        self._shown.show(f"<div>{before}{entries_html(self._entries)}</div>")
