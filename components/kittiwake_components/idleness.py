"""What a member of a rate group says about the cycles that it does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.runtime.tasks import TaskClock

REST_S = 3600
"""How far ahead cycles are declined; the one that comes then declines again, so that a lost word heals itself."""


class Idleness:
    """Tells a rate group (`tell(until_ns)`, a port of type Svc.Idle) when cycles are needed, and each change once."""

    def __init__(self, clock: TaskClock, tell: Callable[[int], None] | None) -> None:
        self._clock = clock
        self._tell = tell
        self._until_ns = 0

    def set(self, is_idle: bool) -> None:
        """Called in each cycle, and whenever there is something to do or nothing any more."""
        if self._tell is None:
            return
        if not is_idle:
            if self._until_ns:
                self._until_ns = 0
                self._tell(0)
            return
        now_ns = self._clock.now_ns()
        if now_ns >= self._until_ns:
            self._until_ns = now_ns + REST_S * NS_PER_S
            self._tell(self._until_ns)
