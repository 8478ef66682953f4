"""The binary table: whole or refused, and rules against an obvious model."""

from __future__ import annotations

from itertools import product
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.limits.rule import RuleFault, parse_rule, rule_text
from kittiwake.limits.table import (
    ALL_MODES,
    AND,
    NOT,
    OR,
    Actionpoint,
    Comparison,
    LimitTable,
    Response,
    State,
    TableFault,
    Trigger,
    Watchpoint,
    check_rule,
    evaluate,
    read_table,
    write_table,
)
from tests.framework.limits.tables import rules, tables

WATCHPOINT = Watchpoint("low", 0x1000, 0, "f", Comparison.LESS, 6.5, 0.0)
ACTIONPOINT = Actionpoint(
    "shed", Trigger.RULE, 0, b"\x00", State.ACTIVE, ALL_MODES, 1, Response.COMMAND, b"\0\0\0\0\0\1"
)
TABLE = LimitTable("Power", (WATCHPOINT,), (ACTIONPOINT,))


@given(tables())
def test_a_table_comes_back_as_it_was_written(table: LimitTable) -> None:
    assert read_table(write_table(table)) == table


@given(st.data())
def test_a_changed_byte_or_a_cut_is_noticed(data: st.DataObject) -> None:
    whole = write_table(TABLE)
    place = data.draw(st.integers(0, len(whole) - 1))
    changed = bytearray(whole)
    changed[place] ^= data.draw(st.integers(1, 255))
    for bad in (bytes(changed), whole[:place]):
        with pytest.raises(TableFault):
            read_table(bad)


@given(st.data())
def test_nonsense_under_a_right_checksum_is_a_table_or_a_fault(data: st.DataObject) -> None:
    """A compiler of somebody else's may write what it likes."""
    body = bytearray(write_table(data.draw(tables()))[:-4])
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    forged = bytes(body) + crc32(body).to_bytes(4, "big")
    try:
        table = read_table(forged)
    except TableFault:
        return
    assert write_table(table) == forged


@pytest.mark.parametrize(
    "table",
    [
        TABLE._replace(name=""),
        TABLE._replace(name="x" * 41),
        TABLE._replace(name="Ä"),
        TABLE._replace(watchpoints=(WATCHPOINT, WATCHPOINT)),
        TABLE._replace(watchpoints=(WATCHPOINT._replace(low=float("nan")),)),
        TABLE._replace(watchpoints=(WATCHPOINT._replace(samples=0),)),
        TABLE._replace(watchpoints=(WATCHPOINT._replace(code="x"),)),
        TABLE._replace(watchpoints=(WATCHPOINT._replace(code="B", low=2**64),)),
        TABLE._replace(actionpoints=(ACTIONPOINT._replace(rule=b"\x01"),)),
        TABLE._replace(actionpoints=(ACTIONPOINT._replace(rule=b""),)),
        TABLE._replace(actionpoints=(ACTIONPOINT._replace(command=b""),)),
        TABLE._replace(actionpoints=(ACTIONPOINT._replace(response=Response.SAFE_MODE),)),
        TABLE._replace(actionpoints=(ACTIONPOINT._replace(trigger=Trigger.EVENT),)),
    ],
)
def test_what_cannot_be_is_not_written(table: LimitTable) -> None:
    with pytest.raises(TableFault):
        write_table(table)


# Rules


def _model(text: str, values: dict[str, bool]) -> bool:
    return bool(eval(text, {}, dict(values)))  # noqa: S307 - of names, brackets and operators that we wrote


@given(rules(3))
def test_a_rule_says_what_python_says_of_its_text(rule: bytes) -> None:
    names = ["a", "b", "c"]
    text = rule_text(rule, names)
    check_rule(rule, 3, "x")
    for values in product((False, True), repeat=3):
        expected = _model(text, dict(zip(names, values, strict=True)))
        assert evaluate(rule, list(values)) is expected
        assert evaluate(parse_rule(text, names), list(values)) is expected


@given(rules(3), st.lists(st.sampled_from([None, True, False]), min_size=3, max_size=3))
def test_what_is_unknown_decides_nothing(rule: bytes, states: list[bool | None]) -> None:
    """What a rule says with unknown watchpoints it says whatever they turn out to be."""
    said = evaluate(rule, states)
    if said is None:
        return
    for values in product((False, True), repeat=3):
        filled: list[bool | None] = [
            value if state is None else state for state, value in zip(states, values, strict=True)
        ]
        assert evaluate(rule, filled) is said


@given(st.binary(max_size=12))
def test_a_rule_that_passes_the_check_can_be_evaluated(rule: bytes) -> None:
    try:
        check_rule(rule, 3, "x")
    except TableFault:
        return
    assert evaluate(rule, [True, False, None]) in (True, False, None)


@pytest.mark.parametrize(
    "text, rule",
    [
        ("a", [0]),
        ("a and b or c", [0, 1, AND, 2, OR]),
        ("a or b and c", [0, 1, 2, AND, OR]),
        ("not a and b", [0, NOT, 1, AND]),
        ("not (a and b)", [0, 1, AND, NOT]),
        (" ( a )and not not b ", [0, 1, NOT, NOT, AND]),
    ],
)
def test_operators_bind_as_python_has_them(text: str, rule: list[int]) -> None:
    assert parse_rule(text, ["a", "b", "c"]) == bytes(rule)


@pytest.mark.parametrize(
    "text, offset, message",
    [
        ("", 0, "name of a watchpoint"),
        ("a and", 5, "name of a watchpoint"),
        ("a b", 2, "at its end"),
        ("a and (b or c", 6, "never closed"),
        ("a & b", 2, "no place"),
        ("a and volts_lo", 6, "no watchpoint"),
        ("(" * 40 + "a", 33, "nests too deeply"),
        (" and ".join(["a"] * 40), 0, "64 are allowed"),
    ],
)
def test_a_fault_of_a_rule_has_its_place(text: str, offset: int, message: str) -> None:
    with pytest.raises(RuleFault, match=message) as raised:
        parse_rule(text, ["a", "b", "c", "volts_low"])
    assert raised.value.offset == offset
