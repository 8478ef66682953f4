"""Brings a file up: choose or drop it, say where it goes, and have it sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.dashboard.upload_fields import UploadFields

if TYPE_CHECKING:
    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.transfers import Transfer

FORM_ROOM = 4096
"""What a browser's form adds to a file, in bytes."""


class UploadCard:
    """Takes one file after the other."""

    def __init__(self, context: Context) -> None:
        self._context = context
        limit = context.ground.configuration.max_upload_size - FORM_ROOM
        ui.label("Upload").classes("kw-heading")
        self._fields = UploadFields(limit, self._refresh, self._send)
        with self._fields.bar:
            self._button = ui.button("Upload", icon="arrow_upward", on_click=self._send)
            self._button.props("unelevated no-caps data-action=upload")
        self._refresh()

    def go_to(self, folder: str) -> None:
        """The next file goes to this folder."""
        self._fields.go_to(folder)

    def _refresh(self) -> None:
        self._button.set_enabled(self._fields.are_filled)

    def _send(self) -> Transfer | None:
        fields = self._fields
        if not fields.are_filled or fields.content is None:
            return None
        try:
            by = self._context.act("upload", f"{fields.remote}, {len(fields.content)} bytes")
            deployment = self._context.deployment
            upload = deployment.upload_by_cfdp if fields.by_cfdp else deployment.transfers.upload
            transfer = upload(fields.content, fields.remote, by, fields.name)
        except (Refused, ValueError, LookupError) as fault:
            complain(fault)
            return None
        fields.clear()
        return transfer
