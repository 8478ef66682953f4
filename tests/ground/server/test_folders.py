"""Folders as the deployment lists them by events, some of which may be lost."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.dictionary.decode import DecodedEvent
from kittiwake.dictionary.export import export_dictionary
from kittiwake.dictionary.load import read_dictionary
from kittiwake.topology.compile import load_topology
from kittiwake_ground.server.folders import Entry, Folders, Listing, ListingFailed
from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake.dictionary.entries import Dictionary

MANAGER = "FileHandling.fileManager"
FILE = ("DirectoryListing", ("/", "a.bin", 5))
FOLDER = ("DirectoryListingSubdir", ("/", "log"))


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    """The reference deployment's."""
    return read_dictionary(export_dictionary(load_topology(ROOT / "topologies/reference.yaml")), "reference")


class Answering:
    """Commands that are answered by events, and then as `state` says."""

    def __init__(self, dictionary: Dictionary, events: Sequence[tuple[str, tuple[Any, ...]]], state: str) -> None:
        self._dictionary = dictionary
        self._events = events
        self._state = state
        self.folders: Folders

    def submit(self, name: str, arguments: list[Any], by: str, timeout_s: float) -> Any:
        assert (name, arguments) == (f"{MANAGER}.ListDirectory", ["/"])
        return self

    async def wait(self) -> Any:
        for mnemonic, arguments in self._events:
            event = self._dictionary.events[f"{MANAGER}.{mnemonic}"]
            self.folders.take_event(DecodedEvent(event, 0, arguments))
        return SimpleNamespace(state=self._state, reason="EXECUTION_ERROR")


def listed(dictionary: Dictionary, *events: tuple[str, tuple[Any, ...]], state: str = "completed") -> Listing:
    commands: Any = Answering(dictionary, events, state)
    folders = commands.folders = Folders(dictionary, commands)
    return asyncio.run(folders.list("/"))


def test_folders_come_first_and_the_count_says_that_all_came(dictionary: Dictionary) -> None:
    found = listed(dictionary, FILE, FOLDER, ("ListDirectorySucceeded", ("/", 2)))
    assert found == Listing("/", (Entry("log", True), Entry("a.bin", False, 5)), True, 2)


def test_an_entry_that_was_lost_on_the_way_is_missed_by_the_count(dictionary: Dictionary) -> None:
    found = listed(dictionary, FILE, ("ListDirectorySucceeded", ("/", 2)))
    assert (found.complete, found.counted, len(found.entries)) == (False, 2, 1)


def test_the_count_of_another_folder_is_none_of_ours(dictionary: Dictionary) -> None:
    found = listed(dictionary, FILE, ("ListDirectorySucceeded", ("/log", 9)))
    assert (found.complete, found.counted) == (True, None)


def test_what_was_left_out_makes_it_incomplete(dictionary: Dictionary) -> None:
    assert not listed(dictionary, FILE, ("ListingCut", ("/", 1, 3)), ("ListDirectorySucceeded", ("/", 3))).complete


def test_a_folder_that_is_not_listed_says_why(dictionary: Dictionary) -> None:
    with pytest.raises(ListingFailed, match="/: EXECUTION_ERROR"):
        listed(dictionary, state="failed")
