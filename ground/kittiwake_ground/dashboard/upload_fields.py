"""The fields of a file that goes up: the file itself, its name in the deployment, and the way it takes."""

from __future__ import annotations

from posixpath import join
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.file_drop import FileDrop
from kittiwake_ground.dashboard.remote_tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable


class UploadFields:
    """The fields, for a file of at most `limit` bytes; `changed` is told of whatever is entered, `enter` of Enter.

    `bar` is the line with the name, where a button may be added.
    """

    def __init__(self, limit: int, changed: Callable[[], None], enter: Callable[[], object]) -> None:
        self._folder = ROOT
        self._changed = changed
        self._drop = FileDrop(limit, self._taken)
        self._by_cfdp = ui.checkbox("By CFDP, to the inbox: goes on after lost links", on_change=self._propose)
        self._by_cfdp.props("dense data-field=cfdp")
        self.bar = ui.row().classes("kw-bar kw-nowrap kw-wide")
        with self.bar:
            self._remote = ui.input("Remote name", on_change=changed).props(
                "outlined dense input-class=kw-mono spellcheck=false autocomplete=off data-field=remote"
            )
            self._remote.classes("kw-grow").on("keydown.enter", enter)

    @property
    def content(self) -> bytes | None:
        """What is in the file, `None` as long as none was chosen."""
        return self._drop.content

    @property
    def name(self) -> str:
        """What the file is called here."""
        return self._drop.name

    @property
    def remote(self) -> str:
        """What it is to be called in the deployment."""
        return str(self._remote.value or "").strip()

    @property
    def by_cfdp(self) -> bool:
        """Whether it goes by CFDP."""
        return bool(self._by_cfdp.value)

    @property
    def are_filled(self) -> bool:
        """Whether there is a file, and a name for it."""
        return self.content is not None and bool(self.remote)

    def go_to(self, folder: str) -> None:
        """The next file goes to this folder, unless another place is typed."""
        self._folder = folder
        self._propose()

    def clear(self) -> None:
        """Forgets the file, which is on its way."""
        self._drop.clear()
        self._remote.set_value("")
        self._changed()

    def _taken(self) -> None:
        self._propose()
        self._changed()

    def _propose(self) -> None:
        """Where the chosen file goes, unless another name is typed. By CFDP names count from the inbox."""
        if self.name:
            self._remote.set_value(self.name if self.by_cfdp else join(self._folder, self.name))
        self._changed()
