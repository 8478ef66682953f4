"""Tokens of the building's API: who may use it."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_components.building_api.tokens import MAX_TOKENS, Role, read_tokens, requester_of

TOKEN = "0123456789abcdef"
FILE = f"""# NAME ROLE TOKEN
dashboard viewer {TOKEN}
demand operator sha256:{sha256(b"another token of ours").hexdigest()}  # only its digest stands here
"""


def test_a_token_says_who_asks_and_what_that_one_may() -> None:
    """REQ-BA-002"""
    known = read_tokens(FILE)
    viewer, operator = requester_of(f"Bearer {TOKEN}", known), requester_of("bearer another token of ours", known)
    assert viewer is not None
    assert (viewer.name, viewer.role) == ("dashboard", Role.VIEWER)
    assert operator is not None
    assert (operator.name, operator.role) == ("demand", Role.OPERATOR)
    for header in ("", "Bearer", f"Bearer {TOKEN}0", f"Basic {TOKEN}", TOKEN):
        assert requester_of(header, known) is None


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "1 to 100 tokens are wanted"),
        ("me viewer", "line 1: NAME ROLE TOKEN is wanted"),
        (f"\nme admin {TOKEN}", "line 2: NAME ROLE TOKEN is wanted, and ROLE is viewer or operator"),
        ("me viewer short", "line 1: a token has at least 16 characters"),
        ("me viewer sha256:12", "line 1: sha256: is followed by 64 hexadecimal digits"),
        (f"{'n' * 101} viewer {TOKEN}", "line 1: a name has at most 100 bytes"),
        (f"a viewer {TOKEN}\nb operator {TOKEN}", "line 2: somebody else has that token"),
    ],
)
def test_a_file_that_makes_no_sense_says_where(text: str, reason: str) -> None:
    """REQ-BA-002"""
    with pytest.raises(ValueError, match=reason):
        read_tokens(text)


def test_a_token_in_a_wrong_place_is_not_told() -> None:
    """REQ-BA-002: the reason goes into an event."""
    with pytest.raises(ValueError, match="line 1") as refusal:
        read_tokens(f"me {TOKEN} operator")
    assert TOKEN not in str(refusal.value)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    """REQ-BA-002"""
    try:
        found = read_tokens(text)
    except ValueError:
        return
    assert 1 <= len(found) <= MAX_TOKENS
