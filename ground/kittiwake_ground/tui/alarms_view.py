"""The open alarms, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message

from kittiwake_ground.tui.record_list import Cell, Column
from kittiwake_ground.tui.view import View
from kittiwake_ground.tui.wording import LEVEL_STYLES, moment_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kittiwake_ground.client.records import Alarm


class AlarmsView(View):
    """What is wrong, or was and was acknowledged by nobody."""

    class Acknowledged(Message):
        """Somebody has seen an alarm."""

        def __init__(self, alarm: Alarm) -> None:
            super().__init__()
            self.alarm = alarm

    title = "Alarms"
    empty = "no open alarms"
    columns = (
        Column("Level", 6),
        Column("State", 12),
        Column("Raised", 8, from_width=60),
        Column("Source", tail=True, share=2),
        Column("What was seen", from_width=50, share=3),
    )
    BINDINGS: ClassVar = [Binding("a", "acknowledge", "Acknowledge")]

    def records(self) -> Iterable[Alarm]:
        return self.picture.sorted_alarms()

    def key(self, record: Alarm) -> int:
        return record.id

    def words(self, record: Alarm) -> str:
        return f"{record.source} {record.level} {record.state} {record.text} {record.comment}"

    def cells(self, record: Alarm) -> Sequence[Cell]:
        style = LEVEL_STYLES.get(record.level, "") if record.state in ("active", "latched") else "dim"
        note = f"  # {record.comment}" if record.comment else ""
        state = "shelved" if record.shelved_until_us else record.state
        return (
            Cell(record.level, style),
            Cell(state, style),
            Cell(moment_text(record.raised_us)),
            Cell(record.source),
            Cell(f"{record.text}{note}"),
        )

    def action_acknowledge(self) -> None:
        """Acknowledges the alarm at the cursor."""
        alarm = self.list.record
        if alarm is None:
            return
        if alarm.state not in ("active", "latched"):
            self.post_message(self.Hint(f"{alarm.source} is {alarm.state} already"))
            return
        self.post_message(self.Acknowledged(alarm))
