"""The data products in a folder: which there are, which were sent, and which goes next.

What there is, the files say; what was sent, a journal beside them with the name of a file in each record.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.finding import Finding, move_aside
from kittiwake.storage.journal import Journal, JournalFull
from kittiwake.wire.data_product import HEADER_SIZE, ProductHeader, parse_header

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files

VERSION = 1
SUFFIX = ".fdp"
NAME_SIZE_MAX = 240
PRODUCTS_MAX = 10_000
_JOURNAL_SIZE_MAX = PRODUCTS_MAX * 2 * 64


class Entry(NamedTuple):
    """One product: the file's name in the folder, what its header says, and the size of the file in bytes."""

    name: str
    header: ProductHeader
    size: int

    @property
    def order(self) -> tuple[int, int, int, str]:
        """What goes first to the ground: the lowest priority number, then the oldest."""
        return self.header.priority, self.header.seconds, self.header.useconds, self.name

    @property
    def age(self) -> tuple[int, int, str]:
        """What goes first from the disk, of those that are worth the same: the oldest."""
        return self.header.seconds, self.header.useconds, self.name


class Catalogue:
    """The products of one folder. Every method may raise `OSError`; `build` comes first."""

    def __init__(self, files: Files, folder: str) -> None:
        self._files = files
        self._folder = folder
        self._journal = Journal(
            files, posixpath.join(folder, "sent"), VERSION, record_limit=NAME_SIZE_MAX, size_limit=_JOURNAL_SIZE_MAX
        )
        self._entries: dict[str, Entry] = {}
        self._sent: set[str] = set()
        self.is_built = False

    def build(self) -> list[Finding]:
        """Reads the folder, made if absent; a file that is no product is kept aside. Returns what was wrong.

        At most `PRODUCTS_MAX` are taken, the rest is left out.
        """
        make_folders_durably(self._files, self._folder)
        findings = list(self._journal.open())
        marked = {name.decode("utf-8", "replace") for name in self._journal.records()}
        self._entries, self._sent = {}, set()
        for name in sorted(self._files.list(self._folder)):
            if name.endswith(SUFFIX) and len(self._entries) < PRODUCTS_MAX:
                try:
                    self.add(name)
                except ValueError as fault:
                    findings.append(move_aside(self._files, posixpath.join(self._folder, name), str(fault)))
        self._sent = marked & set(self._entries)
        if marked != self._sent:
            self._journal.compact(self._marks())
        self.is_built = True
        return findings

    def _marks(self) -> list[bytes]:
        return [name.encode() for name in sorted(self._sent)]

    def add(self, name: str) -> Entry:
        """Takes a file of the folder. Raises `WireError`, a `ValueError`, for one that is no product."""
        path = posixpath.join(self._folder, name)
        with self._files.open(path, "r") as file:
            header = parse_header(file.read_at(0, HEADER_SIZE))
            size = file.size()
        if size != header.file_size:
            raise ValueError(f"has {size} bytes, its header speaks of {header.file_size}")
        entry = self._entries[name] = Entry(name, header, size)
        return entry

    def clear(self) -> None:
        """Forgets all; the files stay, and so does what was sent."""
        self._entries, self._sent = {}, set()
        self.is_built = False

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    @property
    def count(self) -> int:
        """How many products there are."""
        return len(self._entries)

    @property
    def size(self) -> int:
        """Their bytes."""
        return sum([entry.size for entry in self._entries.values()])

    @property
    def pending(self) -> list[Entry]:
        """Those that were not sent."""
        return [entry for name, entry in self._entries.items() if name not in self._sent]

    def next(self) -> Entry | None:
        """The product that goes to the ground next."""
        return min(self.pending, key=lambda entry: entry.order, default=None)

    def mark_sent(self, name: str) -> None:
        """Notes durably that a product was sent."""
        if name not in self._entries:
            return
        try:
            self._journal.append(name.encode())
        except JournalFull:
            self._journal.compact([*self._marks(), name.encode()])
        self._sent.add(name)

    def is_sent(self, name: str) -> bool:
        """Whether a product was sent."""
        return name in self._sent

    def dispensable(self, keep: set[str]) -> Entry | None:
        """The product that is missed least, but none of `keep`.

        The oldest of those that were sent, else the oldest of the highest priority number.
        """
        others = [entry for entry in self._entries.values() if entry.name not in keep]
        sent = [entry for entry in others if entry.name in self._sent]
        if sent:
            return min(sent, key=lambda entry: entry.age)
        return min(others, key=lambda entry: (-entry.header.priority, entry.age), default=None)

    def remove(self, name: str) -> None:
        """Removes a product and its file."""
        self.forget(name)
        self._files.remove(posixpath.join(self._folder, name))

    def forget(self, name: str) -> None:
        """Takes a product out of the catalogue; its file may be gone already."""
        self._entries.pop(name, None)
        self._sent.discard(name)

    def close(self) -> None:
        """Closes the journal."""
        self._journal.close()
