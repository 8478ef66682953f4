"""The commands that were sent, by whomever, with what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.message import Message

from kittiwake_ground.tui.record_list import Cell, Column
from kittiwake_ground.tui.view import View
from kittiwake_ground.tui.wording import STATE_STYLES, argument_text, moment_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kittiwake_ground.client.records import CommandResult


class CommandsView(View):
    """The last commands, the newest first; those that are queued can be taken back."""

    class TakenBack(Message):
        """A queued command is not to be sent."""

        def __init__(self, command: CommandResult) -> None:
            super().__init__()
            self.command = command

    title = "Commands"
    empty = "no commands yet: press c to send one"
    columns = (
        Column("Asked", 8, from_width=50),
        Column("State", 10),
        Column("Command", tail=True, share=3),
        Column("Arguments", from_width=70, share=2),
        Column("By", 8, from_width=90),
        Column("Answer", share=2),
    )
    BINDINGS: ClassVar = [Binding("x", "take_back", "Take back")]

    def records(self) -> Iterable[CommandResult]:
        return sorted(self.picture.commands.values(), key=lambda one: one.asked_us, reverse=True)

    def key(self, record: CommandResult) -> int:
        return record.id

    def words(self, record: CommandResult) -> str:
        return f"{record.name} {record.state} {record.by} {record.response} {record.reason}"

    def cells(self, record: CommandResult) -> Sequence[Cell]:
        style = STATE_STYLES.get(record.state, "")
        return (
            Cell(moment_text(record.asked_us)),
            Cell(record.state, style),
            Cell(record.name),
            Cell(argument_text(record.arguments)),
            Cell(record.by),
            Cell(record.reason or record.response, style),
        )

    def action_take_back(self) -> None:
        """Takes a queued command back."""
        command = self.list.record
        if command is None:
            return
        if command.state != "queued":
            self.post_message(self.Hint(f"{command.name} is {command.state}: only what is queued can be taken back"))
            return
        self.post_message(self.TakenBack(command))
