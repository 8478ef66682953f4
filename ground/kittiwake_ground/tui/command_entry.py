"""The line for commands: it completes names and values, says what a command takes, and remembers what was sent."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from kittiwake_ground.tui.suggestions import help_of, line_of, offered, order_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from kittiwake_ground.tui.picture import Picture
    from kittiwake_ground.tui.suggestions import Order

MAX_REMEMBERED = 100
MOST_OFFERS = 6
"""So many offers are seen at once."""


class CommandEntry(Vertical):
    """A line to type a command into, with what it offers above it."""

    class Given(Message):
        """A command is to be sent."""

        def __init__(self, order: Order) -> None:
            super().__init__()
            self.order = order

    class Left(Message):
        """Whoever typed is done."""

    BINDINGS: ClassVar = [
        Binding("tab", "complete", "Complete", priority=True),
        Binding("up", "earlier", "Earlier", show=False, priority=True),
        Binding("down", "later", "Later", show=False, priority=True),
        Binding("escape", "leave", "Back"),
        Binding("ctrl+c", "clear", "Clear", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    CommandEntry { height: auto; max-height: 14; }
    CommandEntry > Static { height: auto; max-height: 12; background: $panel; display: none; padding: 0 1; }
    CommandEntry > Static.used { display: block; }
    """

    def __init__(self, picture: Picture, **about: Any) -> None:
        super().__init__(**about)
        self.picture = picture
        self._offers: list[str] = []
        self._chosen = 0
        self._past: deque[str] = deque(maxlen=MAX_REMEMBERED)
        self._place = 0
        self._help = Static(markup=False)
        self._input = Input(compact=True, placeholder="c: a command, as in CdhCore.cmdDisp.CMD_NO_OP")

    def compose(self) -> ComposeResult:
        yield self._help
        yield self._input

    @property
    def _dictionary(self) -> Mapping[str, Any]:
        return self.picture.dictionary

    def begin(self) -> None:
        """Goes to the line."""
        self._input.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offers what may follow."""
        event.stop()
        self._chosen = 0
        self._offers = [one for one in offered(self._dictionary, event.value) if one != line_of(event.value).last]
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Has the command sent, or says what is wrong with it."""
        event.stop()
        text = event.value.strip()
        if not text:
            return
        try:
            order = order_of(self._dictionary, text)
        except ValueError as fault:
            self.say(str(fault))
            return
        if not self._past or self._past[-1] != text:
            self._past.append(text)
        self._place = len(self._past)
        self._input.value = ""
        self.post_message(self.Given(order))

    def say(self, text: str) -> None:
        """Says something above the line, until it changes."""
        self._help.update(text)
        self._help.set_class(bool(text), "used")

    def _show(self) -> None:
        first = max(self._chosen - MOST_OFFERS + 1, 0)
        lines = [
            f"{'>' if number == self._chosen else ' '} {one}"
            for number, one in enumerate(self._offers[first : first + MOST_OFFERS], first)
        ]
        left = len(self._offers) - first - MOST_OFFERS
        if left > 0:
            lines.append(f"  … {left} more")
        text = help_of(self._dictionary, self._input.value)
        self.say("\n".join([*([text] if text else []), *lines]))

    # Keys

    def action_complete(self) -> None:
        """Takes what is offered."""
        if not self._offers:
            return
        line = line_of(self._input.value)
        self._input.value = f"{line.head}{self._offers[self._chosen]} "
        self._input.cursor_position = len(self._input.value)

    def action_earlier(self) -> None:
        """The offer above, or without offers the line before."""
        self._go(-1)

    def action_later(self) -> None:
        """The offer below, or without offers the line after."""
        self._go(1)

    def _go(self, by: int) -> None:
        if self._offers:
            self._chosen = max(min(self._chosen + by, len(self._offers) - 1), 0)
            self._show()
        elif self._past:
            self._place = max(min(self._place + by, len(self._past)), 0)
            self._input.value = self._past[self._place] if self._place < len(self._past) else ""
            self._input.cursor_position = len(self._input.value)

    def action_clear(self) -> None:
        """Throws away what was typed; on an empty line goes back."""
        if not self._input.value:
            self.action_leave()
        self._input.value = ""

    def action_leave(self) -> None:
        """Goes back to the view."""
        self.say("")
        self.post_message(self.Left())
