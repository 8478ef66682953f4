"""Forms made from the types of commands: what is typed becomes the value, or is told wrong at its field."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.dictionary.entries import Command, Formal
from kittiwake.dictionary.values import value_of
from kittiwake.model.types import (
    F32,
    F64,
    I32,
    U8,
    Alias,
    Array,
    Bool,
    Enumeration,
    Ranged,
    Struct,
    Text,
    WireType,
    wire_enum,
    wire_struct,
    wire_type,
)
from kittiwake_ground.dashboard.argument_form import (
    CHOICE,
    JSON,
    MAX_FIELDS,
    SWITCH,
    TEXT,
    ArgumentForm,
    Entry,
    Group,
    leaf_count,
    make_field,
    rule_of,
)


@wire_enum(U8)
class Mode(IntEnum):
    IDLE = 0
    SCIENCE = 1
    SAFE = 7


@wire_struct()
class Window:
    low: I32
    high: I32 = 10
    mode: Mode = Mode.IDLE


INTEGER, FLOAT, DOUBLE, BOOLEAN = map(wire_type, (U8, F32, F64, Bool))
SCALARS: list[WireType] = [
    INTEGER, wire_type(I32), FLOAT, DOUBLE, BOOLEAN, Text(12), wire_type(Mode), Ranged(INTEGER, 3, 9),
    Alias("Gain", Ranged(DOUBLE, -1.5, 2.5)),
]  # fmt: skip


def _struct(members: list[WireType]) -> WireType:
    names = [f"member{number}" for number in range(len(members))]
    body = {"__annotations__": dict(zip(names, members, strict=True)), "__module__": __name__}
    made: type = wire_struct()(type("Made", (), body))
    return wire_type(made)


FORMS = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(
        st.builds(lambda one, size: Array("List", one, size), inner, st.integers(1, 4)),
        st.lists(inner, min_size=1, max_size=3).map(_struct),
    ),
    max_leaves=6,
)


def plain_values(form: WireType) -> st.SearchStrategy[Any]:
    """Values of a type in JSON's terms."""
    if isinstance(form, Ranged):
        if form.python is int:
            return st.integers(int(form.low), int(form.high))
        return st.floats(form.low, form.high)
    if isinstance(form, Alias):
        return plain_values(form.underlying)
    if isinstance(form, Array):
        return st.lists(plain_values(form.element), min_size=form.size, max_size=form.size)
    if isinstance(form, Struct):
        return st.fixed_dictionaries({name: plain_values(one) for name, one in form.members.items()})
    if isinstance(form, Enumeration):
        return st.sampled_from(list(form.enum.__members__))
    if isinstance(form, Text):
        return st.text(st.characters(codec="utf-8"), max_size=form.size // 4)
    if form is BOOLEAN:
        return st.booleans()
    if form in (FLOAT, DOUBLE):
        return st.floats(width=32, allow_nan=False)
    return st.integers(form.low, form.high)  # type: ignore[attr-defined]


FORMS_AND_VALUES = FORMS.flatmap(lambda form: st.tuples(st.just(form), plain_values(form)))


def no_id(name: str, type_name: str) -> int | None:
    return None


def entry(form: WireType, raw: Any) -> Entry:
    made = make_field("value", form, no_id)
    assert isinstance(made, Entry)
    made.raw = raw
    return made


@given(FORMS_AND_VALUES)
def test_a_value_entered_field_by_field_is_the_value_sent(case: tuple[WireType, Any]) -> None:
    form, plain = case
    field = make_field("value", form, no_id)
    field.fill(plain)
    assert field.problems() == []
    assert value_of(form, field.plain()) == value_of(form, plain)


@given(FORMS)
def test_every_type_has_fields_for_all_of_its_values(form: WireType) -> None:
    def leaves(field: Entry | Group) -> int:
        return sum(map(leaves, field.fields)) if isinstance(field, Group) else 1

    assert leaves(make_field("value", form, no_id)) == leaf_count(form)


@given(st.sampled_from(SCALARS), st.text(max_size=20))
def test_whatever_is_typed_is_a_value_or_a_message(form: WireType, typed: str) -> None:
    field = entry(form, typed)
    if field.kind == SWITCH:
        return
    problem = field.problem()
    if problem:
        assert field.problems() == [("value", problem)]
    else:
        form.check(value_of(form, field.plain()))


@pytest.mark.parametrize(
    "form, typed, problem",
    [
        (INTEGER, "300", "300 is outside U8 (0 to 255)"),
        (INTEGER, "1.5", "'1.5' is neither a whole number nor a name with an id"),
        (INTEGER, "  ", "is needed"),
        (INTEGER, " 0x1f ", ""),
        (Ranged(INTEGER, 3, 9), "2", "2 is outside 3 to 9"),
        (FLOAT, "1e39", "1e+39 is outside F32"),
        (FLOAT, "fast", "'fast' is not a number"),
        (Text(4), "", ""),
        (Text(4), "\u00fc\u00fc\u00fc", "text of 6 bytes is longer than the 4 allowed"),
        (wire_type(Mode), None, "choose one"),
    ],
)
def test_what_is_wrong_is_told(form: WireType, typed: Any, problem: str) -> None:
    assert entry(form, typed).problem() == problem


@pytest.mark.parametrize(
    "form, kind, rule",
    [
        (INTEGER, TEXT, "U8, 0 to 255"),
        (Alias("Gain", Ranged(INTEGER, 3, 9)), TEXT, "Gain, 3 to 9"),
        (Ranged(Ranged(INTEGER, 3, 9), 1, 5), TEXT, "U8, 3 to 5"),
        (DOUBLE, TEXT, "F64"),
        (Text(40), TEXT, "text, at most 40 bytes"),
        (BOOLEAN, SWITCH, "bool"),
        (wire_type(Mode), CHOICE, "Mode"),
    ],
)
def test_a_field_says_how_it_is_filled_in(form: WireType, kind: str, rule: str) -> None:
    field = make_field("value", form, no_id)
    assert isinstance(field, Entry)
    assert (field.kind, field.rule, rule_of(form)) == (kind, rule, rule)


def test_an_enumeration_has_its_constants_as_choices_and_none_chosen() -> None:
    field = entry(wire_type(Mode), None)
    assert field.choices == ("IDLE", "SCIENCE", "SAFE")
    assert field.is_blank


def test_a_struct_begins_with_its_defaults_and_names_the_member_that_is_wrong() -> None:
    field = make_field("window", wire_type(Window), no_id)
    assert isinstance(field, Group)
    assert field.plain() == {"low": 0, "high": 10, "mode": "IDLE"}
    field.fill({"low": "much"})
    assert [path for path, _ in field.problems()] == ["window.low"]
    with pytest.raises(ValueError, match=r"^low: 'much'"):
        field.plain()


def test_an_element_is_named_by_its_index() -> None:
    field = make_field("gains", Array("Gains", Ranged(INTEGER, 0, 5), 3), no_id)
    field.fill([1, 9, 2])
    assert field.problems() == [("gains[1]", "9 is outside 0 to 5")]


def test_an_array_too_large_for_fields_is_written_as_json() -> None:
    form = Array("Table", INTEGER, MAX_FIELDS + 1)
    field = make_field("table", form, no_id)
    assert isinstance(field, Entry)
    assert field.kind == JSON
    field.raw = "[1, 2]"
    assert field.problem() == "Table has 65 values, not 2"
    field.fill([7] * 65)
    assert field.plain() == [7] * 65


def test_a_name_stands_for_its_id() -> None:
    def find_id(name: str, type_name: str) -> int | None:
        return 42 if (name, type_name) == ("core.temperature", "FwChanIdType") else None

    field = Entry("id", Alias("FwChanIdType", wire_type(I32)), find_id)
    field.raw = "core.temperature"
    assert field.plain() == 42


def test_a_form_gives_arguments_by_name_only_when_all_are_right() -> None:
    command = Command("core.aim", 7, (Formal("mode", wire_type(Mode)), Formal("turns", INTEGER)))
    form = ArgumentForm(command, no_id)
    assert [path for path, _ in form.problems()] == ["mode", "turns"]
    with pytest.raises(ValueError, match="mode: choose one"):
        form.arguments()
    again = ArgumentForm(command, no_id, {"mode": "SAFE", "turns": 3, "gone": 1})
    assert again.arguments() == {"mode": "SAFE", "turns": 3}
