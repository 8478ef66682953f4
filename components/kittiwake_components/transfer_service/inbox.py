"""The device's inbox: a file that arrives gets the name that its sender gave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.storage.root import Root

if TYPE_CHECKING:
    from kittiwake.cfdp.pdu import Header, Metadata
    from kittiwake.platform.interface import Files


class NamedInbox:
    """A folder of files of at most `max_bytes` each. A file of the same name is replaced."""

    def __init__(self, files: Files, top: str, max_bytes: int) -> None:
        self.top = top
        self._root = Root(files, top)
        self._max_bytes = max_bytes

    def limit(self) -> int:
        return self._max_bytes

    def place(self, header: Header, metadata: Metadata) -> str:
        target = self._root.resolve(metadata.destination_name)
        if target == self.top:
            raise IsADirectoryError("the inbox is no file")
        return target
