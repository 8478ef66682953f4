"""The list of the sequence texts that the ground station keeps."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.page import Refused, complain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.dashboard.sequence_texts import SequenceTexts
    from kittiwake_ground.server.subscription import Update

PICK = """(event) => {
  const gone = event.target.closest('[data-delete]');
  if (gone) { emit('delete', gone.dataset.delete); return; }
  const found = event.target.closest('[data-open]');
  if (found) emit('open', found.dataset.open);
}"""


class SequenceShelf:
    """Opens and deletes texts. `opened` is told of a name, or of the empty text for a new one."""

    def __init__(
        self,
        context: Context,
        texts: SequenceTexts,
        opened: Callable[[str], Awaitable[None]],
        current: Callable[[], str],
    ) -> None:
        self._context = context
        self._texts = texts
        self._opened = opened
        self._current = current
        with ui.row().classes("kw-bar"):
            ui.label("Sequences").classes("kw-heading")
            ui.space()
            ui.button("New", icon="add", on_click=lambda: self._opened("")).props(
                "outline no-caps dense data-key=n data-action=new"
            )
        self._list = ui.html("", sanitize=False).classes("kw-wide kw-picks")
        self._list.on("click", lambda event: self._picked(*event.args), js_handler=PICK)
        self._last = ""
        self._refresh()
        context.on_tick(self._refresh)

    def _refresh(self, _: list[Update] | None = None) -> None:
        try:
            names = self._texts.names()
        except OSError as fault:
            content = f'<div class="kw-bad">{escape(str(fault))}</div>'
        else:
            content = "".join(map(self._item, names)) or '<div class="kw-muted kw-empty">None is kept yet.</div>'
        if content != self._last:
            self._last = content
            self._list.set_content(content)

    def _item(self, name: str) -> str:
        shown, current = escape(name), ' aria-current="true"' if name == self._current() else ""
        delete = (
            f'<button type="button" class="kw-pick-delete" data-delete="{shown}" aria-label="Delete {shown}">'
            "&times;</button>"
            if self._context.may_act
            else ""
        )
        opener = f'<button type="button" class="kw-pick" data-open="{shown}"{current}>{shown}</button>'
        return f'<div class="kw-pick-line">{opener}{delete}</div>'

    async def _picked(self, what: str, name: str) -> None:
        if what == "open":
            await self._opened(name)
        elif await self._agreed(name):
            self._delete(name)

    async def _agreed(self, name: str) -> bool:
        with ui.dialog() as dialog, ui.card().classes("kw-card"):
            ui.label(f"Delete {name}?")
            ui.label("Its text is gone then. What was uploaded from it stays in the deployment.").classes("kw-muted")
            with ui.row().classes("kw-bar kw-end"):
                ui.button("Keep it", on_click=lambda: dialog.submit(False)).props("outline no-caps autofocus")
                ui.button("Delete", on_click=lambda: dialog.submit(True)).props(
                    "unelevated no-caps color=negative data-action=delete"
                )
        agreed = await dialog
        dialog.delete()
        return bool(agreed)

    def _delete(self, name: str) -> None:
        try:
            self._context.act("sequence text deleted", name)
            self._texts.delete(name)
        except (Refused, ValueError, OSError) as fault:
            complain(fault)
        self._refresh()
