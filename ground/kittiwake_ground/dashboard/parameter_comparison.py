"""The card that compares parameters: with another time, with another deployment, or with their defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui import ui

from kittiwake_ground.archive import QueryTooLong
from kittiwake_ground.client.times import when_us
from kittiwake_ground.dashboard.live_html import LiveHtml
from kittiwake_ground.dashboard.page import complain
from kittiwake_ground.dashboard.parameter_html import SHOWN, comparison_html
from kittiwake_ground.replay.replays import NoReplay, TooManyReplays
from kittiwake_ground.server.parameter_diff import compare, compare_with_defaults, read_side

if TYPE_CHECKING:
    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.parameter_diff import Side

DEFAULTS = ""
"""What is chosen instead of a deployment."""


class ParameterComparison:
    """Two sides to be chosen, and what the comparison found."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._found: dict[str, Any] | None = None
        others = {DEFAULTS: "Defaults", **{name: name for name in sorted(context.ground.deployments)}}
        with ui.element("div").classes("kw-bar"):
            ui.label(context.deployment.name).classes("kw-mono")
            self._first = self._time("First time", "compare-from")
            ui.label("with").classes("kw-muted")
            self._other = ui.select(others, value=context.deployment.name, label="Other side")
            self._other.props("outlined dense options-dense data-field=compare-with").classes("kw-compare-other")
            self._second = self._time("Second time", "compare-to")
            self._last_known = ui.switch("Last known values").props("dense")
            self._last_known.tooltip("Take values that may be others by then as they were told last")
            ui.button("Compare", icon="difference", on_click=self._compare).props(
                "unelevated no-caps data-action=compare"
            )
            self._shown = ui.select(SHOWN, value="differences", on_change=self._show)
            self._shown.props("outlined dense options-dense aria-label='Shown'")
        self._result = LiveHtml("kw-wide")

    def _time(self, label: str, field: str) -> ui.input:
        made = ui.input(label, placeholder="now").props(
            f"outlined dense stack-label autocomplete=off data-field={field} hint='now, 2h, or a UTC time'"
        )
        made.on("keydown.enter", self._compare)
        return made

    async def _compare(self) -> None:
        first, second, other = str(self._first.value or ""), str(self._second.value or ""), str(self._other.value)
        last_known = bool(self._last_known.value)
        try:
            one = await self._side(self._context.deployment.name, first)
            if other == DEFAULTS:
                self._found = compare_with_defaults(one, last_known=last_known)
            else:
                self._found = compare(one, await self._side(other, second), last_known=last_known)
        except (NoReplay, TooManyReplays, QueryTooLong, LookupError, ValueError) as fault:
            complain(fault)
            return
        self._show()

    async def _side(self, deployment: str, at: str) -> Side:
        """A side at a time; without one it is now, or where the page has come to in the past."""
        replay = self._context.replay
        if at.strip() not in ("", "now"):
            at_us = when_us(at)
        else:
            at_us = None if replay is None else replay.position_us
        return await read_side(self._context.ground, deployment, at_us)

    def _show(self) -> None:
        if self._found is not None:
            self._result.show(comparison_html(self._found, str(self._shown.value)))
