"""Dry runs: when each record would be sent."""

from __future__ import annotations

import pytest

from kittiwake.sequence.binary import END, RELATIVE, Record, SequenceError, write_sequence
from kittiwake.sequence.compile import compile_text
from kittiwake.sequence.timeline import render_timeline, timeline
from tests.framework.dictionary.sample import sample

START_US = 1_705_029_824_000_000  # 2024-012T03:23:44


def steps_of(text: str) -> list[tuple[int, bool]]:
    steps = timeline(compile_text(text, "a.seq", sample()), sample(), START_US)
    return [(step.offset_us, step.late) for step in steps]


def test_relative_times_add_up() -> None:
    text = "R00:00:01 X.CMD_NO_OP\nR00:00:00 X.CMD_NO_OP\nR48:00:00.5 X.CMD_NO_OP\n"
    assert steps_of(text) == [(1_000_000, False), (1_000_000, False), (172_801_500_000, False)]


def test_absolute_times_are_waited_for_and_the_past_is_late() -> None:
    text = "A2024-012T03:24:00 X.CMD_NO_OP\nR00:00:01 X.CMD_NO_OP\nA2024-012T03:23:50 X.CMD_NO_OP\n"
    assert steps_of(text) == [(16_000_000, False), (17_000_000, False), (17_000_000, True)]


def test_the_printed_timeline_shows_offset_time_and_command() -> None:
    text = "R00:00:01.25 X.CMD_STR 'hi'\nA2023-001T00:00:00 X.SET_EVENT_FILTER X.Count ON\n"
    lines = render_timeline(timeline(compile_text(text, "a.seq", sample()), sample(), START_US)).split("\n")
    assert [line.split() for line in lines] == [
        ["1", "+00:00:01.25", "2024-012T03:23:45.25", "R00:00:01.25", "X.CMD_STR", '"hi"'],
        [
            "2",
            "+00:00:01.25",
            "2024-012T03:23:45.25",
            "A2023-001T00:00:00",
            "X.SET_EVENT_FILTER",
            "515,",
            "ON",
            *["(late:", "its", "time", "has", "passed)"],
        ],
    ]


def test_an_end_record_ends_the_run() -> None:
    no_op = Record(RELATIVE, 2, 0, bytes.fromhex("0000 00000100"))
    steps = timeline(write_sequence([no_op, Record(END, 0, 0, b""), no_op]), sample(), 0)
    assert [(step.offset_us, step.command) for step in steps] == [
        (2_000_000, "X.CMD_NO_OP"),
        (2_000_000, "(end of the sequence)"),
    ]


def test_a_command_that_the_dictionary_lacks_is_refused() -> None:
    data = write_sequence([Record(RELATIVE, 0, 0, bytes.fromhex("0000 00000999"))])
    with pytest.raises(SequenceError, match="record 0: no command has the id 2457"):
        timeline(data, sample(), 0)
