"""A dialog that asks before something is done."""

from __future__ import annotations

from nicegui import ui


async def confirmed(said: str, note: str, keep: str, go_on: str) -> bool:
    """Whether somebody agrees: `keep` and `go_on` are the words of the buttons that leave it and do it."""
    with ui.dialog() as dialog, ui.card().classes("kw-card kw-dialog"):
        ui.label(said).classes("kw-anywhere")
        ui.label(note).classes("kw-muted")
        with ui.row().classes("kw-bar kw-end"):
            ui.button(keep, on_click=lambda: dialog.submit(False)).props("outline no-caps autofocus")
            ui.button(go_on, on_click=lambda: dialog.submit(True)).props(
                "unelevated no-caps color=negative data-action=agree"
            )
    agreed = await dialog
    dialog.delete()
    return bool(agreed)
