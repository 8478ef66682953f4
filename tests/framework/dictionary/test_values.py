"""What people and files may write for a value of each type."""

from __future__ import annotations

from typing import Any, cast

import pytest

from kittiwake.dictionary.typedefs import ForeignText
from kittiwake.dictionary.values import value_of
from kittiwake.model import types as wire
from kittiwake.model.types import Alias, Array, Integer, Ranged, TypeFault, WireError, WireType
from tests.framework.dictionary.sample import sample

U8 = cast("WireType", wire.U8)
F32 = cast("WireType", wire.F32)
BOOL = cast("WireType", wire.Bool)
MODE = sample().types["Sample.Mode"]
STATE = sample().types["Sample.State"]
GOOD_STATE: dict[str, Any] = {"count": 1, "bytes": [1, 2, 3], "mode": "ON", "label": "x", "ok": True}


@pytest.mark.parametrize(
    "form, plain, value",
    [
        (U8, "0xff", 255),
        (U8, 7, 7),
        (F32, "1.5", 1.5),
        (F32, 2, 2.0),
        (BOOL, "no", False),
        (BOOL, True, True),
        (MODE, "Sample.Mode.AUTO", MODE.from_plain("AUTO")),
        (MODE, MODE.from_plain("AUTO"), MODE.from_plain("AUTO")),
        (STATE, STATE.default, STATE.default),
        (Alias("Small", Ranged(U8, 1, 5)), "3", 3),
        (Array("", U8, 2), "[1, 2]", (1, 2)),
    ],
)
def test_a_value_may_be_written_as_text_or_as_itself(form: WireType, plain: Any, value: Any) -> None:
    assert value_of(form, plain) == value


@pytest.mark.parametrize(
    "form, plain, message",
    [
        (U8, 256, r"256 is outside U8 \(0 to 255\)"),
        (U8, True, "U8 wants a whole number, not True"),
        (U8, "X.Count", "'X.Count' is neither a whole number nor a name with an id"),
        (Alias("Small", Ranged(U8, 1, 5)), 6, "6 is outside 1 to 5"),
        (BOOL, "maybe", "'maybe' is neither true nor false"),
        (Array("", U8, 2), 5, "array of U8 wants a list of 2 values, not 5"),
        (Array("", U8, 2), "[1", r"'\[1' is not JSON"),
        (Array("", U8, 2), "[" * 70_000, "too long for a value"),
        (STATE, 5, r"Sample.State wants its members \{count, bytes, mode, label, ok\}, not 5"),
        (STATE, {"cuont": 1}, r"Sample.State has no member 'cuont' \(did you mean count\?\)"),
        (STATE, {"count": 1}, "Sample.State misses its member 'bytes'"),
        (STATE, {**GOOD_STATE, "bytes": [1, 2, 256]}, r"bytes: \[2\]: 256 is outside U8"),
    ],
)
def test_a_value_of_another_type_or_range_is_refused(form: WireType, plain: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        value_of(form, plain)


def test_strings_with_other_length_prefixes_are_checked_as_ours_are() -> None:
    text = ForeignText(10, cast("Integer", wire.U8))
    for data, message in (
        (b"", "U8 needs 1 bytes"),
        (b"\x0b" + b"x" * 11, "11 bytes at 0 is longer than the 10 allowed"),
        (b"\x03ab", "ends behind the 3 that are there"),
        (b"\x02\xff\xff", "is not UTF-8"),
    ):
        with pytest.raises(WireError, match=message):
            text.unpack(data)
    with pytest.raises(TypeFault, match="1 to 255 bytes, not 256"):
        ForeignText(256, cast("Integer", wire.U8))
