"""Binary to text and back: the same bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.sequence.binary import END, RELATIVE, Record, SequenceError, SequenceFault, write_sequence
from kittiwake.sequence.compile import compile_text
from kittiwake.sequence.decompile import decompile
from tests.framework.dictionary.sample import sample
from tests.framework.dictionary.values import values


def fault_of(data: bytes) -> SequenceError:
    with pytest.raises(SequenceError) as caught:
        decompile(data, sample())
    return caught.value


def one(packet: str) -> bytes:
    return write_sequence([Record(RELATIVE, 0, 0, bytes.fromhex(packet))])


def test_text_is_what_a_person_would_write() -> None:
    text = (
        "; time base 0x0002\n"
        "R00:00:00 X.CMD_NO_OP\n"
        'R30:00:01.5 X.CMD_STR "from seq"\n'
        "A2024-366T23:59:59.000001 X.SET_EVENT_FILTER 515, ON\n"
        "R00:00:00 X.CMD_STR 'say \"hi\"'\n"
        "R00:00:00 X.SHAPES [1.0, 2.5, -0.0], [ON, OFF], "
        '{count: 1, bytes: [1, 2, 3], mode: AUTO, label: "", ok: true}, LOW, $"\\n"\n'
    )
    data = compile_text(text, "a.seq", sample(), time_base=2)
    assert decompile(data, sample()) == text


@given(st.data())
def test_any_sequence_of_any_commands_comes_back_to_the_same_bytes(data: st.DataObject) -> None:
    commands = data.draw(st.lists(st.sampled_from(list(sample().commands.values())), max_size=4))
    records = [
        Record(
            data.draw(st.integers(0, 1)),
            data.draw(st.integers(0, 0xFFFF_FFFF)),
            data.draw(st.integers(0, 999_999)),
            b"\0\0"
            + command.opcode.to_bytes(4, "big")
            + b"".join([formal.type.pack(data.draw(values(formal.type))) for formal in command.formals]),
        )
        for command in commands
    ]
    binary = write_sequence(records, time_base=data.draw(st.integers(0, 0xFFFF)))
    text = decompile(binary, sample())
    time_base = int(text.split("\n", 1)[0].removeprefix("; time base "), 16)
    again = compile_text(text, "a.seq", sample(), time_base)
    assert again == binary
    assert decompile(again, sample()) == text


def test_infinities_and_nan_are_written_as_words_in_quotes() -> None:
    numbers = "R00:00:00 X.NUMBERS 0, 0, 0, 0, 0, 0, 0, 0, {}, {}, false\n"
    text = "; time base 0xffff\n" + numbers.format('"inf"', '"-inf"') + numbers.format('"nan"', '"nan"')
    data = compile_text(text, "a.seq", sample())
    assert decompile(data, sample()) == text


@pytest.mark.parametrize(
    "data, message",
    [
        (one("0000 00000999"), "record 0: no command has the id 2457"),
        (one("0000 00000102 0003 6869"), "record 0: X.CMD_STR: text: string of 3 bytes at 6 ends behind"),
        (one("0000 00000100 00"), "record 0: X.CMD_NO_OP: 1 bytes stand behind its arguments"),
        (write_sequence([Record(END, 0, 0, b"")]), "record 0 ends the sequence, which text cannot say"),
    ],
)
def test_what_text_cannot_say_is_refused(data: bytes, message: str) -> None:
    fault = fault_of(data)
    assert fault.fault is SequenceFault.RECORD
    assert str(fault).startswith(message)
    assert fault.numbers == (0, 11)


def test_a_time_context_other_than_any_is_refused() -> None:
    data = write_sequence([Record(RELATIVE, 0, 0, bytes.fromhex("0000 00000100"))], time_context=0)
    assert fault_of(data).fault is SequenceFault.TIME_CONTEXT


def test_a_broken_file_is_refused_as_the_reader_does() -> None:
    assert fault_of(b"short").fault is SequenceFault.TOO_SHORT
