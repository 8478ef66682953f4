"""The button that has a deployment's wiring metered, and what became of that command."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.life_html import end_html, life_html
from kittiwake_ground.dashboard.live_html import LiveHtml
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.dashboard.topology_figures import LIVE, STALE
from kittiwake_ground.server.views import command_object

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.dashboard.topology_figures import WiringFigures
    from kittiwake_ground.server.commands import CommandRecord
    from kittiwake_ground.server.subscription import Update

TIMES = {
    "60 1": "for 1 min, each second",
    "600 1": "for 10 min, each second",
    "3600 5": "for 1 h, every 5 s",
    "3600 60": "for 1 h, every minute",
}
"""Duration and period of METER_START: the last is for a link that is slow."""


class Metering:
    """Has the wiring metered, and shows what became of that."""

    def __init__(self, context: Context, meter: str) -> None:
        self._context = context
        self._meter = meter
        self._sent: CommandRecord | None = None
        self._is_metered = False

    def build(self) -> None:
        """For how long, and the button that starts or stops it."""
        self._times = ui.select(TIMES, value="60 1").props('outlined dense options-dense aria-label="How long"')
        self._button = ui.button("Meter", icon="speed", on_click=self._press)
        self._button.props("unelevated no-caps data-action=meter")

    def build_result(self) -> None:
        """Where what was sent is followed."""
        with ui.element("div").classes("kw-wide kw-metering").props("aria-live=polite"):
            self._result = LiveHtml("kw-wide")

    def show(self, figures: WiringFigures, updates: Iterable[Update]) -> None:
        """Follows what was sent, and offers what can be done next."""
        is_metered = figures.state in (LIVE, STALE)
        if is_metered != self._is_metered:
            self._is_metered = is_metered
            self._button.set_text("Stop" if is_metered else "Meter")
            self._times.set_visibility(not is_metered)
        if any(one.kind == "commands" and one.subject is self._sent for one in updates):
            self._show_sent()

    def _press(self) -> None:
        if self._is_metered:
            self._send("METER_STOP", {})
        else:
            duration, period = str(self._times.value).split()
            self._send("METER_START", {"duration_s": int(duration), "period_s": int(period)})

    def _send(self, mnemonic: str, arguments: dict[str, int]) -> None:
        name = f"{self._meter}.{mnemonic}"
        try:
            by = self._context.act("command", f"{name} {arguments or ''}".strip())
            self._sent = self._context.deployment.commands.submit(name, arguments, by)
        except (Refused, ValueError, LookupError) as fault:
            complain(fault)
            return
        self._show_sent()

    def _show_sent(self) -> None:
        assert self._sent is not None
        shown = command_object(self._sent)
        if shown["state"] == "completed":
            self._result.show("")
            return
        self._result.show(
            f'<div class="kw-card" data-sent="{shown["id"]}" data-state="{shown["state"]}">'
            f"{escape(self._sent.command.name.rpartition('.')[2])} {life_html(shown)}{end_html(shown)}</div>"
        )
