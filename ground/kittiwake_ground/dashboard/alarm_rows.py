"""The open alarms of a deployment, the worst first, with what can be done about each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard import alarm_actions
from kittiwake_ground.dashboard.alarm_html import alarm_html
from kittiwake_ground.dashboard.live_html import LiveHtml

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_ground.alarms.life import Alarm
    from kittiwake_ground.dashboard.page import Context

NOTHING = '<p class="kw-nothing">No alarm is open: no limit was broken since it was last acknowledged.</p>'


class AlarmRows:
    """A list that `refresh` brings up to date; with `all_actions`, alarms are commented and shelved here too."""

    def __init__(self, context: Context, most: int, all_actions: bool = False) -> None:
        self._context = context
        self._most = most
        self._all_actions = all_actions
        self._box = ui.element("div").classes("kw-wide kw-alarms")
        self._rows: list[LiveHtml] = []
        self._alarms: dict[int, Alarm] = {}
        self._built: list[tuple[int, bool, bool]] | None = None

    def refresh(self) -> None:
        """Shows what is new."""
        hub = self._context.deployment.hub
        shown = hub.alarms.current()[: self._most]
        self._alarms = {one.id: one for one in shown}
        marks = [(one.id, bool(one.acknowledged_by), hub.alarms.is_shelved(one)) for one in shown]
        if marks != self._built:
            self._built = marks
            self._build(marks)
        for alarm, row in zip(shown, self._rows, strict=False):
            row.show(alarm_html(alarm, hub))

    def _build(self, marks: list[tuple[int, bool, bool]]) -> None:
        self._box.clear()
        self._rows = []
        with self._box:
            if not marks:
                LiveHtml().show(NOTHING)
            for id, is_acknowledged, is_shelved in marks:
                with ui.element("div").classes("kw-alarm").props(f"data-alarm={id}"):
                    self._rows.append(LiveHtml("kw-alarm-text"))
                    if self._context.may_act:
                        self._buttons(id, is_acknowledged, is_shelved)

    def _buttons(self, id: int, is_acknowledged: bool, is_shelved: bool) -> None:
        context = self._context
        with ui.element("div").classes("kw-alarm-actions"):
            if self._all_actions:
                icon_button("chat", "Comment", lambda: alarm_actions.comment(context, self._alarms[id]))
                if is_shelved:
                    icon_button(
                        "notifications", "Tell again", lambda: alarm_actions.unshelve(context, self._alarms[id])
                    )
                else:
                    icon_button("snooze", "Shelve", lambda: alarm_actions.shelve(context, self._alarms[id]))
            if not is_acknowledged:
                button = ui.button("Acknowledge", on_click=lambda: self._acknowledge(id))
                button.props("outline no-caps dense size=sm padding='4px 10px'")

    def _acknowledge(self, id: int) -> None:
        alarm_actions.acknowledge(self._context, self._alarms[id])
        self.refresh()


def icon_button(icon: str, title: str, do: Callable[[], object]) -> None:
    """A small round button with a picture; what is awaitable is awaited."""
    made = ui.button(icon=icon, on_click=do)
    made.props(f'flat round dense size=sm aria-label="{title}"').tooltip(title)
