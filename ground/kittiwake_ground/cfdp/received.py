"""The folder of files that have arrived by CFDP: what it takes, and how they are called in it."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from kittiwake_ground.server.transfer import kept_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.cfdp.pdu import Header, Metadata
    from kittiwake.platform.interface import Files


class Received:
    """A folder of at most `max_files` files with `max_bytes` in all; nothing in it is ever replaced or removed here.

    `id_of` gives the id of the transfer that a transaction is.
    """

    def __init__(
        self,
        files: Files,
        top: str,
        max_files: int,
        max_bytes: int,
        max_file_bytes: int,
        id_of: Callable[[tuple[int, int]], int],
    ) -> None:
        self.top = top
        self._files = files
        self._max_files = max_files
        self._max_bytes = max_bytes
        self._max_file_bytes = max_file_bytes
        self._id_of = id_of

    def limit(self) -> int:
        return min(self._max_file_bytes, self._room())

    def _room(self, but: str = "") -> int:
        """How many bytes one more file may have; one that comes again does not count beside itself."""
        names = [name for name in self._files.list(self.top) if name != but]
        used = sum([self._files.size(posixpath.join(self.top, name)) for name in names])
        return 0 if len(names) >= self._max_files else max(0, self._max_bytes - used)

    def path_of(self, id: int, name: str) -> str:
        """Where a file stands that has arrived."""
        return posixpath.join(self.top, kept_name(id, name.rpartition("/")[2]))

    def place(self, header: Header, metadata: Metadata) -> str:
        path = self.path_of(self._id_of(header.transaction), metadata.destination_name)
        name = posixpath.basename(path)
        if len(self._files.list(self.top)) >= self._max_files or metadata.size > self._room(name):
            raise OSError(errno.EDQUOT, "the folder of received files is full")
        return path
