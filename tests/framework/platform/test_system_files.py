"""Files of the machine."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from kittiwake.platform.system import SystemPlatform
from kittiwake.platform.system_files import SystemFiles


@pytest.fixture
def files() -> SystemFiles:
    return SystemPlatform().files


def test_a_file_is_written_and_read_at_offsets(files: SystemFiles, tmp_path: Path) -> None:
    with files.open(str(tmp_path / "a"), "x") as file:
        file.write_at(4, b"efgh")
        file.write_at(0, b"abcd")
        file.sync()
        assert file.read_at(2, 4) == b"cdef"
        assert file.read_at(6, 100) == b"gh"
        assert file.read_at(8, 1) == b""
        assert file.size() == 8
        file.truncate(3)
        assert file.size() == 3
    file.close()
    assert (tmp_path / "a").read_bytes() == b"abc"


def test_modes_say_whether_a_file_is_made(files: SystemFiles, tmp_path: Path) -> None:
    path = str(tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        files.open(path, "r")
    files.open(path, "w").close()
    with pytest.raises(FileExistsError):
        files.open(path, "x")
    with files.open(path, "w") as file:
        file.write_at(0, b"kept")
    with files.open(path, "w") as file:
        assert file.read_at(0, 9) == b"kept"
    with files.open(path, "r") as file, pytest.raises(OSError, match="Bad file"):
        file.write_at(0, b"x")


def test_a_folder_is_not_opened_as_a_file(files: SystemFiles, tmp_path: Path) -> None:
    for mode in ("r", "w"):
        with pytest.raises(IsADirectoryError):
            files.open(str(tmp_path), mode)


def test_opening_a_fifo_does_not_wait_for_its_other_end(files: SystemFiles, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with files.open(str(tmp_path / "fifo"), "r") as file, pytest.raises(OSError, match="Illegal seek"):
        file.read_at(0, 1)


def test_descriptors_are_not_inherited(files: SystemFiles, tmp_path: Path) -> None:
    path = tmp_path / "a"
    with files.open(str(path), "w"):
        links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink() and link.resolve() == path]
        assert [os.get_inheritable(int(link.name)) for link in links] == [False]


def test_reading_a_whole_file_respects_the_limit(files: SystemFiles, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(200_000))
    assert files.read(str(path), 200_000) == bytes(200_000)
    with pytest.raises(OSError, match="large") as caught:
        files.read(str(path), 199_999)
    assert caught.value.errno == errno.EFBIG
    assert files.read("/proc/self/stat", 4096)
    with pytest.raises(OSError, match="large"):
        files.read("/proc/self/status", 10)


def test_folders_and_names(files: SystemFiles, tmp_path: Path) -> None:
    top = str(tmp_path)
    files.make_folders(f"{top}/a/b")
    files.make_folders(f"{top}/a/b")
    files.make_folder(f"{top}/c")
    with pytest.raises(FileExistsError):
        files.make_folder(f"{top}/c")
    files.open(f"{top}/a/x", "x").close()
    files.rename(f"{top}/a/x", f"{top}/a/y")
    files.sync_folder(f"{top}/a")
    assert files.list(f"{top}/a") == ["b", "y"]
    assert files.exists(f"{top}/a/y")
    assert not files.is_folder(f"{top}/a/y")
    assert files.is_folder(f"{top}/a")
    files.remove(f"{top}/a/y")
    files.remove_folder(f"{top}/a/b")
    assert files.list(f"{top}/a") == []
    with pytest.raises(NotADirectoryError):
        files.sync_folder("/proc/self/stat")


def test_size_time_space_and_links(files: SystemFiles, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    os.utime(path, ns=(0, 1_767_225_600_000_000_000))
    assert files.size(str(path)) == 5
    assert files.modified_ns(str(path)) == 1_767_225_600_000_000_000
    free, total = files.space(str(tmp_path))
    assert 0 < free <= total
    (tmp_path / "link").symlink_to(path)
    assert files.real_path(str(tmp_path / "link")) == os.path.realpath(path)
    assert files.real_path("/no/such/../place") == "/no/place"
