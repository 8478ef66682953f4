"""Threads of the process, for what blocks or has a loop of its own; the only place where they are started."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SystemThread:
    """A thread that was started; the process ends without waiting for it."""

    is_here = True

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self._thread = Thread(target=work, name=name, daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Whether it still works."""
        return self._thread.is_alive()

    def join(self, limit_s: float | None = None) -> bool:
        """Waits for its end, at most so long; whether it has ended."""
        self._thread.join(limit_s)
        return not self._thread.is_alive()
