"""Calls from drivers' threads onto the component's loop, and their way while the component stops and no loop turns."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.loop import Loop
    from kittiwake.runtime.tasks import TaskClock

NS_PER_S = 1_000_000_000
LOOK_AGAIN_S = 0.05


class Inbox:
    """Calls in the order in which they were posted: made on a loop, or by `drain`; after `close` they go nowhere."""

    def __init__(self, loop: Loop, clock: TaskClock, *, has_threads: bool) -> None:
        self._loop = loop
        self._clock = clock
        self._has_threads = has_threads
        self._calls: deque[tuple[Callable[..., Any], tuple[Any, ...]]] = deque()
        self._is_closed = False

    def post(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Has a call made on the loop; safe from any thread."""
        self._calls.append((call, arguments))
        self._loop.resume(self._serve)

    def _serve(self) -> None:
        """Makes one call, if `drain` has not made it."""
        if self._calls and not self._is_closed:
            call, arguments = self._calls.popleft()
            call(*arguments)

    def drain(self, is_done: Callable[[], bool], limit_s: float) -> bool:
        """Makes the calls that come until `is_done`; false at the limit, and where none can come any more.

        For the end, when the loop turns no more.
        """
        from threading import Event

        deadline_ns = self._clock.now_ns() + round(limit_s * NS_PER_S)
        while True:
            while self._calls:
                self._serve()
            if is_done():
                return True
            if not self._has_threads or self._clock.now_ns() >= deadline_ns:
                return False
            Event().wait(LOOK_AGAIN_S)

    def close(self) -> None:
        """Nothing is called any more."""
        self._is_closed = True
        self._calls.clear()
