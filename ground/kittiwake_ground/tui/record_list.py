"""A list of records with a cursor, which draws only the lines that are seen, however many there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from kittiwake.dictionary.lines import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.events import Click, MouseScrollDown, MouseScrollUp

WHEEL = 3
MOST_LETTERS = 500
"""So much of a text is looked at for a line."""


class Column(NamedTuple):
    """A column: so many letters wide, or with 0 a share of the rest; shown from a terminal of `from_width` on.

    `tail` keeps the end of what is too long, as of names.
    """

    title: str
    width: int = 0
    from_width: int = 0
    tail: bool = False
    share: int = 1


class Cell(NamedTuple):
    """A text and its style, as Rich writes it."""

    text: str
    style: str = ""


class RecordList(Widget, can_focus=True):
    """Shows records in columns. The cursor stays on its record while others come and go.

    With `follow` it stays at the end while it is there.
    """

    class Moved(Message):
        """The cursor is on another record."""

        def __init__(self, source: RecordList) -> None:
            super().__init__()
            self.source = source

    class Opened(Message):
        """Somebody wants to see more of the record at the cursor."""

        def __init__(self, source: RecordList) -> None:
            super().__init__()
            self.source = source

    BINDINGS: ClassVar = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home,g", "move(-1000000)", "First", show=False),
        Binding("end,G", "move(1000000)", "Last", show=False),
        Binding("enter", "open", "Details"),
    ]
    DEFAULT_CSS = "RecordList { height: 1fr; }"

    def __init__(
        self,
        columns: Sequence[Column],
        cells: Callable[[Any], Sequence[Cell]],
        key: Callable[[Any], Any],
        *,
        follow: bool = False,
        empty: str = "",
        **about: Any,
    ) -> None:
        """`cells` makes the cells of a record, `key` tells it from others; `empty` is shown where there is none."""
        super().__init__(**about)
        self.empty = empty
        self._columns = columns
        self._cells = cells
        self._key = key
        self._follow = follow
        self._records: Sequence[Any] = ()
        self._cursor = 0
        self._top = 0

    @property
    def record(self) -> Any:
        """The record at the cursor, or `None`."""
        return self._records[self._cursor] if self._records else None

    def show(self, records: Sequence[Any]) -> None:
        """Shows these records."""
        before = self.record
        at_end = self._follow and self._cursor >= len(self._records) - 1
        self._records = records
        if at_end:
            self._cursor = max(len(records) - 1, 0)
        elif before is not None:
            self._cursor = self._place_of(self._key(before))
        self._reveal()
        if (before is None) != (self.record is None) or (
            before is not None and self._key(before) != self._key(self.record)
        ):
            self.post_message(self.Moved(self))
        self.refresh()

    def _key_of(self, record: Any) -> Any:
        return None if record is None else self._key(record)

    def _place_of(self, key: Any) -> int:
        found = next((place for place, one in enumerate(self._records) if self._key(one) == key), None)
        return min(self._cursor, max(len(self._records) - 1, 0)) if found is None else found

    def _reveal(self) -> None:
        """Scrolls so that the cursor is seen; a list that is hidden has no height, and stays where it is."""
        height = self.size.height - 1
        if height < 1:
            return
        self._top = min(max(self._top, self._cursor - height + 1), self._cursor)
        self._top = max(min(self._top, len(self._records) - height), 0)

    def on_resize(self) -> None:
        """Keeps the cursor in sight."""
        self._reveal()

    # What people do

    def action_move(self, by: int) -> None:
        """Moves the cursor."""
        to = max(min(self._cursor + by, len(self._records) - 1), 0)
        if to != self._cursor:
            self._cursor = to
            self.post_message(self.Moved(self))
        self._reveal()
        self.refresh()

    def action_page(self, by: int) -> None:
        """Moves the cursor by what is seen at once."""
        self.action_move(by * max(self.size.height - 2, 1))

    def action_open(self) -> None:
        """Asks for more of the record."""
        if self._records:
            self.post_message(self.Opened(self))

    def on_click(self, event: Click) -> None:
        """Puts the cursor where the mouse is; a second click opens the record."""
        place = self._top + event.y - 1
        if event.y < 1 or place >= len(self._records):
            return
        self.action_move(place - self._cursor)
        if event.chain == 2:
            self.action_open()

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Moves on."""
        event.stop()
        self.action_move(WHEEL)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Moves back."""
        event.stop()
        self.action_move(-WHEEL)

    # Drawing

    def render_line(self, y: int) -> Strip:
        """The head, or a record."""
        width, base = self.size.width, self.rich_style
        if y == 0:
            return self._strip([Cell(one.title, "bold") for one in self._columns], base + Style(dim=True))
        place = self._top + y - 1
        if place >= len(self._records):
            note = self.empty if y == 1 and not self._records else ""
            return Strip([Segment(set_cell_size(note, width), base + Style(dim=True))], width)
        at_cursor = place == self._cursor
        style = base + Style(reverse=self.has_focus, bold=True) if at_cursor else base
        return self._strip(self._cells(self._records[place]), style)

    def _strip(self, cells: Sequence[Cell], base: Style) -> Strip:
        segments = []
        for column, cell, width in zip(self._columns, cells, self._widths(), strict=True):
            if width:
                text = fitted(one_line(cell.text[:MOST_LETTERS]), width, column.tail)
                segments += [Segment(text, base + Style.parse(cell.style)), Segment(" ", base)]
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def _widths(self) -> list[int]:
        """The width of each column; 0 where there is no room for it."""
        columns = [one for one in self._columns if self.size.width >= one.from_width]
        fixed = sum(one.width for one in columns) + len(columns) - 1
        shares = sum(one.share for one in columns if not one.width)
        rest = max(self.size.width - fixed, 0)
        return [(one.width or rest * one.share // max(shares, 1)) if one in columns else 0 for one in self._columns]


def fitted(text: str, width: int, tail: bool = False) -> str:
    """A text made so wide, with an ellipsis where it is cut."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    if width < 2:
        return set_cell_size(text, width)
    if tail:
        while cell_len(text) > width - 1:
            text = text[1:]
        return set_cell_size(f"…{text}", width)
    return set_cell_size(f"{set_cell_size(text, width - 1)}…", width)
