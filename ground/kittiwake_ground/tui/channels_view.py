"""The channels: values with limits, age and quality, and the curve of the one at the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.message import Message
from textual.widgets import Sparkline, Static

from kittiwake_ground.tui.record_list import Cell, Column, RecordList
from kittiwake_ground.tui.view import View
from kittiwake_ground.tui.wording import LEVEL_STYLES, age_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import ComposeResult

    from kittiwake_ground.client.records import ChannelValue
    from kittiwake_ground.tui.picture import Picture

_QUALITY_STYLES = {"live": "green", "stale": "yellow", "held": "dim"}


class ChannelsView(View):
    """All channels that have a value."""

    class Chosen(Message):
        """The curve of this channel is wanted."""

        def __init__(self, channel: str) -> None:
            super().__init__()
            self.channel = channel

    title = "Channels"
    empty = "no values yet"
    columns = (
        Column("Channel", tail=True, share=3),
        Column("Value", share=2),
        Column("Unit", 6, from_width=70),
        Column("Limit", 7),
        Column("Age", 5, from_width=50),
        Column("Quality", 7, from_width=60),
    )
    DEFAULT_CSS = """
    ChannelsView > Static { height: 1; color: $text-muted; }
    ChannelsView > Sparkline { height: 2; }
    """

    def __init__(self, picture: Picture, **about: Any) -> None:
        super().__init__(picture, **about)
        self._label = Static(markup=False)
        self._curve = Sparkline([])

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield self._label
        yield self._curve

    def records(self) -> Iterable[ChannelValue]:
        return [value for _, value in sorted(self.picture.channels.items())]

    def key(self, record: ChannelValue) -> str:
        return record.name

    def words(self, record: ChannelValue) -> str:
        return f"{record.name} {record.alarm} {record.latched}"

    def cells(self, record: ChannelValue) -> Sequence[Cell]:
        quality = self.picture.quality(record)
        held = "dim" if quality == "held" else ""
        limit = record.alarm or (f"({record.latched})" if record.latched else "")
        style = LEVEL_STYLES.get(record.alarm, "")
        return (
            Cell(record.name, held),
            Cell(record.text, style or held),
            Cell(record.unit, held),
            Cell(limit, LEVEL_STYLES.get(record.alarm or record.latched, "")),
            Cell(f"{age_text(self.picture.age_s(record)):>5}", held),
            Cell(quality, _QUALITY_STYLES[quality]),
        )

    def bring_up_to_date(self) -> None:
        super().bring_up_to_date()
        chosen, trail = self.picture.chosen, list(self.picture.trail)
        if trail:
            self._label.update(f"{chosen}  {min(trail):g} .. {max(trail):g}  (Enter: the last hour)")
        else:
            self._label.update(f"{chosen}  no numbers to draw" if chosen else "")
        self._curve.visible = bool(trail)
        self._curve.data = trail[-max(self.size.width, 1) :]

    def on_record_list_moved(self, event: RecordList.Moved) -> None:
        """Has the curve follow the cursor."""
        event.stop()
        if event.source.record is not None:
            self.post_message(self.Chosen(event.source.record.name))
