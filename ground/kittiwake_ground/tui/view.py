"""A view: a list of records with a line to filter it, opened by a key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from kittiwake_ground.tui.record_list import RecordList

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from textual.app import ComposeResult

    from kittiwake_ground.tui.picture import Picture
    from kittiwake_ground.tui.record_list import Cell, Column


class View(Vertical):
    """Shows some of what a picture has. Whoever derives one says which, and how."""

    class Hint(Message):
        """Why a key does nothing here, or what it did."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    title: ClassVar[str] = ""
    columns: ClassVar[Sequence[Column]] = ()
    empty: ClassVar[str] = ""
    follow: ClassVar[bool] = False
    BINDINGS: ClassVar = [
        Binding("slash", "filter", "Filter", key_display="/"),
        Binding("escape", "unfilter", "All"),
    ]
    DEFAULT_CSS = """
    View { height: 1fr; }
    View > Input { display: none; }
    View > Input.used { display: block; }
    """

    def __init__(self, picture: Picture, **about: Any) -> None:
        super().__init__(**about)
        self.picture = picture
        self.list = RecordList(self.columns, self.cells, self.key, follow=self.follow, empty=self.empty)
        self._input = Input(compact=True, placeholder="filter: words that must occur")

    def compose(self) -> ComposeResult:
        yield self._input
        yield self.list

    # What is shown

    def records(self) -> Iterable[Any]:
        """All records, in their order."""
        raise NotImplementedError

    def cells(self, record: Any) -> Sequence[Cell]:
        """The cells of a record, one for each column."""
        raise NotImplementedError

    def key(self, record: Any) -> Any:
        """What tells a record from others."""
        raise NotImplementedError

    def words(self, record: Any) -> str:
        """The text of a record that the filter looks at."""
        raise NotImplementedError

    def bring_up_to_date(self) -> None:
        """Shows what the picture has now."""
        wanted = self._input.value.lower().split()
        records = list(self.records())
        if wanted:
            records = [one for one in records if all(word in self.words(one).lower() for word in wanted)]
        self.list.show(records)

    # What people do

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool:
        """Which keys mean something now, and stand at the bottom."""
        if action == "unfilter":
            return self._input.has_focus or bool(self._input.value)
        return action != "filter" or not self._input.has_focus

    def action_filter(self) -> None:
        """Goes to the filter."""
        self._input.add_class("used")
        self._input.focus()

    def action_unfilter(self) -> None:
        """Shows all records again."""
        self._input.value = ""
        self._input.remove_class("used")
        self.list.focus()
        self.refresh_bindings()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filters while somebody types."""
        event.stop()
        self.bring_up_to_date()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Goes back to the list, filtered."""
        event.stop()
        if not self._input.value.strip():
            self._input.remove_class("used")
        self.list.focus()
