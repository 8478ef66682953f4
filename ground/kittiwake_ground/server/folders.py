"""The folders of a deployment, listed by its file manager's events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from kittiwake_ground.server.instances import command_called

if TYPE_CHECKING:
    from kittiwake.dictionary.decode import DecodedEvent
    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.server.commands import Commands

LIST_COMMAND = "ListDirectory"
FILE_EVENT, FOLDER_EVENT, CUT_EVENT = "DirectoryListing", "DirectoryListingSubdir", "ListingCut"
COUNT_EVENT = "ListDirectorySucceeded"
MAX_ENTRIES = 10_000
TIMEOUT_S = 120.0


class ListingFailed(ValueError):
    """The deployment did not list the folder; the message says why."""


class Entry(NamedTuple):
    """A file with its size in bytes, or a folder."""

    name: str
    is_folder: bool
    size: int = 0


class Listing(NamedTuple):
    """A folder's entries; `complete` is false where there are more than came: left out, or lost on the way.

    `counted` is how many there are by the deployment's own count, or `None` if it did not say.
    """

    path: str
    entries: tuple[Entry, ...]
    complete: bool
    counted: int | None = None


class Folders:
    """Lists folders, one at a time."""

    def __init__(self, dictionary: Dictionary, commands: Commands) -> None:
        self._dictionary = dictionary
        self._commands = commands
        self._one = asyncio.Lock()
        self._instance = ""
        self._entries: dict[str, Entry] | None = None
        self._path = ""
        self._cut = False
        self._counted: int | None = None

    async def list(self, path: str, by: str = "local") -> Listing:
        """The entries of a folder.

        Raises `NoSuchAbility` if the deployment has no file manager, `ListingFailed`, and what `Commands.submit` does.
        """
        command = command_called(self._dictionary, LIST_COMMAND, 1)
        async with self._one:
            self._instance = command.name.rpartition(".")[0]
            self._entries, self._path, self._cut, self._counted = {}, path, False, None
            try:
                record = await self._commands.submit(command.name, [path], by, TIMEOUT_S).wait()
                if record.state != "completed":
                    raise ListingFailed(f"{path}: {record.reason or record.state}")
                ordered = sorted(self._entries.values(), key=lambda one: (not one.is_folder, one.name))
                whole = not self._cut and (self._counted is None or len(ordered) >= self._counted)
                return Listing(path, tuple(ordered), whole, self._counted)
            finally:
                self._entries = None

    def take_event(self, event: DecodedEvent) -> None:
        """Looks at an event."""
        entries = self._entries
        if entries is None:
            return
        instance, _, mnemonic = event.name.rpartition(".")
        if instance != self._instance or mnemonic not in (FILE_EVENT, FOLDER_EVENT, CUT_EVENT, COUNT_EVENT):
            return
        if not event.args or event.args[0] != self._path:
            return
        if mnemonic == COUNT_EVENT:
            self._counted = int(event.args[1])
        elif mnemonic == CUT_EVENT or len(entries) >= MAX_ENTRIES:
            self._cut = True
        elif mnemonic == FILE_EVENT:
            entries[event.args[1]] = Entry(event.args[1], False, int(event.args[2]))
        else:
            entries[event.args[1]] = Entry(event.args[1], True)
