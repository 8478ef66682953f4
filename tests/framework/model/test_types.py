"""Every wire type gives back what it packed, refuses what it must, and reads text and JSON."""

from __future__ import annotations

import math
from enum import IntEnum
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.types import (
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    Bool,
    Octets,
    Range,
    Ranged,
    RangeError,
    Size,
    String,
    TypeFault,
    WireError,
    WireType,
    resolved,
    wire_alias,
    wire_array,
    wire_enum,
    wire_struct,
    wire_type,
)
from kittiwake.testing.strategies import values_of


@wire_enum(I16, name="Test.Mode")
class Mode(IntEnum):
    OFF = -3
    ON = 7


@wire_struct(name="Test.Sample")
class Sample:
    """A reading."""

    mode: Mode
    label: Annotated[str, Size(12)]
    volts: Annotated[F32, Range(-1, 9)]
    ok: Bool = True

    def doubled(self) -> float:
        return self.volts * 2


Rates: Any = wire_array("Test.Rates", F32, 3)
Samples: Any = wire_array("Test.Samples", Sample, 2)
Token: Any = wire_alias("Test.Token", U32)

FORMS = [
    *[wire_type(one) for one in (U8, U16, U32, U64, I8, I16, I32, I64, F32, F64, Bool, Mode, Sample)],
    Rates, Samples, Token, wire_type(String(7)), Octets(5), Ranged(wire_type(I8), -5, 5),
    Ranged(wire_type(F32), 0.1, 0.3),
    wire_type(Annotated[str, Size(3)]), wire_type(Annotated[bytes, Size(300)]), wire_alias("Test.Mode2", Mode),
]  # fmt: skip


@st.composite
def values(draw: st.DrawFn) -> tuple[WireType, Any]:
    form = draw(st.sampled_from(FORMS))
    return form, draw(values_of(form))


@given(values(), st.binary(max_size=5), st.binary(max_size=5))
def test_what_was_packed_is_unpacked_from_any_place(one: tuple[WireType, Any], before: bytes, after: bytes) -> None:
    form, value = one
    form.check(value)
    packed = form.pack(value)
    assert len(packed) <= form.max_size
    got, end = form.unpack(before + packed + after, len(before))
    assert (got, end) == (value, len(before) + len(packed))


@given(values())
def test_plain_values_lead_back_to_the_value(one: tuple[WireType, Any]) -> None:
    form, value = one
    plain = form.to_plain(value)
    assert form.from_plain(plain) == value
    assert is_plain(plain)


def is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and is_plain(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return all(is_plain(item) for item in value)
    return value is None or type(value) in (bool, int, float, str)


@given(st.sampled_from(FORMS), st.binary(max_size=40))
def test_random_bytes_are_a_value_or_a_wire_error(form: WireType, data: bytes) -> None:
    try:
        value, end = form.unpack(data)
    except WireError:
        return
    assert 0 < end <= len(data)
    if resolved(form).name not in ("F32", "F64", "Test.Rates"):  # a NaN is unequal to itself
        assert form.pack(value) == data[:end]


@given(values())
def test_a_truncated_value_is_a_wire_error(one: tuple[WireType, Any]) -> None:
    form, value = one
    packed = form.pack(value)
    with pytest.raises(WireError):
        form.unpack(packed[:-1])


@given(st.sampled_from(FORMS))
def test_the_default_is_a_value(form: WireType) -> None:
    form.check(form.default)
    packed = form.pack(form.default)
    assert form.pack(form.unpack(packed)[0]) == packed


@pytest.mark.parametrize("form", [wire_type(one) for one in (U8, U16, U32, U64, I8, I16, I32, I64)], ids=repr)
def test_integers_keep_their_bounds(form: Any) -> None:
    for value in (form.low, form.high):
        assert form.unpack(form.pack(value))[0] == value
    for value in (form.low - 1, form.high + 1):
        with pytest.raises(ValueError, match=f"outside {form.name}"):
            form.pack(value)
    for wrong in (1.5, "1", None, True):
        with pytest.raises(TypeError):
            form.check(wrong)


def test_wire_forms_are_the_ones_of_fprime() -> None:
    assert wire_type(U16).pack(0x1234) == b"\x12\x34"
    assert wire_type(I32).pack(-2) == b"\xff\xff\xff\xfe"
    assert wire_type(F32).pack(1.5) == b"\x3f\xc0\x00\x00"
    assert (wire_type(Bool).pack(True), wire_type(Bool).pack(False)) == (b"\xff", b"\x00")
    assert wire_type(String(9)).pack("né") == b"\x00\x03n\xc3\xa9"
    assert wire_type(Mode).pack(Mode.OFF) == b"\xff\xfd"
    assert wire_type(Sample).pack(Sample(Mode.ON, "a", 2.0)) == b"\x00\x07\x00\x01a\x40\x00\x00\x00\xff"
    assert Rates.pack((0.0, 1.0, 2.0)) == bytes.fromhex("000000003f80000040000000")


def test_floats_outside_32_bits_are_refused_and_infinities_are_not() -> None:
    form = wire_type(F32)
    with pytest.raises(ValueError, match="outside F32"):
        form.pack(1e39)
    assert math.isinf(form.unpack(form.pack(math.inf))[0])
    assert math.isnan(form.unpack(form.pack(math.nan))[0])


@pytest.mark.parametrize(
    "text,value",
    [("0x10", 16), ("-5", -5), ("0b11", 3)],
)
def test_whole_numbers_are_read_from_text(text: str, value: int) -> None:
    assert wire_type(I8).from_plain(text) == value


@pytest.mark.parametrize(
    "form,plain,message",
    [
        (wire_type(U8), "300", "outside U8"),
        (wire_type(U8), "x", "no.* whole number"),
        (wire_type(F32), "fast", "not a number"),
        (wire_type(Bool), "maybe", "neither true nor false"),
        (wire_type(Mode), "STANDBY", r"no constant of Test\.Mode \(OFF, ON\)"),
        (wire_type(Mode), 7, "no constant"),
        (Rates, [1.0], "has 3 values, not 1"),
        (wire_type(Sample), {"mode": "ON"}, "misses its member 'label'"),
        (wire_type(Sample), {"modus": "ON"}, "no member 'modus'"),
        (wire_type(Sample), {"mode": "ON", "label": "x" * 13, "volts": 1, "ok": True}, "label: text of 13"),
        (wire_type(Sample), {"mode": "ON", "label": "x", "volts": 10, "ok": True}, "volts: 10.* outside -1 to 9"),
        (Ranged(wire_type(U8), 1, 5), 6, "6 is outside 1 to 5"),
        (Octets(2), "abcdef", "3 bytes are more than the 2"),
        (Octets(2), "zz", "non-hexadecimal"),
    ],
)
def test_plain_values_that_do_not_fit_say_why(form: WireType, plain: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        form.from_plain(plain)


def test_bools_are_read_from_words() -> None:
    form = wire_type(Bool)
    assert [form.from_plain(word) for word in ("True", "yes", "1")] == [True] * 3
    assert [form.from_plain(word) for word in ("false", "NO", "0")] == [False] * 3


def test_values_out_of_range_are_range_errors_on_the_wire() -> None:
    form = Ranged(wire_type(U8), 1, 5)
    with pytest.raises(RangeError, match="9 is outside 1 to 5"):
        form.unpack(b"\x09")
    with pytest.raises(WireError, match="is no bool"):
        wire_type(Bool).unpack(b"\x01")
    with pytest.raises(WireError, match=r"is no constant of Test\.Mode"):
        wire_type(Mode).unpack(b"\x00\x00")
    with pytest.raises(WireError, match="is not UTF-8"):
        wire_type(String(4)).unpack(b"\x00\x01\xff")
    with pytest.raises(ValueError, match="surrogate"):
        wire_type(String(9)).pack("\udc80")


def test_a_bound_that_32_bits_cannot_hold_is_within_its_range_when_it_was_sent() -> None:
    form = Ranged(wire_type(F32), 0.1, 0.3)
    for bound in (0.1, 0.3):
        value, _ = form.unpack(form.pack(bound))
        assert value == pytest.approx(bound)
        assert form.pack(value) == form.pack(bound)
    with pytest.raises(TypeFault, match="does not"):
        Ranged(wire_type(U8), 5, 1)
    with pytest.raises(TypeFault, match="for numbers"):
        Ranged(wire_type(Bool), 0, 1)


def test_structs_are_immutable_named_and_keep_their_methods() -> None:
    sample = Sample(Mode.ON, "a", 2.0)
    assert (sample.volts, sample.ok, sample.doubled()) == (2.0, True, 4.0)
    with pytest.raises(AttributeError):
        sample.volts = 3.0  # type: ignore[misc]
    assert wire_type(Sample).name == "Test.Sample"
    assert repr(Token) == "Test.Token"
    assert resolved(wire_alias("A", wire_alias("B", U8))) is wire_type(U8)


def test_declarations_without_a_wire_form_are_refused() -> None:
    for declared, message in [
        (int, "int has no size; write U32"), (str, r"Annotated\[str, Size\(n\)\]"), (float, "write F32"),
        (object, "no wire form"), (Annotated[str, Range(1, 2)], "Range is for numbers"),
        (Annotated[U8, Size(3)], "Size is for str"), (Annotated[str, "why"], "needs its size"),
    ]:  # fmt: skip
        with pytest.raises(TypeFault, match=message):
            wire_type(declared)
    for size in (0, 1025):
        with pytest.raises(TypeFault, match="1 to 1024 bytes"):
            String(size)
    with pytest.raises(TypeFault, match="1 to 4096 elements"):
        wire_array("A", U8, 0)
    with pytest.raises(TypeFault, match="plain integer type"):
        wire_enum(F32)(Mode)  # type: ignore[arg-type]
    with pytest.raises(TypeFault, match="has no members"):
        wire_struct()(type("Empty", (), {"__module__": __name__}))


def test_an_enum_must_fit_its_representation() -> None:
    class Big(IntEnum):
        HUGE = 300

    with pytest.raises(ValueError, match="300 is outside U8"):
        wire_enum(U8)(Big)
