"""Takes a file of whoever is at the page: chosen in the browser's dialog, or dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nicegui import ui

from kittiwake_ground.dashboard.overview_facts import size_text
from kittiwake_ground.dashboard.page import complain

if TYPE_CHECKING:
    from collections.abc import Callable

    from nicegui.events import UploadEventArguments

INVITATION = "Choose a file, or drop one here"


class FileDrop:
    """One file of at most `limit` bytes; another one replaces it. `taken` is told once its `content` is here."""

    def __init__(self, limit: int, taken: Callable[[], None]) -> None:
        self.content: bytes | None = None
        """What is in the file, `None` without one."""
        self.name = ""
        self._taken = taken
        upload = ui.upload(
            auto_upload=True, max_file_size=limit, on_upload=self._take,
            on_rejected=lambda: complain(f"at most {size_text(limit)} in a file, and one file at a time"),
        ).classes("kw-uploader")  # fmt: skip
        upload.on("failed", lambda: complain("the ground station did not get the file; try again"), args=[])
        zone = ui.element("button").props("type=button").classes("kw-drop")
        with zone:
            ui.icon("upload_file", size="24px")
            self._chosen = ui.label(INVITATION)
        uploader = f"getElement({upload.id}).$refs.qRef"
        zone.on("click", js_handler=f"() => {uploader}.pickFiles()")
        zone.on("dragover", js_handler="(event) => { event.preventDefault(); }")
        zone.on(
            "drop",
            js_handler=f"(event) => {{ event.preventDefault(); {uploader}.addFiles(event.dataTransfer.files); }}",
        )
        self._upload = upload

    async def _take(self, event: UploadEventArguments) -> None:
        content = await event.file.read()
        self.content, self.name = content, event.file.name
        self._chosen.set_text(f"{event.file.name}, {size_text(len(content))}: ready to be sent")
        self._upload.reset()
        self._taken()

    def clear(self) -> None:
        """Forgets the file: it is on its way."""
        self.content, self.name = None, ""
        self._chosen.set_text(INVITATION)
