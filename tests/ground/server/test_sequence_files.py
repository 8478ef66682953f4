"""What the ground knows of the sequence files on board: it outlives the server, and changed files are not believed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.dictionary.decode import DecodedEvent
from kittiwake.sequence.compile import compile_text
from kittiwake_ground.archive import MAX_SEQUENCE_FILES, Archive, SequenceFile
from kittiwake_ground.server.sequence_files import MAX_SIZE, SequenceFiles, board_path
from kittiwake_ground.server.transfer import CFDP, COMPLETED, DOWN, FAILED, RUNNING, UP, Transfer
from tests.ground.server.foreign import LOADED, RECEIVED, STEP, said, served, until, wire_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kittiwake.dictionary.entries import Dictionary

NO_OP, SAY = "CdhCore.cmdDisp.CMD_NO_OP", "CdhCore.cmdDisp.CMD_NO_OP_STRING"
TEXT = f'R00:00:00 {NO_OP}\nR00:00:01 {SAY} "a"\nR00:00:01 {NO_OP}\n'


class Rig:
    """The files of a deployment, and what is kept of them."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary
        self.kept: dict[str, SequenceFile] = {}
        self.files = SequenceFiles(dictionary, self._keep)
        self.binary = self.compiled(TEXT)
        self._last_id = 0

    def _keep(self, path: str, file: SequenceFile | None) -> None:
        if file is None:
            self.kept.pop(path, None)
        else:
            self.kept[path] = file

    def compiled(self, text: str) -> bytes:
        """The binary of a text."""
        return compile_text(text, "text", self.dictionary)

    def transfer(self, content: bytes | None, remote: str = "/a.bin", direction: str = UP) -> Transfer:
        """A transfer that waits."""
        self._last_id += 1
        made = Transfer(self._last_id, direction, remote, "a.bin", "ada")
        made.content = content
        self.files.take_transfer(made)
        return made

    def enter(self, transfer: Transfer, state: str) -> None:
        """A transfer goes on."""
        if state == RUNNING:
            transfer.state = state
        else:
            transfer.end(state)
        self.files.take_transfer(transfer)

    def tell(self, mnemonic: str, *args: Any) -> None:
        """An event of the deployment's."""
        found = next(one for name, one in self.dictionary.events.items() if name.endswith(f".{mnemonic}"))
        assert len(found.formals) == len(args)
        self.files.take_event(DecodedEvent(found, 0, args))

    @property
    def known(self) -> list[str]:
        """What is known, and kept."""
        assert list(self.files.paths) == list(self.kept)
        return list(self.kept)


@pytest.fixture
def rig(dictionary: Dictionary) -> Rig:
    """Files of the small deployment."""
    return Rig(dictionary)


def test_what_is_brought_up_is_known_once_it_is_there_and_kept_with_its_size_and_checksum(rig: Rig) -> None:
    upload = rig.transfer(rig.binary)
    rig.enter(upload, RUNNING)
    assert rig.known == []
    rig.enter(upload, COMPLETED)
    assert rig.files.commands_of("/a.bin") == (NO_OP, SAY)
    assert [one.command for one in rig.files.steps_of("a.bin")] == [NO_OP, f'{SAY} "a"', NO_OP]
    kept = rig.kept["/a.bin"]
    assert kept[:5] == ("/a.bin", len(rig.binary), crc32(rig.binary), 3, (NO_OP, SAY))
    again = SequenceFiles(rig.dictionary)
    again.restore([kept])
    assert (again.commands_of("/a.bin"), again.steps_of("/a.bin"), again.knows("/a.bin")) == ((NO_OP, SAY), (), True)


def test_while_another_file_goes_up_in_its_place_nothing_is_kept_of_it_and_what_fails_changes_nothing(rig: Rig) -> None:
    rig.files.note("/a.bin", rig.binary)
    upload = rig.transfer(b"no sequence")
    assert rig.known == ["/a.bin"], "it waits, and the old one is there"
    rig.enter(upload, RUNNING)
    assert rig.kept == {}, "killed from here on, a server cannot say which of the two is there"
    rig.enter(upload, FAILED)
    assert rig.known == ["/a.bin"]
    upload = rig.transfer(b"no sequence")
    rig.enter(upload, RUNNING)
    rig.enter(upload, COMPLETED)
    assert rig.known == []


def test_what_comes_down_is_known_and_what_goes_by_cfdp_is_not(rig: Rig, tmp_path: Path) -> None:
    for content, known in ((rig.binary, ["/a.bin"]), (b"another", []), (rig.binary, ["/a.bin"]), (None, ["/a.bin"])):
        down = rig.transfer(None, direction=DOWN)
        down.path = tmp_path / "a.bin"
        if content is None:
            down.path.unlink()  # removed since, by a person: it says nothing
        else:
            down.path.write_bytes(content)
        rig.enter(down, COMPLETED)
        assert rig.known == known
    by_cfdp = rig.transfer(None)
    by_cfdp.way, by_cfdp.content = CFDP, b"elsewhere"
    rig.enter(by_cfdp, RUNNING)
    rig.enter(by_cfdp, COMPLETED)
    assert rig.known == ["/a.bin"]


@pytest.mark.parametrize(
    "mnemonic, args, stays",
    [
        ("RemoveFileSucceeded", ("/a.bin",), False),
        ("RemoveFileSucceeded", ("/b.bin",), True),
        ("AppendFileSucceeded", ("/b.bin", "a.bin"), False),
        ("AppendFileSucceeded", ("/a.bin", "/b.bin"), True),
        ("MoveFileSucceeded", ("/b.bin", "/a.bin"), False),
        ("FileReceived", ("a.bin",), False),
        ("FileSizeSucceeded", ("/a.bin", 1), False),
        ("FileSizeSucceeded", ("/a.bin", None), True),
        ("DirectoryListing", ("/", "a.bin", 1), False),
        ("DirectoryListing", ("/.", "a.bin", None), True),
        ("DirectoryListing", ("/b", "a.bin", 1), True),
        ("CalculateCrcSucceeded", ("./a.bin", 1), False),
        ("CalculateCrcSucceeded", ("/a.bin", None), True),
    ],
)
def test_what_the_deployment_says_of_a_file_tells_whether_it_is_still_the_same(
    rig: Rig, mnemonic: str, args: tuple[Any, ...], stays: bool
) -> None:
    """`None` stands for the size or the checksum that it has."""
    rig.files.note("/a.bin", rig.binary)
    actual = crc32(rig.binary) if mnemonic == "CalculateCrcSucceeded" else len(rig.binary)
    rig.tell(mnemonic, *(actual if one is None else one for one in args))
    assert rig.known == (["/a.bin"] if stays else [])


def test_a_file_that_is_moved_is_known_by_its_new_name_and_those_of_a_folder_are_not(rig: Rig) -> None:
    for name in ("/a.bin", "/day/b.bin"):
        rig.files.note(name, rig.binary)
    rig.tell("MoveFileSucceeded", "/a.bin", "/startup.bin")
    assert rig.known == ["/day/b.bin", "/startup.bin"]
    assert rig.kept["/startup.bin"].path == "/startup.bin"
    rig.tell("MoveFileSucceeded", "/day", "/night")
    assert rig.known == ["/startup.bin"]


def test_its_own_arrival_does_not_make_a_file_unknown(rig: Rig) -> None:
    rig.files.note("/a.bin", rig.binary)
    upload = rig.transfer(rig.compiled(f"R00:00:00 {NO_OP}\n"))
    rig.enter(upload, RUNNING)
    rig.tell("FileReceived", "/a.bin")
    rig.enter(upload, COMPLETED)
    assert rig.files.commands_of("/a.bin") == (NO_OP,)


def test_a_run_with_more_steps_than_the_file_is_of_another_file(rig: Rig) -> None:
    rig.files.note("/a.bin", rig.binary)
    rig.files.ran("/a.bin", 2)
    assert rig.known == ["/a.bin"]
    rig.files.ran("/a.bin", 3)
    assert rig.known == []


def test_no_more_files_are_known_than_are_kept_and_none_that_is_too_large(rig: Rig) -> None:
    for number in range(MAX_SEQUENCE_FILES + 3):
        rig.files.note(f"/{number}.bin", rig.binary)
    assert rig.files.paths == tuple(f"/{number}.bin" for number in range(3, MAX_SEQUENCE_FILES + 3))
    rig.files.note("/3.bin", bytes(MAX_SIZE + 1))
    assert not rig.files.knows("/3.bin")


@pytest.mark.parametrize("remote", ["a/b.bin", "/a/b.bin", "//a/b.bin", "./a//b.bin", "/c/../a/b.bin"])
def test_a_file_has_one_name(remote: str) -> None:
    assert board_path(remote) == "/a/b.bin"


@given(content=st.binary(max_size=200))
def test_whatever_comes_no_file_is_too_odd_to_be_looked_into(content: bytes, dictionary: Dictionary) -> None:
    files = SequenceFiles(dictionary)
    files.note("/a.bin", content)
    assert not files.knows("/a.bin")


def test_the_archive_keeps_so_many_files_of_each_deployment(tmp_path: Path) -> None:
    with Archive(tmp_path) as archive:
        for number in range(MAX_SEQUENCE_FILES + 2):
            file = SequenceFile(f"/{number}.bin", number, 2**32 - 1, 1, ("a.B",), number)
            archive.note_sequence_file("one", file.path, file)
        archive.note_sequence_file("two", "/0.bin", SequenceFile("/0.bin", 1, 2, 3, (), 4))
        archive.note_sequence_file("one", "/5.bin", None)
        archive.note_sequence_file("one", "/none.bin", None)
    with Archive(tmp_path) as archive:
        kept = archive.sequence_files("one")
        assert [one.path for one in kept] == [f"/{one}.bin" for one in range(2, MAX_SEQUENCE_FILES + 2) if one != 5]
        assert kept[0] == SequenceFile("/2.bin", 2, 2**32 - 1, 1, ("a.B",), 2)
        assert archive.sequence_files("two") == [SequenceFile("/0.bin", 1, 2, 3, (), 4)]
        assert archive.sequence_files("none") == []


def test_a_server_that_is_started_again_still_asks_until_somebody_else_brings_another_file_up(tmp_path: Path) -> None:
    name = "Ref.dispatcher.CMD_NO_OP"

    async def life(test: Callable[..., Any]) -> None:
        with Archive(tmp_path / "archive") as archive:
            async with served(tmp_path, archive=archive, hazardous=(name,)) as (ground, foreign):
                await test(ground.deployment("ref"), foreign)

    async def first(ref: Any, foreign: Any) -> None:
        content = ref.sequences.check(f"R00:00:00 {name}\n").binary
        assert (await ref.transfers.upload(content, "/go.bin").wait()).state == "completed"
        assert ref.sequences.files.commands_of("/go.bin") == (name,)

    async def second(ref: Any, foreign: Any) -> None:
        assert ref.sequences.files.commands_of("/go.bin") == (name,)
        with pytest.raises(ValueError, match=f"{name} is hazardous"):
            ref.passes.ways.check("sequence", "/go.bin", {}, False, "ada")
        foreign.say(said(LOADED, wire_text("/go.bin")), said(STEP, wire_text("/go.bin") + bytes(8)))
        await until(lambda: any(one.step == 1 for one in ref.sequences.runs.values()))
        assert ref.sequences.files.knows("/go.bin"), "it has run as it is known"
        foreign.say(said(RECEIVED, wire_text("/go.bin")))
        await until(lambda: not ref.sequences.files.knows("/go.bin"))

    async def third(ref: Any, foreign: Any) -> None:
        assert not ref.sequences.files.knows("/go.bin")

    for test in (first, second, third):
        asyncio.run(life(test))
