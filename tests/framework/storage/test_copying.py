"""Folders and files put in place so that they stay."""

from __future__ import annotations

import errno

import pytest

from kittiwake.storage.copying import copy_file, make_folders_durably, place_file, settle_folders
from tests.framework.storage.crashes import new_platform


@pytest.mark.parametrize("seed", range(12))
def test_folders_survive_a_power_cut(seed: int) -> None:
    platform = new_platform(seed)
    make_folders_durably(platform.files, "/data/a/b/c")
    make_folders_durably(platform.files, "/data/a/b/c")
    assert platform.crash().files.is_folder("/data/a/b/c")


def test_a_copy_is_whole_whatever_its_size() -> None:
    platform = new_platform()
    content = bytes(range(250)) * 1000
    assert place_file(platform.files, "/data/a", [content]) == len(content)
    copy_file(platform.files, "/data/a", "/data/b")
    assert platform.files.read("/data/b", 1 << 20) == content
    assert platform.files.list("/data") == ["a", "b"]


def test_a_failed_placement_gives_its_room_back() -> None:
    platform = new_platform()
    platform.files.fail_every("sync", errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        place_file(platform.files, "/data/a", [b"x"])
    assert platform.files.list("/data") == []
    platform.files.fail_every("remove", errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        place_file(platform.files, "/data/a", [b"x"])
    assert platform.files.list("/data") == ["a.new"]


@pytest.mark.parametrize("seed", range(12))
def test_folders_that_a_killed_process_has_made_can_be_settled(seed: int) -> None:
    """A kill between making and syncing leaves folders that are there, and go with the power."""
    platform = new_platform(seed)
    platform.files.make_folders("/data/a/b")
    platform = platform.restart()
    make_folders_durably(platform.files, "/data/a/b")
    settle_folders(platform.files, "/data/a/b", "/data")
    assert platform.crash().files.is_folder("/data/a/b")
