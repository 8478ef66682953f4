"""Values in a recording: what goes in comes out, and nothing else is taken for a value."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.replay.values import DEPTH_LIMIT, ValueDamaged, ValueRefused, packed, unpacked

plain = (
    st.none() | st.booleans() | st.integers(-(1 << 100), 1 << 100) | st.floats(allow_nan=False)
    | st.binary(max_size=300) | st.text(st.characters(), max_size=20)
)  # fmt: skip
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple)
    | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
)  # fmt: skip


def kinds(value: Any) -> Any:
    """The value with the types of all that is in it: 1, 1.0 and True are equal and not the same."""
    if isinstance(value, dict):
        return dict, [(kinds(key), kinds(one)) for key, one in value.items()]
    if isinstance(value, (tuple, list)):
        return type(value), [kinds(one) for one in value]
    return type(value), math.copysign(1, value) if isinstance(value, float) else 0, value


@given(values)
def test_a_value_comes_out_as_it_went_in(value: Any) -> None:
    assert kinds(unpacked(packed(value))) == kinds(value)


@given(values, st.data())
def test_a_value_that_is_cut_is_none(value: Any, data: st.DataObject) -> None:
    whole = packed(value)
    with pytest.raises(ValueDamaged):
        unpacked(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.binary(max_size=60))
def test_garbage_is_a_value_or_is_refused_and_nothing_else(garbage: bytes) -> None:
    try:
        value = unpacked(garbage)
    except ValueDamaged:
        return
    assert kinds(unpacked(packed(value))) == kinds(value) or "nan" in repr(value)


def test_bytes_in_other_clothes_and_named_tuples_are_taken_as_what_they_are_made_of() -> None:
    class Pair(NamedTuple):
        first: int
        second: bytearray

    assert unpacked(packed(Pair(1, bytearray(b"ab")))) == (1, b"ab")
    assert unpacked(packed([memoryview(b"x")])) == [b"x"]


def test_what_is_no_value_is_named() -> None:
    with pytest.raises(ValueRefused, match=r"builtins\.object is no value"):
        packed((1, object()))
    with pytest.raises(ValueRefused, match="bits"):
        packed(1 << 10_000)


def test_values_in_values_have_an_end() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueRefused, match=f"more than {DEPTH_LIMIT}"):
        packed(endless)
    with pytest.raises(ValueDamaged):
        unpacked(b"\x08\x01" * 200 + b"\x00")
    with pytest.raises(ValueDamaged, match="left over"):
        unpacked(b"\x00\x00")
    with pytest.raises(ValueDamaged):
        unpacked(b"\x09\x01\x08\x00\x00")  # a list is no key
