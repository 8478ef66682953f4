"""The set of byte ranges, against a plain set of bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.storage.coverage import MAX_PIECES, Coverage, TooManyPieces

ranges = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=30)


@given(ranges, st.integers(0, 60), st.integers(0, 20))
def test_it_is_the_set_of_the_bytes_that_were_added(added: list[tuple[int, int]], start: int, length: int) -> None:
    """REQ-FU-004."""
    coverage, reference = Coverage(), set[int]()
    for offset, size in added:
        coverage.add(offset, offset + size)
        reference |= set(range(offset, offset + size))
    asked = range(start, start + length)
    assert coverage.size == len(reference)
    assert [byte for low, high in coverage.overlaps(start, start + length) for byte in range(low, high)] == [
        byte for byte in asked if byte in reference
    ]
    assert [byte for low, high in coverage.gaps(start, start + length) for byte in range(low, high)] == [
        byte for byte in asked if byte not in reference
    ]


def test_more_pieces_than_the_limit_are_refused_and_nothing_is_added() -> None:
    """REQ-FU-012."""
    coverage = Coverage()
    for piece in range(MAX_PIECES):
        coverage.add(piece * 2, piece * 2 + 1)
    with pytest.raises(TooManyPieces):
        coverage.add(MAX_PIECES * 2, MAX_PIECES * 2 + 1)
    assert coverage.size == MAX_PIECES
    coverage.add(1, 2)  # joins two pieces, so there is room again
    coverage.add(MAX_PIECES * 2, MAX_PIECES * 2 + 1)
    assert coverage.size == MAX_PIECES + 2
