"""Version: what it reports at boot and on command."""

from __future__ import annotations

from typing import Any

import pytest

import kittiwake
from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import Version
from kittiwake_components.version.component import VersionEnabled, VersionType

HASH = "0123456789abcdef" * 4
ALL = ["FrameworkVersion", "ProjectVersion", "LibraryVersions", "DictionaryHash"]


@pytest.fixture
def tester() -> Any:
    made: Any = ComponentTester(Version)
    made.deployment.image.update(version="1.2.3", dictionary_hash=HASH)
    return made


def test_all_versions_are_reported_once_in_the_first_cycle(tester: Any) -> None:
    """REQ-VER-001."""
    tester.call.run(0)
    tester.call.run(0)
    assert tester.events.names() == ALL
    assert tester.channels.latest() == {
        "FrameworkVersion": kittiwake.__version__, "ProjectVersion": "1.2.3", "DictionaryHash": HASH,
    }  # fmt: skip


def test_the_hash_is_that_of_the_dictionary_of_this_image(tester: Any) -> None:
    """REQ-VER-002."""
    assert tester.send("VERSION", VersionType.CUSTOM).response is CommandResponse.OK
    assert tester.events[-1].args == (HASH,)
    assert tester.channels["DictionaryHash"] == HASH


@pytest.mark.parametrize(
    "which, names",
    [
        (VersionType.FRAMEWORK, ["FrameworkVersion"]),
        (VersionType.PROJECT, ["ProjectVersion"]),
        (VersionType.LIBRARY, ["LibraryVersions"]),
        (VersionType.CUSTOM, ["DictionaryHash"]),
        (VersionType.ALL, ALL),
    ],
)
def test_each_version_is_reported_on_command(tester: Any, which: VersionType, names: list[str]) -> None:
    """REQ-VER-003."""
    assert tester.send("VERSION", which).response is CommandResponse.OK
    assert tester.events.names() == names


def test_the_answers_can_be_switched_off(tester: Any) -> None:
    """REQ-VER-003."""
    tester.send("ENABLE", VersionEnabled.DISABLED)
    assert tester.send("VERSION", VersionType.ALL).response is CommandResponse.OK
    assert not tester.events
    tester.send("ENABLE", VersionEnabled.ENABLED)
    tester.send("VERSION", VersionType.PROJECT)
    assert tester.events.names() == ["ProjectVersion"]


def test_a_version_longer_than_its_channel_is_cut(tester: Any) -> None:
    """REQ-VER-004: at a whole character."""
    tester.deployment.image["version"] = "é" * 30
    tester.call.run(0)
    assert tester.channels["ProjectVersion"] == "é" * 20


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(Version) == []
