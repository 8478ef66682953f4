"""F´'s format strings."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.dictionary.display import format_text
from tests.framework.dictionary.sample import sample

MODE: Any = sample().types["Sample.Mode"].python


@pytest.mark.parametrize(
    "format, args, text",
    [
        ("{}", [255], "255"),
        ("{}", [3.141590118408203], "3.141590118408203"),
        ("{}", [True], "True"),
        ("{}", [MODE.ON], "ON"),
        ("{x} {X} {o} {d} {5d} {c}", [255, 255, 255, 255, 255, 65], "ff FF 377 255   255 A"),
        ("{.3f} {8.2f}", [3.14159, 3.14159], "3.142     3.14"),
        ("{e} {g}", [3.14159, 3.14159], "3.141590e+00 3.14159"),
        ("{.2f}", [255], "255.00"),
        ("{{}} lit {}", [65], "{} lit 65"),
        ("100% {}", [65], "100% 65"),
        ("{{x}} {x}", [10], "{x} a"),
        ("{}", [[1, 2]], "[1, 2]"),
        ("{}", [(1, (2, MODE.OFF))], "[1, [2, 'OFF']]"),
        ("{}", [1, 2], "1"),
        ("{} and {}", [1], "{} and {} [1]"),
        ("{d}", [MODE.ON], "{d} ['ON']"),
        ("{x}", ["text"], "{x} ['text']"),
        ("{99999999999d}", [1], "{99999999999d} [1]"),
        ("{", [1], "{ [1]"),
        ("{:>9999999999}", [1], "{:>9999999999} [1]"),
        ("{0.__class__}", [1], "{0.__class__} [1]"),
    ],
)
def test_a_format_is_filled_in_as_f_prime_does(format: str, args: list[Any], text: str) -> None:
    assert format_text(format, args) == text


@given(st.text("{}.xdfcge0123456789!:[]a_ ", max_size=12), st.lists(st.integers() | st.text(max_size=3), max_size=3))
def test_any_format_gives_text(format: str, args: list[Any]) -> None:
    assert isinstance(format_text(format, args), str)
