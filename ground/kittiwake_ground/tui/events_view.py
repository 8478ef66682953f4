"""The events as they come, of a severity and graver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding

from kittiwake_ground.commands.events import SEVERITIES
from kittiwake_ground.tui.record_list import Cell, Column
from kittiwake_ground.tui.view import View
from kittiwake_ground.tui.wording import SEVERITY_STYLES, moment_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kittiwake_ground.client.records import Event
    from kittiwake_ground.tui.picture import Picture


class EventsView(View):
    """The last events; the cursor follows them while it is at the end."""

    title = "Events"
    empty = "no events of that severity and text"
    follow = True
    columns = (Column("Time", 8, from_width=50), Column("Severity", 11), Column("Event", share=4))
    BINDINGS: ClassVar = [
        Binding("s", "graver", "Severity"),
        Binding("S", "less_grave", "Less severe", show=False),
    ]

    def __init__(self, picture: Picture, **about: Any) -> None:
        super().__init__(picture, **about)
        self._least = len(SEVERITIES) - 1

    @property
    def severity(self) -> str:
        """The least severity that is shown."""
        return SEVERITIES[self._least]

    def records(self) -> Iterable[Event]:
        shown = set(SEVERITIES[: self._least + 1])
        return [one for one in self.picture.events if one.severity in shown]

    def key(self, record: Event) -> Any:
        return (record.number, record.received_us, record.name)

    def words(self, record: Event) -> str:
        return f"{record.severity} {record.name} {record.text}"

    def cells(self, record: Event) -> Sequence[Cell]:
        style = SEVERITY_STYLES.get(record.severity, "")
        text = f"{self.picture.local_name(record.name)}: {record.text}"
        return (
            Cell(moment_text(record.time_us, record.time_base), style),
            Cell(record.severity, style),
            Cell(text, style),
        )

    def action_graver(self) -> None:
        """Shows graver events only, and all again after the gravest."""
        self._set_least((self._least - 1) % len(SEVERITIES))

    def action_less_grave(self) -> None:
        """Goes the other way round."""
        self._set_least((self._least + 1) % len(SEVERITIES))

    def _set_least(self, least: int) -> None:
        self._least = least
        self.post_message(self.Hint(f"events of {self.severity} and graver"))
        self.bring_up_to_date()
