"""FileManager: what its commands do to the disk, what they refuse, and what a power cut leaves of them."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.platform.simulated import PowerCut
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components.file_manager.component import FileManager

if TYPE_CHECKING:
    from collections.abc import Iterator

Tester = ComponentTester[FileManager]
OK, FAILED = CommandResponse.OK, CommandResponse.EXECUTION_ERROR


@pytest.fixture
def tester() -> Iterator[Tester]:
    with ComponentTester(FileManager) as made:
        made.write_file("/a.txt", b"alpha")
        made.write_file("/folder/b.txt", b"beta")
        yield made


def names_in(tester: Tester, folder: str = "/") -> list[str]:
    return list(tester.files.list(tester.root.resolve(folder)))


def done(tester: Tester, command: str, *arguments: object) -> list[str]:
    """Sends a command that must succeed, and gives the names of its events."""
    tester.clear_history()
    assert tester.send(command, *arguments).response is OK
    return tester.events.names()


def failed(tester: Tester, command: str, *arguments: object) -> tuple[str, int, str]:
    """Sends a command that must fail, and gives its error event, status and reason."""
    tester.clear_history()
    before = tester.component.errors
    assert tester.send(command, *arguments).response is FAILED
    assert tester.channels["Errors"] == before + 1
    error = tester.events[-1]
    return error.name, error.args[-2], error.args[-1]


def test_a_folder_is_made_and_removed(tester: Tester) -> None:
    """REQ-FM-001."""
    assert done(tester, "CreateDirectory", "/new") == ["CreateDirectoryStarted", "CreateDirectorySucceeded"]
    assert names_in(tester) == ["a.txt", "folder", "new"]
    assert done(tester, "RemoveDirectory", "/new") == ["RemoveDirectoryStarted", "RemoveDirectorySucceeded"]
    assert names_in(tester) == ["a.txt", "folder"]


def test_folders_that_cannot_be_made_or_removed_are_errors(tester: Tester) -> None:
    """REQ-FM-001."""
    assert failed(tester, "CreateDirectory", "/folder")[:2] == ("DirectoryCreateError", errno.EEXIST)
    assert failed(tester, "CreateDirectory", "/no/where")[:2] == ("DirectoryCreateError", errno.ENOENT)
    assert failed(tester, "RemoveDirectory", "/folder")[:2] == ("DirectoryRemoveError", errno.ENOTEMPTY)
    assert failed(tester, "RemoveDirectory", "/a.txt")[:2] == ("DirectoryRemoveError", errno.ENOTDIR)


def test_a_file_is_moved_and_replaces_what_has_its_new_name(tester: Tester) -> None:
    """REQ-FM-002."""
    assert done(tester, "MoveFile", "/a.txt", "/folder/b.txt") == ["MoveFileStarted", "MoveFileSucceeded"]
    assert names_in(tester) == ["folder"]
    assert tester.read_file("/folder/b.txt") == b"alpha"
    assert failed(tester, "MoveFile", "/absent", "/x")[:2] == ("FileMoveError", errno.ENOENT)
    done(tester, "CreateDirectory", "/empty")
    assert failed(tester, "MoveFile", "/folder/b.txt", "/empty")[:2] == ("FileMoveError", errno.EISDIR)


def test_a_file_is_removed(tester: Tester) -> None:
    """REQ-FM-003."""
    assert done(tester, "RemoveFile", "/a.txt", False) == ["RemoveFileStarted", "RemoveFileSucceeded"]
    assert names_in(tester) == ["folder"]
    assert tester.channels["CommandsExecuted"] == 1
    assert failed(tester, "RemoveFile", "/a.txt", False)[:2] == ("FileRemoveError", errno.ENOENT)
    assert failed(tester, "RemoveFile", "/folder", False)[:2] == ("FileRemoveError", errno.EISDIR)


def test_ignored_errors_are_reported_and_answered_ok(tester: Tester) -> None:
    """REQ-FM-003."""
    assert done(tester, "RemoveFile", "/absent", True) == ["RemoveFileStarted", "FileRemoveError"]
    assert tester.channels["Errors"] == 1
    assert tester.channels["CommandsExecuted"] is None


def test_a_file_is_appended_to_another_or_to_none(tester: Tester) -> None:
    """REQ-FM-004."""
    assert done(tester, "AppendFile", "/folder/b.txt", "/a.txt") == ["AppendFileStarted", "AppendFileSucceeded"]
    assert tester.read_file("/a.txt") == b"alphabeta"
    done(tester, "AppendFile", "/a.txt", "/fresh")
    assert tester.read_file("/fresh") == b"alphabeta"
    done(tester, "AppendFile", "/fresh", "/fresh")
    assert tester.read_file("/fresh") == b"alphabeta" * 2
    assert names_in(tester) == ["a.txt", "folder", "fresh"]


def test_an_append_that_fails_leaves_the_target(tester: Tester) -> None:
    """REQ-FM-004."""
    assert failed(tester, "AppendFile", "/absent", "/a.txt")[:2] == ("AppendFileFailed", errno.ENOENT)
    assert failed(tester, "AppendFile", "/a.txt", "/absent/x")[:2] == ("AppendFileFailed", errno.ENOENT)
    tester.set_parameter("APPEND_SIZE_MAX", 8)
    name, status, reason = failed(tester, "AppendFile", "/folder/b.txt", "/a.txt")
    assert (name, status) == ("AppendFileFailed", errno.EFBIG)
    assert "APPEND_SIZE_MAX" in reason
    tester.set_parameter("APPEND_SIZE_MAX", 9)
    tester.files.disk.capacity = tester.files.disk.capacity - tester.files.disk.free() + 3
    assert failed(tester, "AppendFile", "/folder/b.txt", "/a.txt")[:2] == ("AppendFileFailed", errno.ENOSPC)
    assert tester.read_file("/a.txt") == b"alpha"
    assert names_in(tester) == ["a.txt", "folder"]


def test_the_size_of_a_file_is_reported(tester: Tester) -> None:
    """REQ-FM-005."""
    assert done(tester, "FileSize", "/a.txt") == ["FileSizeStarted", "FileSizeSucceeded"]
    assert tester.events[-1].args == ("/a.txt", 5)
    assert failed(tester, "FileSize", "/folder")[:2] == ("FileSizeError", errno.EISDIR)
    assert failed(tester, "FileSize", "/absent")[:2] == ("FileSizeError", errno.ENOENT)


@given(st.binary(max_size=300), st.integers(1, 700))
def test_the_crc_is_that_of_the_ground(content: bytes, repeats: int) -> None:
    """REQ-FM-006."""
    with ComponentTester(FileManager) as tester:
        tester.write_file("/f", content * repeats)
        assert done(tester, "CalculateCrc", "/f") == ["CalculateCrcStarted", "CalculateCrcSucceeded"]
        assert tester.events[-1].args == ("/f", crc32(content * repeats))


def test_a_crc_that_cannot_be_computed_is_an_error(tester: Tester) -> None:
    """REQ-FM-006."""
    assert failed(tester, "CalculateCrc", "/absent")[:2] == ("CalculateCrcFailed", errno.ENOENT)
    tester.files.fail_every("read_at", errno.EIO)
    assert failed(tester, "CalculateCrc", "/a.txt")[:2] == ("CalculateCrcFailed", errno.EIO)


def test_commands_are_served_while_a_crc_is_computed(tester: Tester) -> None:
    """REQ-FM-006."""
    tester.write_file("/long", bytes(1 << 20))
    with tester.held():
        sent = tester.send("CalculateCrc", "/long")
        tester.send("FileSize", "/long")
    assert sent.response is OK
    order = [name for _, name, _ in tester.trace]
    assert order.index("FileSizeSucceeded") < order.index("CalculateCrcSucceeded")


def test_a_folder_is_listed_at_a_bounded_rate(tester: Tester) -> None:
    """REQ-FM-007."""
    tester.set_parameter("LISTING_RATE", 1)
    tester.clear_history()
    sent = tester.send("ListDirectory", "/")
    assert tester.events.names() == ["ListDirectoryStarted", "DirectoryListing"]
    assert tester.events[-1].args == ("/", "a.txt", 5)
    assert not sent.is_answered
    tester.advance(1)
    assert tester.events[-1].name == "DirectoryListingSubdir"
    assert list(tester.events[-1].args) == ["/", "folder"]
    tester.advance(1)
    assert sent.response is OK
    assert list(tester.events[-1].args) == ["/", 2]
    assert tester.events.names()[-1] == "ListDirectorySucceeded"


def test_a_long_listing_is_cut_and_says_so(tester: Tester) -> None:
    """REQ-FM-007."""
    for number in range(20):
        tester.write_file(f"/many/{number:02}", b"")
    tester.set_parameter("LISTING_LIMIT", 3)
    sent = tester.send("ListDirectory", "/many")
    tester.advance(1)
    assert sent.response is OK
    assert len(tester.events.named("DirectoryListing")) == 3
    assert tester.events.named("ListingCut")[0].args == ("/many", 3, 20)
    assert tester.events[-1].args == ("/many", 20)


def test_a_file_that_goes_while_it_is_listed_is_left_out(tester: Tester) -> None:
    """REQ-FM-007."""
    tester.write_file("/z", b"")
    sent = tester.send("ListDirectory", "/")
    tester.send("RemoveFile", "/z", False)
    tester.advance(1)
    assert sent.response is OK
    assert [one.args[1] for one in tester.events.named("DirectoryListing")] == ["a.txt"]


def test_a_second_listing_is_busy_and_a_folder_that_is_none_an_error(tester: Tester) -> None:
    """REQ-FM-007."""
    first = tester.send("ListDirectory", "/")
    assert tester.send("ListDirectory", "/").response is CommandResponse.BUSY
    tester.advance(1)
    assert first.response is OK
    assert failed(tester, "ListDirectory", "/absent")[:2] == ("ListDirectoryError", errno.ENOENT)
    assert failed(tester, "ListDirectory", "/a.txt")[:2] == ("ListDirectoryError", errno.ENOTDIR)


@pytest.mark.parametrize(
    "command, arguments",
    [
        ("CreateDirectory", ("../x",)),
        ("RemoveDirectory", ("../x",)),
        ("RemoveDirectory", ("/",)),
        ("ListDirectory", ("..",)),
        ("MoveFile", ("../x", "/x")),
        ("MoveFile", ("/a.txt", "../x")),
        ("MoveFile", ("/", "/x")),
        ("RemoveFile", ("/../../etc/passwd", False)),
        ("RemoveFile", ("", False)),
        ("AppendFile", ("../x", "/a.txt")),
        ("AppendFile", ("/a.txt", "../x")),
        ("FileSize", ("../x",)),
        ("CalculateCrc", ("../x",)),
    ],
)
def test_no_name_leads_out_of_the_root(tester: Tester, command: str, arguments: tuple[object, ...]) -> None:
    """REQ-FM-008."""
    _, status, reason = failed(tester, command, *arguments)
    assert status in (errno.EACCES, errno.EBUSY)
    assert reason in ("leads outside the root", "is empty", "that is the root of all files")
    assert names_in(tester) == ["a.txt", "folder"]
    assert tester.files.list("/") == ["kittiwake"]


def test_there_is_no_shell_command() -> None:
    """REQ-FM-009: and nothing else has its opcode."""
    assert 0x04 not in FileManager.__declarations__.opcodes()


@pytest.mark.parametrize(
    "command, arguments, before, after",
    [
        ("AppendFile", ("/b", "/a"), {"a": b"alpha", "b": b"beta"}, {"a": b"alphabeta", "b": b"beta"}),
        ("AppendFile", ("/b", "/c"), {"a": b"alpha", "b": b"beta"}, {"a": b"alpha", "b": b"beta", "c": b"beta"}),
        ("MoveFile", ("/b", "/a"), {"a": b"alpha", "b": b"beta"}, {"a": b"beta"}),
        ("RemoveFile", ("/b", False), {"a": b"alpha", "b": b"beta"}, {"a": b"alpha"}),
    ],
)
def test_a_power_cut_leaves_the_old_state_or_the_new_one(
    command: str, arguments: tuple[object, ...], before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    """REQ-FM-010: and the new one once the command was answered."""

    def fresh(seed: int) -> Tester:
        tester = ComponentTester(FileManager, seed=seed)
        for name, content in before.items():
            tester.write_file(name, content)
        return tester

    def state(tester: Tester) -> dict[str, bytes]:
        return {name: tester.read_file(name) for name in names_in(tester) if not name.endswith(".new")}

    tester = fresh(0)
    start = tester.files.operations
    tester.send(command, *arguments)
    count = tester.files.operations - start
    for seed in range(4):
        for operation in range(1, count + 1):
            tester = fresh(seed)
            tester.files.cut_at(tester.files.operations + operation)
            with pytest.raises(PowerCut):
                tester.send(command, *arguments)
            tester.crash()
            assert state(tester) in (before, after)
        tester = fresh(seed)
        assert tester.send(command, *arguments).response is OK
        tester.crash()
        assert state(tester) == after


def test_folders_that_were_made_and_removed_stay_so(tester: Tester) -> None:
    """REQ-FM-010."""
    done(tester, "CreateDirectory", "/new")
    tester.crash()
    assert names_in(tester) == ["a.txt", "folder", "new"]
    done(tester, "RemoveDirectory", "/new")
    tester.crash()
    assert names_in(tester) == ["a.txt", "folder"]


def test_a_move_syncs_the_new_folder_before_the_old_one(tester: Tester) -> None:
    """REQ-FM-010: file systems make the two folders durable one by one."""
    done(tester, "MoveFile", "/folder/b.txt", "/b.txt")
    root = tester.root.path
    assert list(tester.files.log)[-3:] == [
        ("rename", f"{root}/folder/b.txt"),
        ("sync_folder", root),
        ("sync_folder", f"{root}/folder"),
    ]


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(FileManager) == []
