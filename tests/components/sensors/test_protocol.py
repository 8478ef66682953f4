"""Lines and options: any bytes, any values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_components.sensors.options import Option
from kittiwake_components.sensors.protocol import MAX_LINE, LineFault, LineReader, decode_line, encode_line

finite = st.floats(allow_nan=False, allow_infinity=False)
messages = st.dictionaries(
    st.text(max_size=10), st.none() | st.booleans() | st.integers() | finite | st.text(max_size=20), max_size=5
)


@given(messages)
def test_a_message_is_one_line_and_comes_back(message: dict[str, Any]) -> None:
    line = encode_line(message)
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode_line(line) == message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_fault(data: bytes) -> None:
    try:
        message = decode_line(data)
    except LineFault:
        return
    assert isinstance(message, dict)


@given(st.lists(st.binary(max_size=20) | st.just(b"x" * 5000) | st.just(b"\n")), st.lists(st.integers(1, 7000)))
def test_lines_do_not_depend_on_how_they_arrive(pieces: list[bytes], cuts: list[int]) -> None:
    data = b"".join(pieces)
    lines = data.split(b"\n")[:-1]
    reader = LineReader()
    found: list[bytes] = []
    at = 0
    for size in [*cuts, len(data) + 1]:
        found += reader.feed(data[at : at + size])
        at += size
    assert found == [line for line in lines if len(line) < MAX_LINE]
    unfinished = len(data) - data.rfind(b"\n") - 1 >= MAX_LINE
    assert reader.too_long == sum(len(line) >= MAX_LINE for line in lines) + unfinished


def test_what_is_too_long_or_no_number_is_not_said() -> None:
    with pytest.raises(LineFault, match="longer than 4096"):
        encode_line({"why": "x" * 5000})
    with pytest.raises(ValueError, match="JSON"):
        encode_line({"value": float("nan")})


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=300), st.lists(st.integers(), max_size=2)
)


@given(VALUES)
def test_an_option_gives_its_own_type_in_its_range_or_refuses(value: object) -> None:
    options: list[Option[Any]] = [
        Option(5, "A count.", low=1, high=9), Option(0.5, "A share.", low=0.0), Option(True, "Whether."),
        Option("a", "A text."), Option("a", "A choice.", choices=("a", "b")),
    ]  # fmt: skip
    for option in options:
        try:
            read = option.read(value)
        except ValueError:
            continue
        assert type(read) is type(option.default)
        assert option.low is None or read >= option.low
        assert option.high is None or read <= option.high
        assert not option.choices or read in option.choices


@pytest.mark.parametrize(
    "option, value, read",
    [
        (Option(5, ""), " 7 ", 7), (Option(5, ""), 7, 7), (Option(0.5, ""), "1e3", 1000.0), (Option(0.5, ""), 2, 2.0),
        (Option(True, ""), "No", False), (Option(True, ""), "on", True), (Option("a", ""), "ü b", "ü b"),
    ],
)  # fmt: skip
def test_values_of_ini_and_toml_files_mean_the_same(option: Option[Any], value: object, read: object) -> None:
    assert option.read(value) == read
