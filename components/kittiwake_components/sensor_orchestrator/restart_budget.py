"""How often a process may fail before it is left alone, and how long the pauses are."""

from __future__ import annotations

from collections import deque

from kittiwake.platform.interface import NS_PER_S

SPAN_S = 3600
"""Failures are counted over the last hour."""

FIRST_PAUSE_S = 1
LONGEST_PAUSE_S = 300


class RestartBudget:
    """So many restarts in an hour (the restart intensity of Erlang's supervisors), after pauses that double."""

    __slots__ = ("_failures_ns",)

    def __init__(self) -> None:
        self._failures_ns: deque[int] = deque()

    def failed(self, now_ns: int, max_restarts: int) -> int | None:
        """Takes note of a failure; says how many seconds to wait, or `None` if the budget is spent."""
        while self._failures_ns and now_ns - self._failures_ns[0] >= SPAN_S * NS_PER_S:
            self._failures_ns.popleft()
        self._failures_ns.append(now_ns)
        count = len(self._failures_ns)
        return None if count > max_restarts else min(FIRST_PAUSE_S << min(count - 1, 16), LONGEST_PAUSE_S)

    def clear(self) -> None:
        """Forgets all failures."""
        self._failures_ns.clear()
