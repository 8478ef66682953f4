"""The grammar of sequence text, and what is said of text that breaks it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.faults import Faults
from kittiwake.sequence.text import MAX_DEPTH, MAX_FAULTS, Call, Statement, parse_text


def call_of(statement: Statement) -> Call:
    assert isinstance(statement.call, Call)
    return statement.call


def arguments(text: str) -> tuple[object, ...]:
    (statement,) = parse_text(f"R00:00:00 X.CMD {text}", "a.seq").statements
    return call_of(statement).arguments


def faults_of(text: str) -> list[str]:
    with pytest.raises(Faults) as caught:
        parse_text(text, "a.seq")
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    "line, absolute, time_us",
    [
        ("R00:00:00 X.CMD", False, 0),
        ("R 00:00:02.3 X.CMD", False, 2_300_000),
        ("  R01:02:03.000001\tX.CMD", False, 3_723_000_001),
        ("R100:00:00 X.CMD", False, 360_000_000_000),
        ("A1970-001T00:00:00 X.CMD", True, 0),
        ("A 2024-366T23:59:59.999999 X.CMD", True, 1735689599_999999),
        ("A2000-060T00:00:00.5 X.CMD", True, 951782400_500000),
    ],
)
def test_times_are_relative_or_absolute_to_the_microsecond(line: str, absolute: bool, time_us: int) -> None:
    (statement,) = parse_text(line, "a.seq").statements
    assert (statement.absolute, statement.time_us, call_of(statement).mnemonic) == (absolute, time_us, "X.CMD")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", ()),
        ("7 -2 0x1F +3 1_000 0", (7, -2, 31, 3, 1000, 0)),
        ("1.5e0, .5 -2.25 1e3", (1.5, 0.5, -2.25, 1000.0)),
        ("true True TRUE false False FALSE", (True, True, True, False, False, False)),
        ('"text" \'more\' "" "it\'s"', ("text", "more", "", "it's")),
        (r'"a \"q\"" "semi ; colon"', (r"a \"q\"", "semi ; colon")),
        (r'$"line\nnext \"q\" \u00e9"', ('line\nnext "q" é',)),
        ("ON, Sample.Mode.OFF $word", ("ON", "Sample.Mode.OFF", "$word")),
        ("[1, 2, 3] [] [1, [2.5], ]", ([1, 2, 3], [], [1, [2.5]])),
        ('{a: 1, b: [2, 3], m: ON, "q": {x: true,}} {}', ({"a": 1, "b": [2, 3], "m": "ON", "q": {"x": True}}, {})),
        (", 1 , 2,3", (1, 2, 3)),
        ("1 ; 2, 3", (1,)),
        ('1;"not closed', (1,)),
        ("1, \\\n   2 \\  \n , 3", (1, 2, 3)),
    ],
)
def test_arguments_are_plain_values(text: str, expected: tuple[object, ...]) -> None:
    assert arguments(text) == expected
    assert list(map(type, arguments(text))) == list(map(type, expected))


def test_a_comma_may_stand_behind_the_mnemonic() -> None:
    for line in ("R00:00:00 X.CMD, 1", "R00:00:00 X.CMD,1", "R00:00:00 X.CMD 1", "R00:00:00 X.CMD\t,\t1"):
        (statement,) = parse_text(line, "a.seq").statements
        assert call_of(statement).arguments == (1,)


def test_comments_blank_lines_and_carriage_returns_are_passed_over() -> None:
    text = '; head "\r\n\r\n   \t\r\nR00:00:00 X.A ; tail \\\r\nR00:00:00 X.B\r\n;end \\'
    assert [call_of(statement).mnemonic for statement in parse_text(text, "a.seq").statements] == ["X.A", "X.B"]


def test_positions_follow_continued_lines() -> None:
    sequence = parse_text('\nR00:00:00 X.CMD 1, \\\n  "two", [3]\n', "a.seq")
    (statement,) = sequence.statements
    assert sequence.position(statement.offset) == (2, 1)
    assert sequence.position(statement.call_offset + call_of(statement).mnemonic_offset) == (2, 11)
    places = [sequence.position(statement.call_offset + offset) for offset in call_of(statement).offsets]
    assert places == [(2, 17), (3, 3), (3, 10)]


@pytest.mark.parametrize(
    "text, fault",
    [
        ("X.CMD 1", "1:1: a line starts with its time"),
        ("R X.CMD", "1:1: after R stands a time, HH:MM:SS[.ffffff]"),
        ("R0:00:00 X.CMD", "1:2: '0:00:00' is no time of the form HH:MM:SS[.ffffff]"),
        ("R00:60:00 X.CMD", "1:2: an hour has minutes 00 to 59, not 60"),
        ("R00:00:60 X.CMD", "1:2: a minute has seconds 00 to 59, not 60"),
        ("R00:00:00.1234567 X.CMD", "1:2: '00:00:00.1234567' is no time"),
        ("R1193046:28:16 X.CMD", "1:2: a delay is at most 1193046:28:15"),
        ("A00:00:00 X.CMD", "1:2: '00:00:00' is no time of the form YYYY-DDDTHH:MM:SS[.ffffff]"),
        ("A2023-366T00:00:00 X.CMD", "1:2: 2023 has days 001 to 365, not 366"),
        ("A2023-001T24:00:00 X.CMD", "1:2: a day has hours 00 to 23, not 24"),
        ("A1969-001T00:00:00 X.CMD", "1:2: a time is not before 1970"),
        ("A2106-038T06:28:16 X.CMD", "1:2: a time is at most 2106-038T06:28:15"),
        ("R00:00:00", "1:10: the command is missing"),
        ("R00:00:00 ; X", "1:11: the command is missing"),
        ("R00:00:00 7", "1:11: here stands the command's full name"),
        ("R00:00:00 X.CMD(1)", "1:11: here stands the command's full name"),
        ("R00:00:00 X.CMD 1,,2", "1:19: an argument is missing before the comma"),
        ("R00:00:00 X.CMD,,2", "1:17: an argument is missing before the comma"),
        ("R00:00:00 X.CMD 1,", "1:18: an argument is missing behind the comma"),
        ("R00:00:00 X.CMD 1, ; x", "1:18: an argument is missing behind the comma"),
        ("R00:00:00 X.CMD,", "1:16: an argument is missing behind the comma"),
        ('R00:00:00 X.CMD "a"1', "1:20: a comma or a blank stands between arguments"),
        ('R00:00:00 X.CMD "a', "1:17: the quoted text does not end on its line"),
        ("R00:00:00 X.CMD 007", "1:17: a number has no leading zeros (write 7, or put quotes around a text)"),
        ("R00:00:00 X.CMD 1.2.3", "1:17: this is no number; a text stands in quotes"),
        ("R00:00:00 X.CMD 12ab", "1:17: this is no number; a text stands in quotes"),
        ("R00:00:00 X.CMD [1 2]", "1:20: a comma or ']' stands here"),
        ("R00:00:00 X.CMD [1", "1:19: a comma or ']' stands here"),
        ("R00:00:00 X.CMD ]", "1:17: ']' closes nothing"),
        ("R00:00:00 X.CMD {1: 2}", "1:18: here stands a member's name and a colon"),
        ("R00:00:00 X.CMD {a: 2 b: 3}", "1:23: a comma or '}' stands here"),
        ("R00:00:00 X.CMD [1]2", "1:20: a comma or a blank stands between arguments"),
        ("R00:00:00 X.CMD {a 2}", "1:18: here stands a member's name and a colon"),
        ("R00:00:00 X.CMD {a: 2, a: 3}", "1:24: the member a stands here twice"),
        ("R00:00:00 X.CMD %", "1:17: '%' starts no argument"),
        (r'R00:00:00 X.CMD $"\x"', "1:17: the escapes are not JSON's"),
        ("R00:00:00 X.CMD " + "9" * 5000, "1:17: the number is too long"),
        ("R00:00:00 X.CMD " + "[" * (MAX_DEPTH + 1), f"1:{17 + MAX_DEPTH}: arrays and structs nest deeper"),
    ],
)
def test_broken_text_is_reported_at_its_place(text: str, fault: str) -> None:
    (found,) = faults_of(text)
    assert found.startswith(f"a.seq:{fault}"), found


def test_every_faulty_line_is_reported_and_shown() -> None:
    text = "R00:00:00 X.A\nX.B\nR00:61:00 X.C\nR00:00:00 X.D [\n"
    with pytest.raises(Faults) as caught:
        parse_text(text, "a.seq")
    assert [(fault.line, fault.col) for fault in caught.value.faults] == [(2, 1), (3, 2), (4, 16)]
    assert "    R00:00:00 X.D [\n                   ^" in caught.value.render()


def test_reading_stops_at_the_limit_of_faults() -> None:
    assert len(faults_of("bad\n" * (MAX_FAULTS + 10))) == MAX_FAULTS


@given(st.text("RA01:.-T X.CMD,\"'$\\[]{};\n\r\t_xe+", max_size=60))
def test_any_text_is_parsed_or_refused_and_nothing_else_happens(text: str) -> None:
    try:
        sequence = parse_text(text, "a.seq")
        lines = [sequence.position(statement.offset)[0] for statement in sequence.statements]
    except Faults as faults:
        lines = [fault.line for fault in faults.faults]
    assert all(1 <= line <= text.count("\n") + 1 for line in lines)
