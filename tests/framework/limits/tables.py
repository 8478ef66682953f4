"""Strategies of tables, and a dictionary with channels of many kinds for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from kittiwake.limits.table import (
    ALL_MODES,
    AND,
    NOT,
    NUMBER_CODES,
    OR,
    RULE_SIZE_MAX,
    Actionpoint,
    Comparison,
    LimitTable,
    Response,
    State,
    Trigger,
    Watchpoint,
)

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

_BITS = {"b": 8, "h": 16, "i": 32, "q": 64}
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,11}", fullmatch=True).filter(
    lambda name: name not in ("and", "or", "not")
)


def operands(code: str) -> SearchStrategy[Any]:
    """The numbers that a type has."""
    if code in "fd":
        return st.floats(width=32 if code == "f" else 64, allow_nan=False)
    bits = _BITS[code.lower()]
    if code.isupper():
        return st.integers(0, 2**bits - 1)
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


@st.composite
def watchpoints(draw: Any, name: str) -> Watchpoint:
    """Any watchpoint."""
    code = draw(st.sampled_from(NUMBER_CODES))
    low, high = draw(operands(code)), draw(operands(code))
    return Watchpoint(
        name, draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 1023)), code, draw(st.sampled_from(Comparison)),
        low, high, draw(st.integers(1, 10_000)), draw(st.integers(0, 10_000)),
    )  # fmt: skip


def rules(watched: int) -> SearchStrategy[bytes]:
    """Sound rules over so many watchpoints."""
    leaves = st.integers(0, watched - 1).map(lambda place: bytes((place,)))

    def joined(inner: SearchStrategy[bytes]) -> SearchStrategy[bytes]:
        pairs = st.tuples(inner, inner, st.sampled_from((bytes((AND,)), bytes((OR,))))).map(b"".join)
        return pairs | inner.map(lambda rule: rule + bytes((NOT,)))

    return st.recursive(leaves, joined, max_leaves=8).filter(lambda rule: len(rule) <= RULE_SIZE_MAX)


@st.composite
def actionpoints(draw: Any, name: str, watched: int) -> Actionpoint:
    """Any actionpoint."""
    trigger = draw(st.sampled_from(Trigger)) if watched else Trigger.EVENT
    rule = draw(rules(watched)) if trigger is Trigger.RULE else b""
    response = draw(st.sampled_from(Response))
    command = draw(st.binary(min_size=6, max_size=40)) if response is Response.COMMAND else b""
    return Actionpoint(
        name, trigger, draw(st.integers(0, 2**32 - 1)), rule, draw(st.sampled_from(State)),
        draw(st.integers(0, ALL_MODES)), draw(st.integers(0, 0xFFFF)), response, command,
    )  # fmt: skip


@st.composite
def tables(draw: Any) -> LimitTable:
    """Any table."""
    watched = [draw(watchpoints(name)) for name in draw(st.lists(names, max_size=6, unique=True))]
    acting = [draw(actionpoints(name, len(watched))) for name in draw(st.lists(names, max_size=4, unique=True))]
    return LimitTable(draw(names), tuple(watched), tuple(acting))
