"""Ends a process whose loop is stuck, and leaves the stacks of its threads in a file."""

from __future__ import annotations

import faulthandler
import os


class SystemStallWatch:
    """The interpreter's own watchdog thread (`faulthandler.dump_traceback_later`).

    It writes without allocating and needs no turn of the interpreter, so that a handler that spins for ever cannot
    keep it from its work. To arm it costs 60 us, as it starts a thread each time: it is armed now and then, not every
    turn. It counts on CLOCK_MONOTONIC, which stands still while the machine is suspended.
    """

    __slots__ = ("_fd",)

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)

    def arm(self, limit_s: float) -> None:
        """Ends the process with status 1 in `limit_s` seconds unless this is called again before."""
        faulthandler.dump_traceback_later(limit_s, repeat=False, file=self._fd, exit=True)

    def close(self) -> None:
        """Ends the watch; a second close does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            faulthandler.cancel_dump_traceback_later()
            os.close(fd)
