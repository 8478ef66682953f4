"""Transaction numbers: each entity gives its own, and none twice."""

from __future__ import annotations

NUMBER_SIZE = 4
_MAX_NUMBER = (1 << 8 * NUMBER_SIZE) - 1


def next_number(last: int | None, drawn: bytes) -> int:
    """The number after `last`, from 1 on. Without one it is `drawn` at random, in `NUMBER_SIZE` bytes.

    Whoever has lost its record does not know its old numbers, but the other end remembers them: it would take a new
    file for one that it has, and say that it holds it.
    """
    return (int.from_bytes(drawn, "big") if last is None else last) % _MAX_NUMBER + 1
