"""Compiling sequence text to the binary file, checked against a dictionary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.dictionary.load import read_dictionary
from kittiwake.faults import Faults
from kittiwake.sequence.binary import read_sequence
from kittiwake.sequence.compile import compile_text, records_of
from kittiwake.sequence.text import read_text
from tests.framework.dictionary.sample import sample, sample_data


def packets(text: str) -> list[bytes]:
    data = compile_text(text, "a.seq", sample())
    return [record.packet for record in read_sequence(data, len(data)).records]


def argument_bytes(text: str) -> bytes:
    (packet,) = packets(f"R00:00:00 {text}")
    return packet[6:]


def faults_of(text: str) -> list[str]:
    with pytest.raises(Faults) as caught:
        compile_text(text, "a.seq", sample())
    return [str(fault).removeprefix("a.seq:") for fault in caught.value.faults]


def test_the_reference_sequence_compiles_to_its_known_bytes() -> None:
    text = 'R00:00:00 X.CMD_NO_OP\nR00:00:01.5 X.CMD_STR "from seq"\nR00:00:00 cmdDisp.CMD_NO_OP\n'
    assert compile_text(text, "s.seq", sample()) == bytes.fromhex(
        "00000047 00000003 ffff ff"
        "01 00000000 00000000 00000006 0000 00000100"
        "01 00000001 0007a120 00000010 0000 00000102 0008 66726f6d20736571"
        "01 00000000 00000000 00000006 0000 00000500"
        "79def168"
    )


def test_an_empty_sequence_compiles_to_its_known_bytes() -> None:
    assert compile_text("; nothing\n", "s.seq", sample()) == bytes.fromhex("00000004 00000000 ffff ff ef739904")


def test_the_time_base_stands_in_the_header() -> None:
    data = compile_text("R00:00:00 X.CMD_NO_OP", "s.seq", sample(), time_base=2)
    assert data[8:11] == b"\x00\x02\xff"
    with pytest.raises(ValueError, match="time base 65536 is outside U16"):
        compile_text("", "s.seq", sample(), time_base=65536)


def test_microseconds_are_exact_where_the_peer_truncates_them() -> None:
    data = compile_text("R00:00:02.3 X.CMD_NO_OP", "s.seq", sample())
    (record,) = read_sequence(data, len(data)).records
    assert (record.seconds, record.microseconds) == (2, 300_000)


def test_delays_of_more_than_a_day_compile() -> None:
    data = compile_text("R240:00:00 X.CMD_NO_OP", "s.seq", sample())
    assert read_sequence(data, len(data)).records[0].seconds == 864_000


@pytest.mark.parametrize(
    "text, expected",
    [
        ("X.SET_EVENT_FILTER X.NoOpReceived ON", "00000200 01"),
        ("X.SET_EVENT_FILTER X.Count, ON", "00000203 01"),
        ("X.SET_EVENT_FILTER 515 'ON'", "00000203 01"),
        ("X.SET_EVENT_FILTER 0x203 Sample.Mode.AUTO", "00000203 05"),
        ("X.WATCH X.Temp", "00000301"),
        ("X.WATCH cmdDisp.CMD_NO_OP", "00000500"),
        ("X.WATCH X.GAIN", "00000120"),
        ("X.CMD_STR word", "0004 776f7264"),
        (
            "X.NUMBERS 255 -128 65535 -1 1 -1 1 -1 1 2 true",
            "ff 80 ffff ffff 00000001 ffffffff 0000000000000001 ffffffffffffffff 3f800000 4000000000000000 ff",
        ),
        (
            "X.SHAPES [1, 2, 3] [ON, OFF] {count: 1, bytes: [1,2,3], mode: ON, label: \"a\", ok: true} HIGH, 'x'",
            "3f800000 40000000 40400000 01 00 00000001 010203 01 0001 61 ff 00000007 0001 78",
        ),
    ],
)
def test_arguments_are_packed_by_their_types(text: str, expected: str) -> None:
    assert argument_bytes(text) == bytes.fromhex(expected)


@pytest.mark.parametrize(
    "line, fault",
    [
        ("X.CMD_NOOP", "1:11: the dictionary has no command X.CMD_NOOP (did you mean X.CMD_NO_OP?)"),
        ("X.CMD_STR", "1:11: X.CMD_STR takes 1 argument, not 0 (it wants text: string size 40)"),
        ("X.CMD_NO_OP 1", "1:23: X.CMD_NO_OP takes no arguments, not 1"),
        ("X.GAIN_PRM_SET 1, 2", "1:29: X.GAIN_PRM_SET takes 1 argument, not 2 (it wants val: U32)"),
        ("X.GAIN_PRM_SET -1", "1:26: val: -1 is outside U32 (0 to 4294967295)"),
        ("X.GAIN_PRM_SET 4294967296", "1:26: val: 4294967296 is outside U32"),
        ("X.GAIN_PRM_SET 1.9", "1:26: val: U32 wants a whole number, not 1.9"),
        ("X.GAIN_PRM_SET true", "1:26: val: U32 wants a whole number, not True"),
        ("X.GAIN_PRM_SET [1]", "1:26: val: U32 wants a whole number, not [1]"),
        ("X.SET_EVENT_FILTER X.Cuont ON", "1:30: ID: no events 'X.Cuont' (did you mean X.Count?)"),
        ("X.WATCH X.Count", "1:19: id: X.Count names events and channels with different ids; write the number"),
        ("X.SET_EVENT_FILTER 1 ONN", "1:32: mode: 'ONN' is no constant of Sample.Mode: OFF, ON, AUTO (did you"),
        ("X.SET_EVENT_FILTER 1 5", "1:32: mode: Sample.Mode wants the name of a constant, not 5"),
        ("X.CMD_STR 7", "1:21: text: string wants text, not 7"),
        (f"X.CMD_STR '{'x' * 41}'", "1:21: text: text of 41 bytes is longer than the 40 allowed"),
        ("X.SHAPES [1, 2] [ON, OFF] {} HIGH x", "1:20: vector: Sample.Vector has 3 values, not 2"),
    ],
)
def test_what_the_dictionary_refuses_is_reported_at_its_place(line: str, fault: str) -> None:
    assert faults_of(f"R00:00:00 {line}")[0].startswith(fault), faults_of(f"R00:00:00 {line}")


def test_faults_of_grammar_and_of_dictionary_are_reported_together() -> None:
    text = "R00:00:00 X.CMD_NOOP\nnonsense\nR00:00:00 X.GAIN_PRM_SET -1 \\\n  2\nR00:00:00 X.CMD_NO_OP\n"
    assert [fault.split(" ")[0] for fault in faults_of(text)] == ["1:11:", "2:1:", "3:26:", "4:3:"]


def test_every_line_with_the_same_fault_is_reported() -> None:
    assert [fault.split(":")[0] for fault in faults_of("R00:00:00 X.NOTHING\n" * 3)] == ["1", "2", "3"]


def test_a_command_longer_than_a_packet_is_refused() -> None:
    data = sample_data()
    text_type = data["commands"][2]["formalParams"][0]["type"]
    text_type["size"] = 4000
    dictionary = read_dictionary(data, "long")
    with pytest.raises(Faults, match="the command takes 2008 bytes, more than the 1024 of a packet"):
        compile_text(f"R00:00:00 X.CMD_STR '{'x' * 2000}'", "a.seq", dictionary)


def test_other_widths_of_the_dictionary_are_those_of_the_file() -> None:
    data = sample_data()
    data["typeDefinitions"] = [
        entry for entry in data["typeDefinitions"] if entry["qualifiedName"] not in ("FwOpcodeType",)
    ] + [
        {"kind": "alias", "qualifiedName": "FwOpcodeType", "underlyingType": {"name": "U16"}},
        {"kind": "alias", "qualifiedName": "FwTimeContextStoreType", "underlyingType": {"name": "U16"}},
    ]
    binary = compile_text("R00:00:00 X.CMD_NO_OP", "a.seq", read_dictionary(data, "narrow"))
    assert binary[:-4] == bytes.fromhex("00000015 00000001 ffff 00ff 01 00000000 00000000 00000004 0000 0100")


def test_a_number_outside_its_declared_range_is_refused() -> None:
    data = sample_data()
    (gain,) = [command for command in data["commands"] if command["name"] == "X.GAIN_PRM_SET"]
    gain["formalParams"][0]["type"]["range"] = {"low": 1, "high": 5}
    dictionary = read_dictionary(data, "ranged")
    compile_text("R00:00:00 X.GAIN_PRM_SET 5", "a.seq", dictionary)
    with pytest.raises(Faults, match="1:26: val: 6 is outside 1 to 5"):
        compile_text("R00:00:00 X.GAIN_PRM_SET 6", "a.seq", dictionary)


_WORDS = st.sampled_from(
    [
        "0", "7", "-7", "-0", "+7", "007", "0x10", "255", "256", "1_0", "99999999999999999999", "1.5", "-2.25",
        ".5", "1e3", "1e39", "3.5e38", "true", "False", "yes", "ON", "OFF", "AUTO", "Sample.Mode.ON", '"ON"',
        '"hi"', '""', '"a, b"', '"é"', '"\ud800"', f'"{"x" * 41}"', "'q'", '$"a\\n"', "word", "X.Count",
        "X.Nothing", '"', "[1, 2]", "{a: 1}", "%", "",
    ]
)  # fmt: skip
_COMMANDS = st.sampled_from(
    ["X.CMD_NO_OP", "X.CMD_STR", "X.SET_EVENT_FILTER", "X.GAIN_PRM_SET", "X.NUMBERS", "X.WATCH", "X.NOTHING", "", "7"]
)
_LINES = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["R00:00:00", "R00:00:01.5", "A2026-001T00:00:00", "R00:61:00", " R00:00:00", "R 00:00:00"]),
    st.sampled_from([" ", "  ", "\t", ""]),
    _COMMANDS,
    st.lists(st.builds("{}{}".format, st.sampled_from([" ", ", ", ",", " , ", ""]), _WORDS), max_size=3).map("".join),
    st.sampled_from(["", " ", " ; done", "\r", ",", " \\"]),
)


@given(st.lists(_LINES, max_size=6))
def test_the_shortcut_gives_the_bytes_and_the_faults_of_careful_reading(lines: list[str]) -> None:
    # Every line twice: the first time of day and the first call are never taken by the shortcut.
    text = "\n".join([line for line in lines for _ in range(2)])
    sequence, faults = read_text(text, "a.seq")
    records, more = records_of(sequence, sample())
    if faults or more:
        with pytest.raises(Faults) as caught:
            compile_text(text, "a.seq", sample())
        assert caught.value.faults == Faults([*faults, *more]).faults
    else:
        data = compile_text(text, "a.seq", sample())
        assert read_sequence(data, len(data), allow_empty=True).records == records
