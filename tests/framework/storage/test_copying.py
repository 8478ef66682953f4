"""Folders and files put in place so that they stay."""

from __future__ import annotations

import errno

import pytest

from kittiwake.platform.simulated import PowerCut
from kittiwake.storage.copying import copy_file, make_folders_durably, place_file
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
@pytest.mark.parametrize("path", ["/data/a/b/c", "/data/a/b/other", "/data/a/b"])
def test_folders_that_a_killed_process_has_made_outlive_the_power_too(seed: int, path: str) -> None:
    """A kill between making and syncing leaves a folder that is there, and would go with the power."""
    operation, is_over = 0, False
    while not is_over:
        platform = new_platform(seed)
        operation += 1
        platform.files.cut_at(platform.files.operations + operation, after=True)
        try:
            make_folders_durably(platform.files, "/data/a/b/c")
            is_over = True
        except PowerCut:
            pass
        platform.files.heal()
        platform = platform.restart()
        make_folders_durably(platform.files, path)
        assert platform.crash().files.is_folder(path), f"killed after operation {operation}"
    assert operation > 6


def test_a_folder_that_may_not_be_looked_into_is_no_hindrance() -> None:
    """The folder above the deployment's may belong to somebody else."""
    platform = new_platform()
    platform.files.fail_at(platform.files.operations + 3, errno.EACCES)  # after two questions what is there
    make_folders_durably(platform.files, "/data/a")
    assert platform.crash().files.is_folder("/data/a")
