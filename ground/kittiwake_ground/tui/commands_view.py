"""The commands that were sent, by whomever, with what became of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.message import Message

from kittiwake_ground.client.records import Plan
from kittiwake_ground.tui.record_list import Cell, Column
from kittiwake_ground.tui.view import View
from kittiwake_ground.tui.wording import STATE_STYLES, argument_text, moment_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kittiwake_ground.client.records import CommandResult


class CommandsView(View):
    """What is planned, as it is due, and then the last commands, the newest first."""

    class TakenBack(Message):
        """A queued command, or a plan, is not to be sent."""

        def __init__(self, record: CommandResult | Plan) -> None:
            super().__init__()
            self.record = record

    title = "Commands"
    empty = "no commands yet: press c to send one"
    columns = (
        Column("Time", 8, from_width=50),
        Column("State", 10),
        Column("Command", tail=True, share=3),
        Column("Arguments", from_width=70, share=2),
        Column("By", 8, from_width=90),
        Column("Answer", share=2),
    )
    BINDINGS: ClassVar = [Binding("x", "take_back", "Take back")]

    def records(self) -> Iterable[CommandResult | Plan]:
        sent = sorted(self.picture.commands.values(), key=lambda one: one.asked_us, reverse=True)
        return [*self.picture.plans, *sent]

    def key(self, record: CommandResult | Plan) -> Any:
        return (type(record), record.id)

    def words(self, record: CommandResult | Plan) -> str:
        return " ".join([cell.text for cell in self.cells(record)])

    def cells(self, record: CommandResult | Plan) -> Sequence[Cell]:
        style = STATE_STYLES.get(record.state, "")
        if isinstance(record, Plan):
            at, name = "at pass" if record.due_us is None else moment_text(record.due_us), record.subject
            answer = record.kind if record.kind != "command" else record.reason
        else:
            at, name, answer = moment_text(record.asked_us), record.name, record.reason or record.response
        return (
            Cell(at),
            Cell(record.state, style),
            Cell(name),
            Cell(argument_text(record.arguments or {})),
            Cell(record.by),
            Cell(answer, style),
        )

    def action_take_back(self) -> None:
        """Takes a queued command or a plan back."""
        record = self.list.record
        if record is None:
            return
        if record.state in ("queued", "planned"):
            self.post_message(self.TakenBack(record))
            return
        name = record.subject if isinstance(record, Plan) else record.name
        self.post_message(self.Hint(f"{name} is {record.state}: only what is queued or planned can be taken back"))
