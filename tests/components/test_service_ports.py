"""Calls of services in text and in JSON."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_components.ports.service import (
    ARGUMENTS_SIZE,
    REPLY_SIZE,
    ServiceFault,
    arguments_of,
    failed,
    pack_arguments,
    parse_call,
    result_of,
    succeeded,
)

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.lists(plain, max_size=3))
def test_literals_in_text_come_through(arguments: list[Any]) -> None:
    text = f"monitoring.upload({', '.join(map(repr, arguments))})"
    if len(text) <= 1024:
        assert parse_call(text) == ("monitoring", "upload", arguments)


@given(st.lists(plain, max_size=3))
def test_arguments_and_results_go_through_json(arguments: list[Any]) -> None:
    assert arguments_of(pack_arguments(arguments)) == arguments
    assert result_of(succeeded(arguments)) == arguments


@pytest.mark.parametrize(
    "text",
    [
        "", "monitoring", "monitoring.upload", "upload()", "a.b.c()", "monitoring.upload(x)", "monitoring.upload(1 + )",
        "monitoring.upload(**{})", "monitoring.upload(a=1)", "monitoring.upload(*[1])", "(lambda: 0)()",
        "__import__('os').system('x')", "monitoring.upload(().__class__)", "monitoring.upload(open('x'))", "x" * 2000,
        "m.u(" + "[" * 400 + "]" * 400 + ")", "m.u('\\0')\0",
    ],
)  # fmt: skip
def test_whatever_is_no_call_with_literals_is_refused(text: str) -> None:
    with pytest.raises(ServiceFault):
        parse_call(text)


@pytest.mark.parametrize("packed", [b"", b"{}", b"1", b"[", b"\xff", b"[" * 5000])
def test_arguments_that_are_no_json_list_are_refused(packed: bytes) -> None:
    with pytest.raises(ServiceFault):
        arguments_of(packed)


def test_what_is_too_long_or_has_no_form_is_refused() -> None:
    with pytest.raises(ServiceFault, match="more than"):
        pack_arguments(["x" * ARGUMENTS_SIZE])
    with pytest.raises(ServiceFault, match="cannot be passed on"):
        pack_arguments([b"bytes"])
    with pytest.raises(ServiceFault, match="more than"):
        succeeded("x" * REPLY_SIZE)


@pytest.mark.parametrize("reply", [b"", b"[]", b"{}", b'{"error": 1}', b"\xff"])
def test_a_reply_that_is_none_is_a_fault(reply: bytes) -> None:
    with pytest.raises(ServiceFault, match="no proper reply"):
        result_of(reply)


def test_a_failure_carries_its_reason() -> None:
    with pytest.raises(ServiceFault, match="no link"):
        result_of(failed("no link"))
