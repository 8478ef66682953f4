"""Which bytes of a file have come: packets may be sparse, repeated and out of order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

MAX_PIECES = 1024
"""The most separate pieces that are kept track of; a link that tears more holes than that is not worth it."""


class TooManyPieces(ValueError):
    """One more piece than `MAX_PIECES`; nothing was added."""


class Coverage:
    """A set of byte ranges of a file, kept as the fewest pieces [start, end) in ascending order."""

    __slots__ = ("_ends", "_starts", "size")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.size = 0

    def has_room(self, start: int, end: int) -> bool:
        """Whether [start, end) can be added without one piece too many."""
        return len(self._starts) < MAX_PIECES or bisect_left(self._ends, start) < bisect_right(self._starts, end)

    def add(self, start: int, end: int) -> None:
        """Adds the bytes from `start` to before `end`. Raises `TooManyPieces`."""
        if start >= end:
            return
        if not self.has_room(start, end):
            raise TooManyPieces(f"more than {MAX_PIECES} separate pieces")
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        merged = sum(self._ends[first:last]) - sum(self._starts[first:last])
        self.size += end - start - merged
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def overlaps(self, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of [start, end) that are covered, in ascending order."""
        first = bisect_right(self._ends, start)
        found = []
        for piece_start, piece_end in zip(self._starts[first:], self._ends[first:], strict=True):
            if piece_start >= end:
                break
            found.append((max(start, piece_start), min(end, piece_end)))
        return found

    def gaps(self, start: int, end: int) -> list[tuple[int, int]]:
        """The parts of [start, end) that are not covered, in ascending order."""
        found = []
        for piece_start, piece_end in self.overlaps(start, end):
            if start < piece_start:
                found.append((start, piece_start))
            start = piece_end
        if start < end:
            found.append((start, end))
        return found
