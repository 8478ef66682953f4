"""The page charts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

if TYPE_CHECKING:
    from kittiwake_ground.dashboard.page import Context


def build(context: Context) -> None:
    """The page."""
    ui.label("charts").classes("kw-title")
