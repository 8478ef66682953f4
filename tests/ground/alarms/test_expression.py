"""Expressions over channels: what they give, and that nothing else can be had from them."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from operator import add, mod, mul, sub, truediv
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.dictionary.entries import Channel
from kittiwake.model.types import Array, Boolean, Enumeration, Float, Integer, Struct, Text
from kittiwake_ground.alarms.expression import MAX_DEPTH, Expression, ExpressionFault, NoValue


class Mode(IntEnum):
    SAFE = 1
    RUNNING = 3


class Rates(NamedTuple):
    x: float
    y: float


FORMS: dict[str, Any] = {
    "Ref.power.Volts": Float(32),
    "Ref.power.Amps": Float(64),
    "Ref.power.IsOn": Boolean(),
    "Ref.modes.Mode": Enumeration("Mode", Mode, Integer(8, False)),
    "Ref.imu.Rates": Struct("Rates", Rates, {"x": Float(64), "y": Float(64)}),
    "Ref.panels.Temps": Array("Temps", Float(64), 3),
    "Ref.name.Text": Text(20),
}
CHANNELS = {name: Channel(name, number, form) for number, (name, form) in enumerate(FORMS.items())}
VALUES = {
    "Ref.power.Volts": 8.0, "Ref.power.Amps": 0.5, "Ref.power.IsOn": True, "Ref.modes.Mode": Mode.SAFE,
    "Ref.imu.Rates": Rates(3.0, 4.0), "Ref.panels.Temps": (1.0, 2.0, 7.0), "Ref.name.Text": "x",
}  # fmt: skip


@pytest.mark.parametrize(
    "text,value",
    [
        ("Ref.power.Volts * Ref.power.Amps", 4),
        ("hypot(Ref.imu.Rates.x, Ref.imu.Rates.y)", 5),
        ("Ref.panels.Temps[2] - Ref.panels.Temps[0]", 6),
        ("100 if Ref.modes.Mode == 'SAFE' else 0", 100),
        ("'RUNNING' != Ref.modes.Mode and Ref.power.IsOn", 1),
        ("-Ref.power.Volts ** 2 + +1", -63),
        ("7 < Ref.power.Volts <= 8", 1),
        ("not Ref.power.IsOn or Ref.power.Volts > 9", 0),
        ("max(Ref.power.Volts, 1, 2) // 3 % 2", 0),
        ("degrees(pi) + 0 * Ref.power.Volts", 180),
        ("  Ref.power.Volts  ", 8),
    ],
)
def test_it_computes(text: str, value: float) -> None:
    assert Expression(text, CHANNELS).value(VALUES) == pytest.approx(value)


@pytest.mark.parametrize(
    "text,message",
    [
        ("Ref.power.Vols", "column 1: there is no channel Ref.power.Vols .*Volts"),
        ("1 + Ref.imu.Rates", "column 5: Ref.imu.Rates is Rates, no number: take one of .x, .y"),
        ("Ref.imu.Rates.z", "has no member z"),
        ("Ref.panels.Temps[3]", r"has no element 3: take one of \[0\] to \[2\]"),
        ("Ref.name.Text", "no number"),
        ("Ref.modes.Mode == 'SAVE'", "no constant of Mode .*SAFE"),
        ("Ref.power.Volts == 'SAFE'", "no enum"),
        ("Ref.modes.Mode < 'SAFE'", "only == or !="),
        ("squrt(Ref.power.Volts)", "there is no function squrt .*sqrt"),
        ("sqrt(Ref.power.Volts, 1)", "sqrt takes 1 arguments, not 2"),
        ("max(*Ref.panels.Temps)", "in order"),
        ("1 + 1", "no channel in it"),
        ("Ref.power.Volts +", "invalid syntax"),
        ("Ref.power.Volts | 1", "of operators there are"),
        ("Ref.power.Volts is 1", "of comparisons there are"),
        ("~Ref.power.Volts", "of signs there are"),
        ("'text'", "no number"),
        ("True", "no number"),
        ("1e999 * Ref.power.Volts", "too large"),
        ("x" * 3000, "at most 2000"),
        ("+".join(["Ref.power.Volts"] * 120), "too long"),
        ("-" * (MAX_DEPTH + 5) + "Ref.power.Volts", "too long"),
    ],
)
def test_what_it_cannot_be_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ExpressionFault, match=message):
        Expression(text, CHANNELS)


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')", "().__class__.__bases__", "Ref.power.Volts.__class__", "[x for x in Ref]",
        "lambda: 1", "(y := Ref.power.Volts)", "f'{Ref.power.Volts}'", "{Ref.power.Volts: 1}", "Ref.power.Volts.real",
        "Ref.panels.Temps[0:2]", "Ref.panels.Temps[-1]", "Ref.panels.Temps[True]", "eval('1')", "abs.__self__",
        "Ref.imu.Rates._asdict", "await Ref", "yield", "...", "None", "1j * Ref.power.Volts", "(1).__add__",
    ],
)  # fmt: skip
def test_nothing_but_arithmetic_can_be_said(text: str) -> None:
    with pytest.raises(ExpressionFault):
        Expression(text, CHANNELS)


@pytest.mark.parametrize(
    "text,message",
    [
        ("1 / (Ref.power.Volts - 8)", "division by zero"),
        ("1 % (Ref.power.Volts - 8)", "division by zero"),
        ("Ref.power.Volts ** 9999", "range"),
        ("exp(1000 * Ref.power.Volts)", "range"),
        ("sqrt(-Ref.power.Volts)", "."),
        ("1e300 * 1e300 * Ref.power.Volts", "the value is inf"),
    ],
)
def test_where_it_has_no_value_it_says_why(text: str, message: str) -> None:
    with pytest.raises(NoValue, match=message):
        Expression(text, CHANNELS).value(VALUES)


Formula = tuple[str, Callable[[], float]]
"""The text of a formula, and what Python makes of it."""


def joined(parts: tuple[Formula, str, Formula]) -> Formula:
    (left, one), sign, (right, other) = parts
    act: Callable[[float, float], float] = {"+": add, "-": sub, "*": mul, "/": truediv, "%": mod}[sign]
    return f"({left} {sign} {right})", lambda: act(one(), other())


def chosen(parts: tuple[Formula, Formula, Formula]) -> Formula:
    (then, one), (test, holds), (other, another) = parts
    return f"({then} if {test} > 1 else {other})", lambda: one() if holds() > 1 else another()


FORMULAS: st.SearchStrategy[Formula] = st.recursive(
    st.one_of(
        st.just(("Ref.power.Volts", lambda: 8.0)),
        st.just(("Ref.panels.Temps[1]", lambda: 2.0)),
        st.integers(0, 9).map(lambda number: (str(number), lambda: float(number))),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/%"), inner).map(joined),
        inner.map(lambda one: (f"abs({one[0]})", lambda: abs(one[1]()))),
        st.tuples(inner, inner, inner).map(chosen),
    ),
    max_leaves=12,
)


@given(FORMULAS.filter(lambda one: "Ref" in one[0]))
def test_it_computes_what_python_would(formula: Formula) -> None:
    text, python = formula
    expression = Expression(text, CHANNELS)
    try:
        expected = python()
    except ZeroDivisionError:
        with pytest.raises(NoValue, match="division by zero"):
            expression.value(VALUES)
        return
    assert expression.value(VALUES) == pytest.approx(expected)


@given(st.text('Rab.()[]+-1 "é_:=', max_size=30))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    with pytest.raises(ExpressionFault, match=r"^column "):
        Expression(text, CHANNELS)
