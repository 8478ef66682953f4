"""Time tags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.types import WireError
from kittiwake.wire.time_tag import TAG_SIZE, TimeBase, pack_tag, unpack_tag

VECTOR = bytes.fromhex("0002 00 65a0b0c0 0001e240")
TAG = TimeBase.WORKSTATION_TIME << 64 | 1705029824_123456


def test_tag_has_the_wire_form_that_the_ground_system_reads() -> None:
    assert pack_tag(TAG) == VECTOR
    assert unpack_tag(b"xyz" + VECTOR, 3) == TAG


@given(st.integers(0, 0xFFFF), st.integers(0, 2**32 * 1_000_000 - 1))
def test_every_tag_comes_back(base: int, microseconds: int) -> None:
    tag = base << 64 | microseconds
    assert len(pack_tag(tag)) == TAG_SIZE
    assert unpack_tag(pack_tag(tag)) == tag


def test_context_is_ignored() -> None:
    assert unpack_tag(VECTOR[:2] + b"\x07" + VECTOR[3:]) == TAG


def test_a_million_microseconds_are_refused_and_one_less_is_not() -> None:
    with pytest.raises(WireError, match="byte 2: 1000000 microseconds"):
        unpack_tag(b"??" + VECTOR[:7] + (1_000_000).to_bytes(4, "big"), 2)
    assert unpack_tag(VECTOR[:7] + (999_999).to_bytes(4, "big")) == 2 << 64 | 1705029824_999999


def test_short_data_is_refused_with_where_and_why() -> None:
    with pytest.raises(WireError, match="byte 1: needs 11 bytes, data has 11"):
        unpack_tag(VECTOR, 1)


@pytest.mark.parametrize("tag", [1 << 80, -1, 2**32 * 1_000_000])
def test_a_tag_that_does_not_fit_is_refused(tag: int) -> None:
    with pytest.raises(WireError, match="do not fit"):
        pack_tag(tag)
