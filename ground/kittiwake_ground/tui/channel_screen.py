"""A channel by itself: what it is, its value in full, and its last hour as `kittiwake ground plot` draws it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from kittiwake.dictionary.lines import one_line
from kittiwake_ground.client.faults import RequestRefused, ServerUnreachable
from kittiwake_ground.commands.dictionary_command import type_text
from kittiwake_ground.tui.picture import number_of
from kittiwake_ground.tui.wording import age_text

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.records import ChannelValue
    from kittiwake_ground.tui.picture import Picture

HOUR_US = 3_600_000_000
MOST_LETTERS = 2000
LEAST_PLOT_ROWS = 8


class ChannelScreen(ModalScreen[None]):
    """Shows one channel until a key is pressed."""

    BINDINGS: ClassVar = [Binding("escape,enter,q", "leave", "Close")]
    DEFAULT_CSS = """
    ChannelScreen { background: $surface; }
    ChannelScreen VerticalScroll { padding: 0 1; }
    """

    def __init__(self, picture: Picture, station: AsyncDeployment | None, value: ChannelValue, **about: Any) -> None:
        super().__init__(**about)
        self._picture = picture
        self._station = station
        self._value = value
        self._text = Static(markup=False)
        self._plot = Static(markup=False)

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield self._text
            yield self._plot
            yield Static("[Escape] back", markup=False)

    def on_mount(self) -> None:
        """Writes what is known, and asks for the hour."""
        self._text.update(channel_text(self._picture, self._value))
        if number_of(self._value.value) is not None:
            self._plot.update("asking for the last hour …")
            self.run_worker(self._draw(), exclusive=True)

    def on_resize(self) -> None:
        """Draws again, as large as the terminal is now."""
        if number_of(self._value.value) is not None:
            self.run_worker(self._draw(), exclusive=True)

    async def _draw(self) -> None:
        from kittiwake_ground.commands.plot.command import read_panel
        from kittiwake_ground.commands.plot.text import plot_columns, plot_text

        if self._station is None:
            self._plot.update("the server is away: there is nothing to draw from")
            return
        columns, end_us = self.size.width - 2, self._picture.now_us()
        try:
            panel = await read_panel(
                self._station, self._value.name, end_us - HOUR_US, end_us, 2 * plot_columns(columns)
            )
        except (ServerUnreachable, RequestRefused) as fault:
            self._plot.update(str(fault))
            return
        rows = max(self.size.height - self._text.size.height - 2, LEAST_PLOT_ROWS)
        self._plot.update(plot_text([panel], columns, rows))

    def action_leave(self) -> None:
        """Goes back."""
        self.dismiss(None)


def channel_text(picture: Picture, value: ChannelValue) -> str:
    """What a channel is and what it says now."""
    shown = picture.channel_shown(value.name)
    unit = f" {value.unit}" if value.unit else ""
    marks = [word for word in (value.alarm, value.latched and f"latched {value.latched}") if word]
    limits = f"   [{', '.join(marks)}]" if marks else ""
    tag = value.time or value.time_base
    lines = [
        value.name,
        f"  {one_line(str(shown['annotation']))}" if shown.get("annotation") else "",
        f"  {type_text(shown['type'])}" if "type" in shown else "",
        f"  = {one_line(value.text[:MOST_LETTERS])}{unit}{limits}",
        f"  {picture.quality(value)}, came {age_text(picture.age_s(value))} ago, tagged {tag}",
    ]
    return "\n".join([line for line in lines if line]) + "\n"
