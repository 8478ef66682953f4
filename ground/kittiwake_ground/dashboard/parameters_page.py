"""The page of parameters: what is known of each against its default, edit and save one, and compare all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.dashboard.command_panel import CommandPanel
from kittiwake_ground.dashboard.live_html import LiveHtml
from kittiwake_ground.dashboard.parameter_comparison import ParameterComparison
from kittiwake_ground.dashboard.parameter_html import KINDS, facts_html, rows_html
from kittiwake_ground.server.instances import commands_called
from kittiwake_ground.server.parameter_diff import Side, compare_with_defaults
from kittiwake_ground.server.parameters import DUMP_COMMAND, SAVE_FILE_COMMAND
from kittiwake_ground.server.views import parameter_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_ground.dashboard.page import Context

PICK = (
    "(event) => { const found = event.target.closest('[data-parameter]'); if (found) emit(found.dataset.parameter); }"
)


def build(context: Context) -> None:
    """The page."""
    ui.add_head_html(
        '<link rel="stylesheet" href="/kittiwake/actions.css"><link rel="stylesheet" href="/kittiwake/parameters.css">'
    )
    with ui.element("div").classes("kw-halves kw-parameter-halves"):
        with ui.card().classes("kw-card"):
            listed = _List(context)
        with ui.card().classes("kw-card"):
            editor = _Editor(context, listed)
    listed.editor = editor
    with ui.card().classes("kw-card kw-wide"):
        ui.label("Compare").classes("kw-heading")
        ParameterComparison(context)


class _List:
    """The list with its search; it follows what becomes known."""

    editor: _Editor

    def __init__(self, context: Context) -> None:
        self._context = context
        self.chosen = ""
        self._query, self._kind = "", "all"
        with ui.element("div").classes("kw-bar"):
            search = ui.input(
                placeholder="Search names and values", on_change=lambda change: self._search(change.value)
            )
            search.props('outlined dense clearable data-key=/ debounce=120 aria-label="Search parameters"')
            search.classes("kw-grow")
            kinds = ui.select(KINDS, value="all", on_change=lambda change: self._narrow(change.value))
            kinds.props("outlined dense options-dense aria-label=Show")
        if context.may_act:
            with ui.element("div").classes("kw-bar"):
                self._button("Ask for all values", "refresh", DUMP_COMMAND)
                self._button("Save to file", "save", SAVE_FILE_COMMAND)
        self._shown = ui.html("", sanitize=False).classes("kw-wide kw-picks kw-parameters")
        self._shown.on("click", lambda event: self.choose(str(event.args)), js_handler=PICK)
        self._content = ""
        self.draw()
        context.on_tick(lambda updates: self.draw() if any(one.kind == "parameters" for one in updates) else None)

    def _button(self, words: str, icon: str, mnemonic: str) -> None:
        """A button for a command of the database, where there is one such command."""
        found = commands_called(self._context.deployment.dictionary, mnemonic, 0)
        if len(found) == 1:
            made = ui.button(words, icon=icon, on_click=lambda: self.editor.send(found[0].name))
            made.props(f"outline no-caps dense padding='4px 10px' data-action={mnemonic}")

    def _search(self, text: str | None) -> None:
        self._query = text or ""
        self.draw()

    def _narrow(self, kind: str) -> None:
        self._kind = kind
        self.draw()

    def draw(self) -> None:
        """Shows what is known by now."""
        deployment = self._context.deployment
        compared = compare_with_defaults(Side(deployment.name, None, deployment.parameters.records), last_known=True)
        content = rows_html(compared["parameters"], self._kind, self._query, self.chosen)
        if content != self._content:
            self._content = content
            self._shown.set_content(content)

    def choose(self, name: str) -> None:
        """Shows a parameter in the editor."""
        if name in self._context.deployment.parameters.records:
            self.chosen = name
            self.draw()
            self.editor.choose(name)


class _Editor:
    """What is known of the chosen parameter, and the forms of its commands with the lives of what was sent."""

    def __init__(self, context: Context, listed: _List) -> None:
        self._context = context
        self._listed = listed
        self._facts = LiveHtml("kw-wide")
        self._actions = ui.element("div").classes("kw-bar")
        self._panel = CommandPanel(context, lambda name: None, "Choose a parameter.")
        context.on_tick(lambda updates: self._show_facts())

    def choose(self, name: str) -> None:
        """Shows a parameter, with the form of its SET command filled with the value that is known."""
        self._show_facts()
        record = self._context.deployment.parameters.records[name]
        self._actions.clear()
        if self._context.may_act:
            with self._actions:
                default = parameter_object(record)["default"]
                if record.set_command and default is not None:
                    self._action("Enter the default", "undo", "enter-default", lambda: self._edit(default))
                if record.save_command:
                    self._action("Save", "save", "save-parameter", lambda: self.send(record.save_command))
        if record.set_command:
            self._panel.choose(record.set_command)

    def _action(self, words: str, icon: str, action: str, do: Callable[[], None]) -> None:
        ui.button(words, icon=icon, on_click=do).props(f"outline no-caps dense padding='4px 10px' data-action={action}")

    def _edit(self, value: Any) -> None:
        deployment = self._context.deployment
        command = deployment.dictionary.command(deployment.parameters.records[self._listed.chosen].set_command)
        self._panel.choose(command.name, {command.formals[0].name: value})

    def send(self, name: str) -> None:
        """Sends a command without arguments, and shows its life; a hazardous one has to be armed."""
        self._panel.retry(name, {})

    def _show_facts(self) -> None:
        deployment = self._context.deployment
        record = deployment.parameters.records.get(self._listed.chosen)
        if record is not None:
            side = Side(deployment.name, None, {record.parameter.name: record})
            (row,) = compare_with_defaults(side, last_known=True)["parameters"]
            self._facts.show(facts_html(parameter_object(record), row["verdict"]))
