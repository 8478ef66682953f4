"""What a copy asks of a client of servers that have folders and files: FTP's and SFTP's are two."""

from __future__ import annotations

import errno
import posixpath
from typing import Protocol

from kittiwake.named_tuple import NamedTuple

PIECE = 8192
"""Bytes that one call sends or receives: a link of 300 bytes a second carries them in time."""

MAX_DEPTH = 16


class Entry(NamedTuple):
    """What a folder has; `size` in bytes, -1 where the server does not say."""

    name: str
    is_folder: bool
    size: int


class FarClient(Protocol):
    """A session with one server: call `connect` first, `close` from any thread. Everything raises `OSError`.

    Each method makes one blocking call or a few, each bounded. Paths begin with a slash, or count from the folder to
    which the login leads. One file is written or read at a time.
    """

    @property
    def is_connected(self) -> bool:
        """Whether it has connected and was not closed; the server may have gone meanwhile."""

    def connect(self) -> None:
        """Connects and logs in."""

    def close(self) -> None:
        """Ends the session at once; a call that waits in another thread fails."""

    def size(self, path: str) -> int | None:
        """The bytes of a file; `None` if there is none, or the server does not say."""

    def modified(self, path: str) -> str:
        """When a file was written, as the server says it; empty if it does not."""

    def digest(self, path: str) -> str:
        """The SHA-256 of a file as the server computes it, in hexadecimal; empty if it does not."""

    def remove(self, path: str) -> None:
        """Removes a file."""

    def replace(self, source: str, target: str) -> None:
        """Renames a file; one that stands at `target` goes."""

    def make_folders(self, path: str) -> None:
        """Makes a folder and those above it. Raises where it is not there afterwards."""

    def entries(self, folder: str) -> list[Entry]:
        """What a folder has; nothing if there is none."""

    def begin_upload(self, path: str, offset: int = 0) -> int:
        """Begins to write a file from `offset` bytes on; gives 0 where the server wants it from the beginning."""

    def send(self, data: bytes) -> None:
        """Sends at most `PIECE` bytes of the file that is written."""

    def end_upload(self) -> None:
        """Ends the file that is written: the server has taken it."""

    def begin_download(self, path: str, offset: int = 0) -> int:
        """Begins to read a file from `offset` bytes on. Raises `FileNotFoundError`."""

    def receive(self, count: int) -> bytes:
        """The next bytes of the file that is read, `count` or `PIECE` at most; none after the end."""

    def read(self, path: str, limit: int) -> bytes | None:
        """A small file as a whole; `None` if there is none. Raises for one of more than `limit` bytes."""

    def write(self, path: str, data: bytes) -> None:
        """Writes a small file as a whole."""


def files_below(client: FarClient, top: str, most: int) -> list[Entry]:
    """The files below a folder, by their names relative to it; none if there is no such folder.

    Raises `OSError`, also for more than `most` entries, or folders deeper than `MAX_DEPTH`.
    """
    found: list[Entry] = []
    waiting, seen = [""], 0
    while waiting:
        folder = waiting.pop()
        if folder.count("/") >= MAX_DEPTH:
            raise OSError(errno.ELOOP, f"the server has folders deeper than {MAX_DEPTH}")
        for entry in client.entries(posixpath.join(top, folder) if folder else top):
            seen += 1
            if seen > most:
                raise OSError(errno.EFBIG, f"there are more than {most} files")
            name = posixpath.join(folder, entry.name)
            if entry.is_folder:
                waiting.append(name)
            else:
                found.append(entry._replace(name=name))
    return sorted(found)
