"""Commands with their lives, transfers, raw frames, and what dictionaries say of channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.archive import Archive, ArchivedChannel, ChannelDeclaration, Frame

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ground.archive.conftest import Clock


def test_a_command_keeps_its_whole_life(archive: Archive, clock: Clock) -> None:
    id = archive.record_command("Ref", "cmd.NO_OP_STRING", 0x501, {"text": "hello"}, by="ada")
    start_us = clock.now_us
    clock.now_us += 10
    archive.update_command(id, "sent")
    archive.update_command(id, "dispatched", at_us=start_us + 20)
    archive.update_command(id, "failed", at_us=start_us + 30, by="deployment", response="VALIDATION_ERROR")
    archive.flush()
    (command,) = archive.commands("Ref")
    assert command[:7] == (id, "Ref", "cmd.NO_OP_STRING", 0x501, {"text": "hello"}, "ada", start_us)
    assert (command.state, command.response) == ("failed", "VALIDATION_ERROR")
    assert [(step.state, step.at_us - start_us, step.by) for step in command.steps] == [
        ("queued", 0, "ada"), ("sent", 10, ""), ("dispatched", 20, ""), ("failed", 30, "deployment"),
    ]  # fmt: skip


def test_commands_are_selected_and_paged(archive: Archive) -> None:
    ids = [archive.record_command("Ref", f"a.C{number}", number, by="bo", at_us=100 + number) for number in range(4)]
    archive.record_command("Hive", "b.D", 9, by="bo", state="sent", at_us=500)
    archive.update_command(ids[1], "completed")
    archive.flush()
    assert [one.opcode for one in archive.commands("Ref")] == [3, 2, 1, 0]
    assert [one.opcode for one in archive.commands("Ref", states=["completed"])] == [1]
    assert [one.opcode for one in archive.commands("Ref", name="*C[23]")] == []
    assert [one.opcode for one in archive.commands("Ref", start_us=101, end_us=103)] == [2, 1]
    assert [one.opcode for one in archive.commands("Ref", limit=2, before=ids[3])] == [2, 1]
    assert [one.deployment for one in archive.commands(states=["sent"])] == ["Hive"]


def test_ids_go_on_after_the_archive_was_closed(tmp_path: Path) -> None:
    with Archive(tmp_path) as archive:
        first = archive.record_command("Ref", "a.C", 1, by="bo")
        file = archive.add_file("Ref", "up", "here", "there")
    with Archive(tmp_path) as archive:
        archive.update_command(first, "cancelled")
        assert archive.record_command("Ref", "a.C", 1, by="bo") == first + 1
        assert archive.add_file("Ref", "up", "here", "there") == file + 1
        archive.flush()
        assert [one.state for one in archive.commands()] == ["queued", "cancelled"]


def test_words_and_ids_that_do_not_exist_are_refused(archive: Archive) -> None:
    with pytest.raises(ValueError, match="'done' is no state of a command: planned, queued, sent"):
        archive.record_command("Ref", "a.C", 1, by="bo", state="done")
    with pytest.raises(LookupError, match="no command with the id 1"):
        archive.update_command(1, "sent")
    with pytest.raises(ValueError, match="'left' is no direction: up, down"):
        archive.add_file("Ref", "left", "here", "there")
    with pytest.raises(ValueError, match="'sent' is no state of a transfer"):
        archive.add_file("Ref", "up", "here", "there", state="sent")
    with pytest.raises(LookupError, match="no transfer with the id 7"):
        archive.update_file(7, "running")


def test_a_transfer_tells_what_became_of_it(archive: Archive, clock: Clock) -> None:
    id = archive.add_file("Ref", "down", "/log.bin", "log.bin", by="ada")
    other = archive.add_file("Hive", "up", "a", "b", size=3, crc=4)
    archive.update_file(id, "running", size=1000)
    clock.now_us += 60
    archive.update_file(id, "completed", crc=0xDEAD_BEEF)
    archive.update_file(other, "failed", reason="the link is down")
    archive.flush()
    found = archive.files("Ref")[0]
    assert found[:10] == (id, "Ref", "down", "/log.bin", "log.bin", 1000, 0xDEAD_BEEF, "completed", "", "ada")
    assert found.updated_us - found.created_us == 60
    assert [(file.id, file.size, file.crc, file.reason) for file in archive.files(limit=1)] == [
        (other, 3, 4, "the link is down")
    ]
    assert [file.id for file in archive.files(before=other)] == [id]


def test_raw_frames_are_found_by_their_time(archive: Archive) -> None:
    frames = [Frame(10, "down", b"\xde\xad"), Frame(20, "up", b""), Frame(20, "down", bytes(5000))]
    archive.add_frames("Ref", frames)
    archive.flush()
    assert archive.frames("Ref") == frames
    assert archive.frames("Ref", 10, 20) == frames[:1]
    assert archive.frames("Ref", direction="up") == frames[1:2]
    assert archive.statistics.frames == 3


def test_channels_have_the_type_of_the_dictionary_that_was_declared_last(archive: Archive, clock: Clock) -> None:
    archive.declare("Ref", "aa", [ChannelDeclaration("t", "F32", "C"), ChannelDeclaration("old", "U8")])
    clock.now_us += 1
    archive.declare("Ref", "bb", [ChannelDeclaration("t", "F64", "K")])
    archive.add_samples("Ref", [("undeclared", 2 << 64 | clock.now_us, 0, 1)])
    archive.flush()
    assert archive.channels("Ref") == [
        ArchivedChannel("old", "U8", "", "aa"), ArchivedChannel("t", "F64", "K", "bb"),
        ArchivedChannel("undeclared", "", "", ""),
    ]  # fmt: skip
    clock.now_us += 1
    archive.declare("Ref", "aa", [ChannelDeclaration("t", "F32", "C")])
    archive.flush()
    assert archive.channels("Ref")[1] == ArchivedChannel("t", "F32", "C", "aa")


def test_a_declaration_that_no_column_holds_leaves_no_trace(archive: Archive) -> None:
    archive.declare("Ref", "aa", [ChannelDeclaration("good", "U8"), ChannelDeclaration("bad\udc00", "U8")])
    archive.flush()
    assert (archive.deployments(), archive.channels("Ref"), archive.statistics.rejected) == ([], [], 1)
