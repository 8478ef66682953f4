"""The page of commands: find one, fill it in, send it, and see what became of it and of those before."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import background_tasks, ui

from kittiwake_ground.dashboard.command_panel import CommandPanel
from kittiwake_ground.dashboard.command_search import matching_commands
from kittiwake_ground.dashboard.life_html import command_html
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.dashboard.record_list import MAX_SHOWN, Action, RecordList
from kittiwake_ground.server.views import command_object

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.subscription import Update

MAX_LISTED = 400
"""The most commands that the list shows; the search narrows it down."""

PICK = "(event) => { const found = event.target.closest('[data-command]'); if (found) emit(found.dataset.command); }"


def build(context: Context) -> None:
    """The page."""
    ui.add_head_html('<link rel="stylesheet" href="/kittiwake/actions.css">')
    with ui.element("div").classes("kw-sides"):
        with ui.card().classes("kw-card kw-side"):
            picker = _Picker(context)
        with ui.card().classes("kw-card kw-main"):
            panel = CommandPanel(context, picker.mark)
    picker.panel = panel
    asked = context.asked("command")
    if asked in context.deployment.dictionary.commands:
        panel.choose(asked)
    with ui.card().classes("kw-card kw-wide"):
        ui.label("History").classes("kw-heading")
        _show_history(context, panel)


class _Picker:
    """The list of commands with its search."""

    panel: CommandPanel

    def __init__(self, context: Context) -> None:
        self._context = context
        self._chosen = ""
        self._first = ""
        search = ui.input(placeholder="Search commands", on_change=lambda change: self._list(change.value or ""))
        search.props('outlined dense clearable data-key=/ debounce=120 aria-label="Search commands"').classes("kw-wide")
        with search.add_slot("prepend"):
            ui.icon("search")
        search.on("focus", js_handler="(event) => event.target.select()")
        search.on("keydown.enter", lambda: self._choose(self._first))
        self._shown = ui.html("", sanitize=False).classes("kw-wide kw-picks")
        self._shown.on("click", lambda event: self._choose(event.args), js_handler=PICK)
        self._query = ""
        self._list("")

    def _list(self, query: str) -> None:
        self._query = query
        groups = matching_commands(self._context.deployment.dictionary.commands.values(), query)
        parts, left = [], MAX_LISTED
        self._first = next((one.name for group in groups.values() for one in group), "")
        for instance, commands in groups.items():
            parts.append(f'<div class="kw-instance-head">{escape(instance)}</div>')
            parts += [self._pick_html(one.name) for one in commands[: max(0, left)]]
            left -= len(commands)
        if left < 0:
            parts.append(f'<div class="kw-muted kw-empty">{-left} more: search to narrow the list down</div>')
        self._shown.set_content("".join(parts) or '<div class="kw-muted kw-empty">No command has such a name.</div>')

    def _pick_html(self, name: str) -> str:
        hazard = (
            '<span class="kw-hazard" title="hazardous">!</span>' if name in self._context.deployment.hazardous else ""
        )
        chosen = ' aria-current="true"' if name == self._chosen else ""
        shown = escape(name.rpartition(".")[2])
        return f'<button type="button" class="kw-pick" data-command="{escape(name)}"{chosen}>{shown}{hazard}</button>'

    def mark(self, name: str) -> None:
        """Shows which command is chosen."""
        if name != self._chosen:
            self._chosen = name
            self._list(self._query)

    def _choose(self, name: str) -> None:
        if not name:
            return
        try:
            self.panel.choose(name)
        except LookupError as fault:
            complain(fault)
            return
        ui.run_javascript(
            "setTimeout(() => { const panel = document.querySelector('.kw-panel');"
            "const field = panel.querySelector('input, textarea') || panel.querySelector('[data-action=send]');"
            "if (field) { field.focus({preventScroll: true}); }"
            "panel.scrollIntoView({block: 'nearest', behavior: 'smooth'}); }, 60)"
        )


def _show_history(context: Context, panel: CommandPanel) -> None:
    deployment = context.deployment

    def take_back(record: Mapping[str, Any]) -> None:
        try:
            context.act("command taken back", f"{record['name']} #{record['id']}")
            deployment.commands.cancel(record["id"])
        except (Refused, ValueError, LookupError) as fault:
            complain(fault)

    def open_in_form(record: Mapping[str, Any]) -> None:
        try:
            panel.choose(record["name"], record["arguments"])
        except LookupError as fault:
            complain(fault)

    actions = (
        Action("edit", "Open in the form", lambda record: True, open_in_form),
        Action("replay", "Send again", lambda record: bool(record["final"]),
               lambda record: panel.retry(record["name"], record["arguments"])),
        Action("close", "Take back", lambda record: bool(record["state"] == "queued"), take_back),
    )  # fmt: skip

    history = RecordList(command_html, actions if context.may_act else (), "No command was sent yet.")

    async def load() -> None:
        for record in await context.past.commands(deployment, MAX_SHOWN):
            history.show(record)

    background_tasks.create(load())

    def tick(updates: list[Update]) -> None:
        changed = {one.subject.id: one.subject for one in updates if one.kind == "commands"}
        for record in changed.values():
            history.show(command_object(record))

    context.on_tick(tick)
