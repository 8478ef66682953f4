"""Keeps a replay from starting threads: what they did in flight is recorded, and they must not do it again.

Components start threads by themselves, for libraries with sockets of their own; no platform is asked. So it is the
module `threading` that is told, for the thread of the replay and for as long as that lasts.
"""

from __future__ import annotations

import threading
from typing import Any


class WithoutThreads:
    """Within it the threads that this thread starts end at once, without having done anything."""

    def __enter__(self) -> None:
        start = self._start = threading.Thread.start
        here = threading.get_ident()

        def start_nothing(thread: threading.Thread) -> None:
            if threading.get_ident() == here:
                thread.run = _nothing  # type: ignore[method-assign]
            start(thread)

        threading.Thread.start = start_nothing  # type: ignore[method-assign, assignment]

    def __exit__(self, *_: Any) -> None:
        threading.Thread.start = self._start  # type: ignore[method-assign]


def _nothing() -> None:
    """What such a thread does."""
