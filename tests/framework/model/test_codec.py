"""Argument lists are packed and unpacked as a whole."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.codec import clip, downlink_packer, packer, unpacker
from kittiwake.model.types import (
    F64,
    U8,
    U16,
    Array,
    Bool,
    Range,
    Ranged,
    RangeError,
    Size,
    String,
    WireError,
    WireType,
    wire_alias,
    wire_array,
    wire_struct,
    wire_type,
)
from kittiwake.testing.strategies import values_of

Pair = wire_array("Codec.Pair", String(6), 2)
FORMS = [wire_type(one) for one in (U8, U16, F64, Bool, String(6))] + [Ranged(wire_type(U8), 1, 5)]


@st.composite
def lists(draw: st.DrawFn) -> tuple[list[WireType], tuple[Any, ...]]:
    forms = draw(st.lists(st.sampled_from(FORMS), max_size=6))
    return forms, tuple([draw(values_of(form)) for form in forms])


@given(lists())
def test_arguments_come_back_and_nothing_may_be_missing_or_left_over(given_: tuple[list[WireType], Any]) -> None:
    forms, values = given_
    packed = packer(forms)(*values)
    assert packed == b"".join(form.pack(value) for form, value in zip(forms, values, strict=True))
    assert unpacker(forms)(packed) == values
    with pytest.raises(WireError):
        unpacker(forms)(packed + b"\x00")
    if packed:
        with pytest.raises(WireError):
            unpacker(forms)(packed[:-1])


@given(lists())
def test_the_downlink_carries_ascii_of_the_declared_size(given_: tuple[list[WireType], Any]) -> None:
    forms, values = given_
    read = unpacker(forms)(downlink_packer(forms)(*values))
    for form, value, got in zip(forms, values, read, strict=True):
        assert got == (clip(value, 6) if form is FORMS[4] else value)


def test_text_is_cut_and_made_ascii() -> None:
    assert clip("naïve and long", 8) == "na?ve an"


def test_a_malformed_rest_is_graver_than_a_value_out_of_range() -> None:
    forms = [Ranged(wire_type(U8), 1, 5), wire_type(Bool)]
    with pytest.raises(RangeError, match="9 is outside 1 to 5"):
        unpacker(forms)(b"\x09\xff")
    with pytest.raises(WireError) as malformed:
        unpacker(forms)(b"\x09\x05")
    assert not isinstance(malformed.value, RangeError)
    with pytest.raises(WireError, match="take 2 bytes, 3 are there"):
        unpacker(forms)(b"\x09\xff\x00")


def test_strings_within_arrays_and_structs_are_made_ascii_for_the_downlink() -> None:
    @wire_struct(name="Codec.Labelled")
    class Labelled:
        number: U8
        labels: Pair  # type: ignore[valid-type]

    form = wire_type(Labelled)
    value = Labelled(7, ("naïve", "too long for it"))
    assert downlink_packer([form])(value) == b"\x07\0\5na?ve\0\6too lo"
    assert downlink_packer([wire_type(U8), wire_alias("Codec.Label", String(3))])(1, "é") == b"\1\0\1?"


@wire_struct()
class Labelled:
    label: Annotated[str, Size(20)]
    level: Annotated[U8, Range(1, 5)]
    more: U8


def test_a_value_out_of_range_within_a_struct_or_an_array_is_one_and_not_a_format_fault() -> None:
    form = wire_type(Labelled)
    unpack = unpacker([form, U8])  # type: ignore[list-item]
    assert unpack(b"\x00\x01a\x05\x02\x03") == (Labelled("a", 5, 2), 3)
    with pytest.raises(RangeError, match="6 is outside 1 to 5") as fault:
        unpack(b"\x00\x01a\x06\x02\x03")
    assert fault.value.end == 6
    for data in (b"\x00\x01a\x06\x02", b"\x00\x01a\x06", b"\x00\x01a\x06\x02\x03\x04"):
        with pytest.raises(WireError) as graver:
            unpack(data)
        assert type(graver.value) is WireError
    levels = Array("Levels", wire_type(Annotated[U8, Range(1, 5)]), 2)
    with pytest.raises(RangeError, match="9 is outside 1 to 5"):
        unpacker([levels])(b"\x09\x0a")
