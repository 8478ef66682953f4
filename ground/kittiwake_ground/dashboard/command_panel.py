"""The form of the chosen command: filled in, armed where it is hazardous, sent, and followed to its end."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake.handbook.entries import place_of
from kittiwake_ground.dashboard.argument_form import ArgumentForm
from kittiwake_ground.dashboard.argument_view import ArgumentView
from kittiwake_ground.dashboard.armed_button import ArmedButton
from kittiwake_ground.dashboard.life_html import clock_text, end_html, life_html, name_html
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.server.views import command_object, event_object

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake.dictionary.entries import Command
    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.commands import CommandRecord
    from kittiwake_ground.server.subscription import Update

MAX_EVENTS = 40


class CommandPanel:
    """Shows one command at a time, and tells `chosen` which; before one is chosen it shows `invitation`."""

    def __init__(self, context: Context, chosen: Callable[[str], None], invitation: str = "Choose a command.") -> None:
        self._context = context
        self._chosen = chosen
        self._form: ArgumentForm | None = None
        self._view: ArgumentView | None = None
        self._sent: CommandRecord | None = None
        self._events: list[str] = []
        self._button: ArmedButton | None = None
        names = context.deployment.dictionary
        self._suggestions = {
            "FwEventIdType": list(names.events), "FwChanIdType": list(names.channels),
            "FwOpcodeType": list(names.commands), "FwPrmIdType": list(names.parameters),
        }  # fmt: skip
        self._box = ui.column().classes("kw-wide kw-panel")
        with self._box:
            words = invitation if context.replay is None else context.unable_text("sends commands")
            ui.label(words).classes("kw-muted")
        context.on_tick(self._tick)

    def choose(self, name: str, given: Mapping[str, Any] | None = None) -> None:
        """Shows a command's form, filled with arguments if there are some. Raises `UnknownName`."""
        context = self._context
        command = context.deployment.dictionary.command(name)
        self._form = ArgumentForm(command, context.deployment.dictionary.find_id, given or self._known_value(command))
        self._button = None
        self._box.clear()
        with self._box:
            self._show_head(command)
            if context.may_act:
                self._show_fields()
            else:
                ui.label(context.unable_text("sends commands")).classes("kw-muted")
            self._result = ui.html("", sanitize=False).classes("kw-wide").props("aria-live=polite")
        self._sent = None
        self._chosen(name)

    def _known_value(self, command: Command) -> dict[str, Any] | None:
        """What a command that sets a parameter begins with: the value that is known."""
        for one in self._context.deployment.parameters.records.values():
            is_whole = one.known != "unknown" and not one.partial
            if one.set_command == command.name and is_whole and len(command.formals) == 1:
                return {command.formals[0].name: one.value}
        return None

    def _show_head(self, command: Command) -> None:
        hazard = '<span class="kw-chip kw-chip-bad">hazardous</span>' if self._is_hazardous(command.name) else ""
        ui.html(
            f'<div class="kw-command-name">{name_html(command.name)} {hazard}</div>'
            f'<div class="kw-muted">{escape(command.annotation)}</div>'
            f'<div class="kw-muted kw-mono">opcode {command.opcode:#x}, {escape(command.kind)} '
            f'<a href="/handbook/{self._context.deployment.name}{escape(place_of("command", command.name))}" '
            'target="_blank">handbook</a></div>',
            sanitize=False,
        )

    def _is_hazardous(self, name: str) -> bool:
        return name in self._context.deployment.hazardous

    def _show_fields(self) -> None:
        assert self._form is not None
        if self._form.fields:
            with ui.element("div").classes("kw-fields kw-wide"):
                self._view = ArgumentView(self._form.fields, self._suggestions, self._changed, self._press)
        else:
            self._view = None
            ui.label("No arguments.").classes("kw-muted")
        self._button = ArmedButton("Send", "send", self._is_hazardous(self._form.command.name), self._press)

    def _changed(self) -> None:
        if self._button is not None:
            self._button.disarm()

    def _press(self) -> None:
        """The button, or Enter: sends, or arms what is hazardous."""
        assert self._form is not None
        assert self._button is not None
        problems = self._form.problems()
        if problems and self._view is not None:
            self._view.complain()
        if self._button.fires(problems):
            self.send(self._form.command.name, self._form.arguments())

    def send(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Sends a command and follows it, or says why not."""
        try:
            by = self._context.act("command", f"{name} {dict(arguments) or ''}".strip())
            record = self._context.deployment.commands.submit(name, arguments, by)
        except (Refused, ValueError, LookupError) as fault:
            complain(fault)
            return
        self._sent, self._events = record, []
        self._show_result()

    def retry(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Sends a command again as it was; a hazardous one has to be armed again first."""
        try:
            self.choose(name, arguments)
        except LookupError as fault:
            complain(fault)
            return
        if self._is_hazardous(name):
            ui.notify("Arm it to send it again.", position="top")
        else:
            self.send(name, arguments)

    def _tick(self, updates: list[Update]) -> None:
        if self._button is not None:
            self._button.tick()
        if self._sent is None:
            return
        news = False
        for update in updates:
            if update.kind == "commands" and update.subject is self._sent:
                news = True
            elif update.kind == "events" and len(self._events) < MAX_EVENTS and self._belongs(update.subject):
                self._events.append(_event_html(event_object(update.subject, self._context.deployment.dictionary)))
                news = True
        if news:
            self._show_result()

    def _belongs(self, event: Any) -> bool:
        """Whether an event came while the command was under way, or at once behind it."""
        assert self._sent is not None
        first_us, last_us = self._sent.steps[0][1], self._sent.steps[-1][1]
        return bool(
            first_us <= event.received_us and (not self._sent.is_final or event.received_us <= last_us + 1_000_000)
        )

    def _show_result(self) -> None:
        assert self._sent is not None
        shown = command_object(self._sent)
        events = "".join(self._events) or '<div class="kw-muted">none yet</div>'
        self._result.set_content(
            f'<div class="kw-result" data-sent="{shown["id"]}" data-state="{shown["state"]}">'
            f'<div class="kw-heading">Last sent: {escape(shown["name"])}</div>{life_html(shown)}{end_html(shown)}'
            f'<div class="kw-heading">Events meanwhile</div><div class="kw-events">{events}</div></div>'
        )


def _event_html(event: Mapping[str, Any]) -> str:
    return (
        f'<div class="kw-event"><i>{clock_text(event["received_us"])}</i>'
        f'<span class="kw-event-name">{escape(event["name"])}</span><span>{escape(event["text"])}</span></div>'
    )
