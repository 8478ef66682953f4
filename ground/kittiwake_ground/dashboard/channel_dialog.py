"""What there is to know of one channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.alarms.limits import limits_text
from kittiwake_ground.dashboard.alarm_actions import acknowledge_channel
from kittiwake_ground.dashboard.limits_dialog import LimitsDialog
from kittiwake_ground.dashboard.live_html import Fact, LiveHtml, facts_html
from kittiwake_ground.dashboard.numeric import is_numeric
from kittiwake_ground.dashboard.readings import reading_parts
from kittiwake_ground.server.views import tag_object
from kittiwake_ground.shown import age_text

if TYPE_CHECKING:
    from kittiwake_ground.dashboard.page import Context


class ChannelDialog:
    """A dialog that shows a channel and stays up to date while it is open."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._name = ""
        self._limits_dialog = LimitsDialog(context) if context.may_act else None
        with ui.dialog() as self._dialog, ui.card().classes("kw-card kw-dialog"):
            self._title = ui.label().classes("kw-title kw-anywhere")
            self._text = ui.label().classes("kw-muted")
            self._facts = LiveHtml("kw-wide")
            with ui.element("div").classes("kw-bar"):
                self._chart = ui.button("Chart", icon="show_chart", on_click=self._open_chart)
                self._chart.props("unelevated no-caps")
                self._limits = ui.button("Limits", icon="tune", on_click=self._open_limits).props("outline no-caps")
                self._acknowledge = ui.button("Acknowledge", on_click=self._acknowledge_it)
                self._acknowledge.props("outline no-caps")
                ui.space()
                ui.button("Close", on_click=self._dialog.close).props("flat no-caps")

    def open(self, name: str) -> None:
        """Shows a channel."""
        channel = self._context.deployment.dictionary.channels[name]
        self._name = name
        self._title.set_text(name)
        self._text.set_text(channel.annotation)
        self._text.set_visibility(bool(channel.annotation))
        self._chart.set_visibility(is_numeric(channel))
        self._limits.set_visibility(self._limits_dialog is not None)
        self._dialog.open()
        self.refresh()

    def refresh(self) -> None:
        """Brings it up to date."""
        if not self._dialog.value:
            return
        hub = self._context.deployment.hub
        channel, sample = hub.dictionary.channels[self._name], hub.latest.get(self._name)
        latched = hub.latched.get(self._name, "")
        facts = [Fact("Value", "no value yet")]
        if sample is not None:
            facts = [Fact(place or "Value", text) for place, text in reading_parts(sample, hub)]
            time = tag_object(sample.tag, hub.dictionary.config)
            shown = time["time"] or f"{time['time_base']} {time['time_us'] / 1e6:.6f} s"
            facts += [
                Fact("Time on the device", shown),
                Fact("Received", f"{age_text(sample.received_us, hub.now_us())} ago"),
            ]
        facts += [
            Fact("Type", channel.type.name),
            Fact("Limits", limits_text(hub.alarms.limited(channel)) or "none"),
            Fact("Gravest since acknowledged", latched.lower() or "none", latched.lower()),
            Fact("Number", f"{channel.id:#x}"),
        ]
        self._facts.show(facts_html(facts))
        self._acknowledge.set_visibility(bool(latched) and self._context.may_act)

    def _open_chart(self) -> None:
        ui.navigate.to(self._context.place("charts", channels=self._name))

    def _open_limits(self) -> None:
        if self._limits_dialog is not None:
            self._limits_dialog.open(self._name)

    def _acknowledge_it(self) -> None:
        acknowledge_channel(self._context, self._name)
        self.refresh()
