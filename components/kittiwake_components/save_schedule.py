"""When a time that adds up over starts is saved: often in a short life, seldom in a long one."""

from __future__ import annotations

from kittiwake.platform.interface import NS_PER_S


class SaveSchedule:
    """Due at 1, 3, 7, 15, ... seconds of a start, and later each `longest_s`.

    What a kill makes the record forget is at most `longest_s`, and of a short start about half.
    """

    __slots__ = ("_due_ns", "_interval_ns", "_longest_ns")

    def __init__(self, longest_s: int) -> None:
        self._longest_ns = longest_s * NS_PER_S
        self.begin(0)

    def begin(self, now_ns: int) -> None:
        """Counts from `now_ns` since boot."""
        self._interval_ns = NS_PER_S
        self._due_ns = now_ns + NS_PER_S

    def is_due(self, now_ns: int) -> bool:
        """True once for each turn."""
        if now_ns < self._due_ns:
            return False
        self._interval_ns = min(self._interval_ns * 2, self._longest_ns)
        self._due_ns = now_ns + self._interval_ns
        return True
