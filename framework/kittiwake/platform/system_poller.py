"""Waits for descriptors and for the time, by select: it keeps time to microseconds where epoll rounds to milliseconds.

A device watches a handful of descriptors. For so few select costs less than epoll, too, which would have to be waited
for by a select of its own.
"""

from __future__ import annotations

import errno
import os
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Clock

DESCRIPTOR_LIMIT = 1024
"""The lowest number that select cannot watch (FD_SETSIZE)."""

_SLICE_S = 10.0  # select does not count suspend, the deadline does: look at the clock again at least this often


class SystemPoller:
    """Descriptors with their callbacks, a deadline, and a wake-up from elsewhere.

    Only `wake` may be called from another thread or from a signal handler.
    """

    __slots__ = ("_clock", "_readers", "_reading", "_wake_fd", "_writers", "_writing")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._readers: dict[int, Callable[[], None]] = {}
        self._writers: dict[int, Callable[[], None]] = {}
        self._wake_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._list()

    def add(self, fileno: int, on_readable: Callable[[], None] | None, on_writable: Callable[[], None] | None) -> None:
        """Watches a descriptor; a second `add` replaces the callbacks, and with both `None` it is no longer watched.

        Raises `OSError` for a number that select cannot watch.
        """
        if not 0 <= fileno < DESCRIPTOR_LIMIT:
            raise OSError(errno.EBADF, f"descriptor {fileno} cannot be watched (0 to {DESCRIPTOR_LIMIT - 1})")
        for table, callback in ((self._readers, on_readable), (self._writers, on_writable)):
            if callback is None:
                table.pop(fileno, None)
            else:
                table[fileno] = callback
        self._list()

    def remove(self, fileno: int) -> None:
        """Stops watching a descriptor; one that is not watched is ignored."""
        self._readers.pop(fileno, None)
        self._writers.pop(fileno, None)
        self._list()

    def _list(self) -> None:
        self._reading = [self._wake_fd, *self._readers]
        self._writing = list(self._writers)

    def wait(self, deadline_ns: int | None) -> list[Callable[[], None]]:
        """The callbacks of what is ready; returns at `deadline_ns` at the latest, up to 10 s later after a suspend.

        A deadline that is past still polls; `None` waits until something is ready. A wake-up gives no callback.
        """
        try:
            if deadline_ns is None:
                readable, writable, _ = select.select(self._reading, self._writing, ())
            else:
                readable, writable = self._wait_until(deadline_ns)
        except (OSError, ValueError):
            self._forget_closed()
            return []
        return self._callbacks(readable, writable) if readable or writable else []

    def _wait_until(self, deadline_ns: int) -> tuple[list[int], list[int]]:
        now_ns = self._clock.now_ns
        while True:
            left_ns = deadline_ns - now_ns()
            timeout_s = min(left_ns * 1e-9, _SLICE_S) if left_ns > 0 else 0.0
            readable, writable, _ = select.select(self._reading, self._writing, (), timeout_s)
            if readable or writable or now_ns() >= deadline_ns:
                return readable, writable

    def _callbacks(self, readable: list[int], writable: list[int]) -> list[Callable[[], None]]:
        found: list[Callable[[], None]] = []
        for fileno in readable:
            if fileno == self._wake_fd:
                os.eventfd_read(fileno)
            else:
                found.append(self._readers[fileno])
        found += [self._writers[fileno] for fileno in writable]
        return found

    def _forget_closed(self) -> None:
        """Drops descriptors that were closed without `remove`: one of them makes every wait fail."""
        for fileno in {*self._readers, *self._writers}:
            try:
                os.fstat(fileno)
            except OSError:
                self._readers.pop(fileno, None)
                self._writers.pop(fileno, None)
        self._list()

    def wake(self) -> None:
        """Makes `wait` return at once, or the next one if none is under way."""
        try:
            os.eventfd_write(self._wake_fd, 1)
        except (OSError, ValueError):  # full: it is awake already; closed (-1): nobody waits
            return

    def close(self) -> None:
        """Gives back the descriptors; a second close does nothing."""
        self._readers.clear()
        self._writers.clear()
        fd, self._wake_fd = self._wake_fd, -1
        self._reading, self._writing = [], []
        if fd >= 0:
            os.close(fd)
