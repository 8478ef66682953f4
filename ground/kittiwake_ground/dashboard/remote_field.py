"""The field for the name of a file on board: typed, or picked from the deployment's folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.remote_folder import RemoteFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake_ground.dashboard.page import Context


class RemoteField:
    """The field. It proposes `known` names; `changed` is told of every key, `enter` of the key Enter."""

    def __init__(
        self, context: Context, label: str, known: Iterable[str], changed: Callable[[], None],
        enter: Callable[[], object],
    ) -> None:  # fmt: skip
        self._context = context
        self._folder: RemoteFolder | None = None
        self._input = ui.input(label, on_change=changed, autocomplete=sorted(known)).classes("kw-wide")
        self._input.props("outlined dense input-class=kw-mono spellcheck=false data-field=plan-remote")
        self._input.on("keydown.enter", enter)
        with self._input.add_slot("append"):
            browse = ui.button(icon="folder_open", on_click=self._browse)
            browse.props('flat round dense size=sm aria-label="Choose in the remote folder" data-action=browse')
        self._dialog = ui.dialog()

    @property
    def path(self) -> str:
        """The name as it is entered."""
        return str(self._input.value or "").strip()

    def _browse(self) -> None:
        """Shows the folders, which are listed as they are opened."""
        if self._folder is None:
            with self._dialog, ui.card().classes("kw-card kw-dialog"):
                self._folder = RemoteFolder(self._context, self._take, lambda folder: None, picks=True)
        self._dialog.open()

    def _take(self, path: str) -> None:
        self._input.set_value(path)
        self._dialog.close()
