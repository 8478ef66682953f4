"""What the folders of an FTP server have: by MLSD (RFC 3659), or NLST where the server is older."""

from __future__ import annotations

import posixpath
from typing import Protocol

from kittiwake_components.transfer_service.far_client import Entry

MAX_DIGITS = 18


class Server(Protocol):
    """What is asked of the server. Everything raises `OSError`."""

    @property
    def has_facts(self) -> bool:
        """Whether the server says what the entries of a folder are (MLSD)."""

    def listing(self, command: str, folder: str) -> list[str] | None:
        """The lines of MLSD or NLST; `None` where the server has no such command, or no such folder."""

    def is_folder(self, path: str) -> bool:
        """Whether a name is that of a folder."""

    def size(self, path: str) -> int | None:
        """The size of a file in bytes; `None` if there is none."""


def entries_of(client: Server, folder: str) -> list[Entry]:
    """What a folder has; nothing if there is none. With NLST each name is asked about. Raises `OSError`."""
    lines = client.listing("MLSD", folder) if client.has_facts else None
    if lines is not None:
        return [entry for line in lines if (entry := parse_entry(line)) is not None]
    names = [posixpath.basename(line.rstrip("/")) for line in client.listing("NLST", folder) or ()]
    found = []
    for name in filter(_is_plain, names):
        path = posixpath.join(folder, name)
        is_folder = client.is_folder(path)
        size = None if is_folder else client.size(path)
        found.append(Entry(name, is_folder, -1 if size is None else size))
    return found


def _is_plain(name: str) -> bool:
    """Whether it is the name of an entry, and neither a path nor a trap."""
    return name not in ("", ".", "..") and "/" not in name and name.isprintable()


def parse_entry(line: str) -> Entry | None:
    """An entry of a line of MLSD (RFC 3659, 7.2): `type=file;size=12; name`. `None` for what leads elsewhere."""
    text, _, name = line.partition(" ")
    facts = {key.lower(): value.lower() for key, _, value in [fact.partition("=") for fact in text.split(";")]}
    if facts.get("type") not in ("file", "dir") or not _is_plain(name):
        return None
    size = number_in(facts.get("size", ""))
    return Entry(name, facts["type"] == "dir", -1 if size is None else size)


def number_in(text: str) -> int | None:
    """A number of at most `MAX_DIGITS` digits."""
    return int(text) if text.isdecimal() and text.isascii() and len(text) <= MAX_DIGITS else None
