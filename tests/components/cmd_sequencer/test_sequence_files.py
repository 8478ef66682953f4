"""CmdSequencer: which files it runs, and how it refuses the others."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from kittiwake.sequence.binary import END, Record, write_sequence
from kittiwake_components.cmd_sequencer.modes import ErrorPolicy, FileReadStage
from kittiwake_components.cmd_sequencer.reports import FILE_SIZE_MAX
from tests.components.cmd_sequencer.sequence_files import relative, sequence
from tests.components.cmd_sequencer.sequencer_bench import (
    BUSY,
    FAILED,
    FILE,
    NO_BLOCK,
    OK,
    Tester,
    answer,
    new_tester,
    sent,
    start,
)


def test_validation_runs_nothing_and_works_during_a_run() -> None:
    """CS-014."""
    tester = new_tester(relative(1, 1))
    tester.write_file("bad.bin", b"bad")
    for _ in range(2):
        assert tester.send("CS_VALIDATE", FILE).response is OK
        assert tester.events[-1].name == "CS_SequenceValid"
        assert tester.send("CS_VALIDATE", "bad.bin").response is FAILED
        assert sent(tester) == []
        start(tester, NO_BLOCK)
    tester.send("CS_CANCEL")
    tester.finish()


def refused(tester: Tester, content: bytes | None) -> tuple[str, tuple[Any, ...]]:
    """The event that a file with this content causes, its first argument left out."""
    name = "refused.bin"
    if content is not None:
        tester.write_file(name, content)
    run = start(tester, file=name)
    assert run.response is FAILED
    assert sent(tester) == []
    [event] = tester.events
    assert event.args[0] == name
    assert tester.channels["CS_Errors"] == 1
    assert tester.channels["CurrentFile"] is None
    tester.finish()
    return event.name, event.args[1:]


GOOD = sequence(relative(0, 1), relative(0, 2))


def with_crc(content: bytes) -> bytes:
    from zlib import crc32

    return content + crc32(content).to_bytes(4, "big")


@pytest.mark.parametrize(
    "content, name, arguments",
    [
        (None, "CS_FileNotFound", ()),
        (b"", "CS_FileInvalid", (FileReadStage.READ_HEADER_SIZE, 0)),
        (GOOD[:-1], "CS_FileInvalid", (FileReadStage.READ_SEQ_DATA_SIZE, len(GOOD) - 12)),
        (GOOD + b"x", "CS_FileInvalid", (FileReadStage.READ_SEQ_DATA_SIZE, len(GOOD) - 10)),
        (bytes(FILE_SIZE_MAX + 1), "CS_FileSizeError", (FILE_SIZE_MAX + 1,)),
        (write_sequence([relative(0, 1)], time_base=3), "CS_TimeBaseMismatch", (2, 3)),
        (write_sequence([relative(0, 1)], time_context=3), "CS_TimeContextMismatch", (0, 3)),
        (sequence(), "CS_NoRecords", ()),
        (with_crc(GOOD[:11] + b"\x07" + GOOD[12:-4]), "CS_RecordInvalid", (0, 11)),
        (with_crc(GOOD[:7] + b"\x01" + GOOD[8:-4]), "CS_RecordMismatch", (1, 19)),
    ],
)
def test_a_bad_file_is_refused_before_its_first_command_and_named(
    content: bytes | None, name: str, arguments: tuple[Any, ...]
) -> None:
    """CS-001, CS-015."""
    assert refused(new_tester(), content) == (name, arguments)


def test_a_file_with_a_wrong_crc_is_refused_with_both() -> None:
    """CS-015."""
    name, (stored, computed) = refused(new_tester(), GOOD[:-1] + bytes([GOOD[-1] ^ 1]))
    assert name == "CS_FileCrcFailure"
    assert stored == computed ^ 1


@pytest.mark.parametrize("name", ["../outside.bin", "", "/seq", "x" * 240])
def test_a_name_that_is_no_file_below_the_root_is_refused(name: str) -> None:
    """CS-016."""
    tester = new_tester(relative(0, 1))
    assert start(tester, file=name).response is FAILED
    assert tester.events[0].name in ("CS_FileReadError", "CS_FileNotFound")
    tester.finish()


def test_a_file_that_cannot_be_read_is_refused() -> None:
    """CS-015."""
    tester = new_tester(relative(0, 1))
    tester.files.fail_every("read", errno.EIO)
    assert start(tester).response is FAILED
    assert tester.events.names() == ["CS_FileReadError"]
    tester.finish()


def test_what_happens_to_the_file_during_the_run_does_not_matter() -> None:
    """CS-001."""
    tester = new_tester(relative(0, 1), relative(1, 2))
    run = start(tester)
    tester.write_file(FILE, b"replaced")
    answer(tester)
    tester.files.remove("/kittiwake" + FILE)
    tester.advance(1)
    answer(tester)
    assert sent(tester) == [1, 2]
    assert run.response is OK
    tester.finish()


def test_a_record_of_kind_end_ends_the_sequence() -> None:
    """CS-001."""
    tester = new_tester(relative(0, 1), Record(END, 0, 0, b""), relative(0, 2))
    run = start(tester)
    answer(tester)
    assert run.response is OK
    assert sent(tester) == [1]
    tester.finish()


def test_the_largest_sequence_runs_whatever_fails_in_it() -> None:
    """CS-001, CS-009."""
    count = (FILE_SIZE_MAX - 15) // 19
    tester = new_tester(*[relative(0, 1)] * count, parameters={"ON_ERROR": ErrorPolicy.CONTINUE})
    call = tester.component.cmd_response_in
    tester.ports.com_cmd_out.returns = lambda data, context: tester.component.clock.call_after(
        0, call, 1, context, BUSY
    )
    run = start(tester)
    while not run.is_answered:
        tester.settle()
    assert len(tester.ports.com_cmd_out) == count
    assert tester.channels["CS_Errors"] == count
    tester.finish()
