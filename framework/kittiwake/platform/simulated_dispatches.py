"""What the loops of a simulated machine dispatch: each call is counted, and can be the last before the dark."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

from kittiwake.platform.simulated_files import PowerCut

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from kittiwake.platform.interface import Clock
    from kittiwake.platform.simulated_files import SimulatedFiles

_LOG_LIMIT = 10_000
STILL_MAX = 100_000


class Livelock(RuntimeError):
    """So much was dispatched without any time passing that it would go on for ever."""


class SimulatedDispatches:
    """The dispatches of a machine since it was switched on.

    `dispatched` counts them, `calls` by (instance, call), and `log` has the last of them. A test lets a scenario run
    once, reads the count, and then repeats it with `cut_at` on each number in turn, as with `SimulatedFiles`.
    """

    def __init__(self, files: SimulatedFiles, clock: Clock, *, is_counting: bool) -> None:
        self.is_counting = is_counting
        self.dispatched = 0
        self.calls = Counter[tuple[str, str]]()
        self.log: deque[tuple[str, str]] = deque(maxlen=_LOG_LIMIT)
        self._files = files
        self._clock = clock
        self._looked_ns = -1
        self._cuts: dict[int, bool] = {}

    def cut_at(self, dispatch: int, *, after: bool = False) -> None:
        """Raises `PowerCut` before (or just after) the dispatch with this number, counted from 1, and ever after.

        Raises `ValueError` where nobody counts, so that the cut would never come.
        """
        if not self.is_counting:
            raise ValueError("this machine does not count its dispatches: make it with counts_dispatches=True")
        self._cuts[dispatch] = after

    def heal(self) -> None:
        """Takes back all cuts that have not happened."""
        self._cuts.clear()

    def began(self, instance: str, call: str) -> None:
        """Counts one dispatch, unless the power goes before it."""
        if self._files.is_stopped:
            raise PowerCut(self.dispatched, "dispatch")
        self.dispatched += 1
        if not self.dispatched % STILL_MAX:
            self._look_at_time()
        dispatch = instance, call
        self.calls[dispatch] += 1
        self.log.append(dispatch)
        if self._cuts and self._cuts.get(self.dispatched) is False:
            self._cut()

    def _look_at_time(self) -> None:
        """In virtual time a loop that never rests never comes to its end: that is said instead."""
        now_ns = self._clock.now_ns()
        if now_ns == self._looked_ns:
            raise Livelock(f"{STILL_MAX} dispatches in no time, the last of them {self.log[-1]}")
        self._looked_ns = now_ns

    def ended(self) -> None:
        """The power may go after the dispatch that was counted last."""
        if self._cuts and self._cuts.get(self.dispatched):
            self._cut()

    def arrived(self, call: Callable[..., Any], arguments: tuple[Any, ...]) -> bool:
        """Leaves it to the loop."""
        return False

    def _cut(self) -> None:
        self._files.stop()
        raise PowerCut(self.dispatched, "dispatch")


__all__ = ["SimulatedDispatches"]
