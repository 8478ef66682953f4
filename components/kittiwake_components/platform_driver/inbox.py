"""Calls onto the component's loop, and their way while the component stops and nobody turns the loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.inlet import Inlet
    from kittiwake.runtime.loop import Loop
    from kittiwake.runtime.tasks import TaskClock

NS_PER_S = 1_000_000_000


class Inbox:
    """Calls in the order in which they were posted: made on a loop, or by `drain`; after `close` they go nowhere."""

    def __init__(self, loop: Loop, clock: TaskClock, *, has_threads: bool) -> None:
        self._loop = loop
        self._clock = clock
        self._has_threads = has_threads
        self._is_closed = False

    def post(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Has a call made on the loop, later; for the loop itself."""
        self._loop.resume(self._make, call, *arguments)

    def inlet(self, call: Callable[..., Any], *, lasts: bool = False) -> Inlet:
        """A way for other threads to have a call made on the loop, as `Loop.inlet`."""
        return self._loop.inlet(partial(self._make, call), lasts=lasts)

    def _make(self, call: Callable[..., Any], *arguments: Any) -> None:
        if not self._is_closed:
            call(*arguments)

    def drain(self, is_done: Callable[[], bool], limit_s: float) -> bool:
        """Makes the calls that come until `is_done`; false at the limit, and where none can come any more.

        For the end, when nobody turns the loop.
        """
        deadline_ns = self._clock.now_ns() + round(limit_s * NS_PER_S)
        while not is_done():
            if self._clock.now_ns() >= deadline_ns:
                return False
            has_come = self._loop.await_calls(deadline_ns if self._has_threads else 0)
            if not has_come and not self._has_threads:
                return False
        return True

    def close(self) -> None:
        """Nothing is called any more."""
        self._is_closed = True
