"""Small windows over the screen: a question, more about a record, and the choice of a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from kittiwake_ground.tui.record_list import Cell, Column, RecordList

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from kittiwake_ground.client.records import DeploymentState

_WINDOW = """
{name} {{ align: center middle; }}
{name} > .window {{
    width: 90%; max-width: 100; height: auto; max-height: 90%; background: $surface; border: round $primary;
    padding: 0 1;
}}
"""


class Question(ModalScreen[bool]):
    """Asks whether something is meant; only `y` says so."""

    BINDINGS: ClassVar = [
        Binding("y", "answer(True)", "Yes"),
        Binding("n,escape,enter,q", "answer(False)", "No"),
    ]
    DEFAULT_CSS = _WINDOW.format(name="Question")

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="window"):
            yield Static(f"{self._text}\n\n[y] yes   [n] no", markup=False)

    def action_answer(self, yes: bool) -> None:
        """Ends it."""
        self.dismiss(yes)


class Remark(ModalScreen[str | None]):
    """Asks for a text, which may be empty; `None` if somebody thinks better of it."""

    BINDINGS: ClassVar = [Binding("escape", "give_up", "Cancel")]
    DEFAULT_CSS = _WINDOW.format(name="Remark")

    def __init__(self, text: str, placeholder: str) -> None:
        super().__init__()
        self._text = text
        self._placeholder = placeholder

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield Static(f"{self._text}\n", markup=False)
            yield Input(compact=True, placeholder=self._placeholder)
            yield Static("\n[Enter] do it   [Escape] do nothing", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ends it."""
        event.stop()
        self.dismiss(event.value.strip())

    def action_give_up(self) -> None:
        """Ends it without an answer."""
        self.dismiss(None)


class Details(ModalScreen[None]):
    """Shows a text until a key is pressed."""

    BINDINGS: ClassVar = [Binding("escape,enter,q", "leave", "Close")]
    DEFAULT_CSS = _WINDOW.format(name="Details")

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="window"):
            yield Static(self._text, markup=False)

    def action_leave(self) -> None:
        """Ends it."""
        self.dismiss(None)


class DeploymentPicker(ModalScreen[str | None]):
    """Lists the deployments of the server and gives the name of one."""

    BINDINGS: ClassVar = [Binding("escape,q", "leave", "Cancel")]
    DEFAULT_CSS = _WINDOW.format(name="DeploymentPicker") + "DeploymentPicker RecordList { height: auto; }"
    columns = (
        Column("Deployment", tail=True),
        Column("Link", 10),
        Column("Alarms", 6),
        Column("Queued", 6, from_width=50),
        Column("Address", from_width=60),
    )

    def __init__(self, deployments: Sequence[DeploymentState]) -> None:
        super().__init__()
        self._deployments = deployments
        self._list = RecordList(self.columns, self._cells, lambda one: one.name, empty="the server has none")
        self._list.styles.height = len(deployments) + 2

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield self._list

    def on_mount(self) -> None:
        """Shows them."""
        self._list.show(self._deployments)
        self._list.focus()

    def _cells(self, state: DeploymentState) -> Sequence[Cell]:
        link = "silent" if state.link.state == "up" and state.link.silent else state.link.state
        return (
            Cell(state.name),
            Cell(link, "green" if link == "up" else "yellow"),
            Cell(f"{state.unacknowledged:>6}", "bold red" if state.unacknowledged else ""),
            Cell(f"{state.queued_commands:>6}"),
            Cell(state.link.address),
        )

    def on_record_list_opened(self, event: RecordList.Opened) -> None:
        """Ends it with the one at the cursor."""
        event.stop()
        self.dismiss(event.source.record.name)

    def action_leave(self) -> None:
        """Ends it without one."""
        self.dismiss(None)
