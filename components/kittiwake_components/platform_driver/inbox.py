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
    """Posts calls to a loop until `drain`, which makes them itself; after `close` they go nowhere."""

    def __init__(self, loop: Loop, clock: TaskClock, *, has_threads: bool) -> None:
        self._loop = loop
        self._clock = clock
        self._has_threads = has_threads
        self._late: deque[tuple[Callable[..., Any], tuple[Any, ...]]] | None = None
        self._is_closed = False

    def post(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Has a call made on the loop; safe from any thread."""
        if self._late is not None:
            self._late.append((call, arguments))
        elif not self._is_closed:
            self._loop.resume(self._take, call, arguments)

    def _take(self, call: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        if not self._is_closed:
            call(*arguments)

    def divert(self) -> None:
        """From now on calls wait for `drain`."""
        self._late = deque()

    def drain(self, is_done: Callable[[], bool], limit_s: float) -> bool:
        """Makes the calls that come until `is_done`; false at the limit, and where none can come any more."""
        from threading import Event

        assert self._late is not None, "divert comes first"
        deadline_ns = self._clock.now_ns() + round(limit_s * NS_PER_S)
        while True:
            while self._late:
                call, arguments = self._late.popleft()
                call(*arguments)
            if is_done():
                return True
            if not self._has_threads or self._clock.now_ns() >= deadline_ns:
                return False
            Event().wait(LOOK_AGAIN_S)

    def close(self) -> None:
        """Nothing is called any more."""
        self._is_closed = True
        self._late = None
