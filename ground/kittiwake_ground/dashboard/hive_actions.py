"""What operators do about the sensors of a hive: start, stop, take one now; each is a command of the orchestrator."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.dashboard.life_html import end_html, life_html
from kittiwake_ground.dashboard.live_html import LiveHtml
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.server.views import command_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kittiwake.dictionary.decode import DecodedEvent
    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.commands import CommandRecord
    from kittiwake_ground.server.subscription import Update

ALL = ""
"""What the commands' target is for all sensors."""

POLICIES = {
    "CONFIGURED": "As configured", "FINISH": "Finish", "TRUNCATE": "Cut short", "DISCARD": "Throw away",
}  # fmt: skip
ELAPSED = {"CONFIGURED": "As configured", "LEAVE_OUT": "Leave out", "INCLUDE": "Make up for the latest"}


class SensorActions:
    """Sends the commands of an orchestrator, and shows what became of the last one."""

    def __init__(self, context: Context, orchestrator: str) -> None:
        self._context = context
        self._orchestrator = orchestrator
        self._sent: CommandRecord | None = None
        self._refusal = ""

    def build(self) -> None:
        """Where what was sent is followed."""
        with ui.element("div").classes("kw-wide").props("aria-live=polite"):
            self._result = LiveHtml("kw-wide")

    async def start(self, target: str = ALL) -> None:
        """Asks what becomes of starts that are past, and starts a sensor."""
        note = "It clears a quarantine. Today's starts that are past are:"
        elapsed = await self._ask("Start", target, note, ELAPSED)
        if elapsed:
            self._send("START", {"target": target, "elapsed": elapsed})

    async def stop(self, target: str = ALL) -> None:
        """Asks what becomes of the capture that runs, and stops a sensor."""
        note = "It stays so, over restarts too, until it is started again. A capture that runs:"
        policy = await self._ask("Stop", target, note, POLICIES)
        if policy:
            self._send("STOP", {"target": target, "policy": policy})

    async def take_now(self, target: str = ALL) -> None:
        """Has a sensor record; where that is hazardous it asks first."""
        name = f"{self._orchestrator}.TAKE_NOW"
        if name not in self._context.deployment.hazardous or await self._ask("Take now", target, "", {}):
            self._send("TAKE_NOW", {"target": target})

    async def _ask(self, verb: str, target: str, note: str, choices: Mapping[str, str]) -> str:
        """The choice, or nothing if it was thought better of."""
        choice = None
        with ui.dialog() as dialog, ui.card().classes("kw-card kw-dialog"):
            ui.label(f"{verb} {target or 'all sensors'}").classes("kw-title kw-anywhere")
            if note:
                ui.label(note).classes("kw-muted")
            if choices:
                choice = ui.radio(dict(choices), value="CONFIGURED").props("dense").classes("kw-choices")
            with ui.element("div").classes("kw-bar kw-end"):
                ui.button("Cancel", on_click=lambda: dialog.submit(None)).props("flat no-caps")
                agree = ui.button(verb, on_click=lambda: dialog.submit(True))
                agree.props(f"unelevated no-caps data-action=agree{' color=negative' if verb == 'Stop' else ''}")
        agreed: Any = await dialog
        dialog.delete()
        return "" if not agreed else "yes" if choice is None else str(choice.value)

    def _send(self, mnemonic: str, arguments: Mapping[str, Any]) -> None:
        name = f"{self._orchestrator}.{mnemonic}"
        try:
            by = self._context.act("command", f"{name} {dict(arguments)}")
            self._sent, self._refusal = self._context.deployment.commands.submit(name, arguments, by), ""
        except (Refused, ValueError, LookupError) as fault:
            complain(fault)
            return
        self._show()

    def tick(self, updates: Iterable[Update]) -> None:
        """Follows what was sent."""
        news = False
        for one in updates:
            if one.kind == "commands" and one.subject is self._sent:
                news = True
            elif one.kind == "events" and self._sent is not None and self._is_refusal(one.subject.decoded):
                self._refusal, news = one.subject.decoded.text, True
        if news:
            self._show()

    def _is_refusal(self, event: DecodedEvent) -> bool:
        """Whether an event says why what was sent is refused: the answer itself is one word."""
        assert self._sent is not None
        return event.name.endswith(".CommandRefused") and event.text.startswith(f"{self._sent.command.name} ")

    def _show(self) -> None:
        assert self._sent is not None
        shown = command_object(self._sent)
        words = f"{shown['name'].rpartition('.')[2]} {shown['arguments']['target'] or 'all sensors'}"
        self._result.show(
            f'<div data-sent="{shown["id"]}" data-state="{shown["state"]}"><div class="kw-heading">'
            f"{escape(words)}</div>{life_html(shown)}{end_html(shown)}"
            f'<div class="kw-bad kw-reason">{escape(self._refusal)}</div></div>'
        )
