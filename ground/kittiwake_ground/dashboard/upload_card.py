"""Brings a file up: choose or drop it, say where it goes, and have it sent."""

from __future__ import annotations

from posixpath import join
from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.overview_facts import size_text
from kittiwake_ground.dashboard.page import Refused, complain
from kittiwake_ground.dashboard.remote_tree import ROOT

if TYPE_CHECKING:
    from nicegui.events import UploadEventArguments

    from kittiwake_ground.dashboard.page import Context
    from kittiwake_ground.server.transfers import Transfer

FORM_ROOM = 4096
"""What a browser's form adds to a file, in bytes."""


class UploadCard:
    """Takes one file after the other. `folder` is where the next one goes unless another place is typed."""

    def __init__(self, context: Context) -> None:
        self.folder = ROOT
        self._context = context
        self._content: bytes | None = None
        self._name = ""
        limit = context.ground.configuration.max_upload_size - FORM_ROOM
        ui.label("Upload").classes("kw-heading")
        upload = ui.upload(
            auto_upload=True, max_file_size=limit, on_upload=self._take,
            on_rejected=lambda: complain(f"at most {size_text(limit)} in a file, and one file at a time"),
        ).classes("kw-uploader")  # fmt: skip
        upload.on("failed", lambda: complain("the ground station did not get the file; try again"), args=[])
        zone = ui.element("button").props("type=button").classes("kw-drop")
        with zone:
            ui.icon("upload_file", size="24px")
            self._chosen = ui.label("Choose a file, or drop one here")
        uploader = f"getElement({upload.id}).$refs.qRef"
        zone.on("click", js_handler=f"() => {uploader}.pickFiles()")
        zone.on("dragover", js_handler="(event) => { event.preventDefault(); }")
        zone.on(
            "drop",
            js_handler=f"(event) => {{ event.preventDefault(); {uploader}.addFiles(event.dataTransfer.files); }}",
        )
        self._upload = upload
        self._by_cfdp = ui.checkbox("By CFDP, to the inbox: goes on after lost links", on_change=self._propose)
        self._by_cfdp.props("dense data-field=cfdp")
        with ui.row().classes("kw-bar kw-nowrap"):
            self._remote = ui.input("Remote name", on_change=self._refresh).props(
                "outlined dense input-class=kw-mono spellcheck=false autocomplete=off data-field=remote"
            )
            self._remote.classes("kw-grow").on("keydown.enter", self._send)
            self._button = ui.button("Upload", icon="arrow_upward", on_click=self._send)
            self._button.props("unelevated no-caps data-action=upload")
        self._refresh()

    def go_to(self, folder: str) -> None:
        """The next file goes to this folder."""
        self.folder = folder
        self._propose()

    def _propose(self) -> None:
        """Where the chosen file goes, unless another name is typed. By CFDP names count from the inbox."""
        if self._name:
            self._remote.set_value(self._name if self._by_cfdp.value else join(self.folder, self._name))

    async def _take(self, event: UploadEventArguments) -> None:
        content = await event.file.read()
        self._content, self._name = content, event.file.name
        self._chosen.set_text(f"{event.file.name}, {size_text(len(content))}: ready to be sent")
        self._propose()
        self._upload.reset()
        self._refresh()

    def _refresh(self) -> None:
        self._button.set_enabled(self._content is not None and bool(str(self._remote.value or "").strip()))

    def _send(self) -> Transfer | None:
        remote = str(self._remote.value or "").strip()
        if self._content is None or not remote:
            return None
        try:
            by = self._context.act("upload", f"{remote}, {len(self._content)} bytes")
            deployment = self._context.deployment
            upload = deployment.upload_by_cfdp if self._by_cfdp.value else deployment.transfers.upload
            transfer = upload(self._content, remote, by, self._name)
        except (Refused, ValueError, LookupError) as fault:
            complain(fault)
            return None
        self._content, self._name = None, ""
        self._chosen.set_text("Choose a file, or drop one here")
        self._remote.set_value("")
        self._refresh()
        return transfer
