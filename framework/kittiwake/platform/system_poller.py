"""Waits on epoll for descriptors and on select for the time: epoll rounds its own timeout to milliseconds."""

from __future__ import annotations

import os
import select
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Clock

_READABLE = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
_WRITABLE = select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR
_EVENTS_MAX = 256
_SLICE_S = 10.0  # select does not count suspend, the deadline does: look at the clock again at least this often


class SystemPoller:
    """Descriptors with their callbacks, a deadline, and a wake-up from elsewhere.

    Only `wake` may be called from another thread or from a signal handler.
    """

    __slots__ = ("_callbacks", "_clock", "_epoll", "_wake_fd", "_watched")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._callbacks: dict[int, tuple[Callable[[], None] | None, Callable[[], None] | None]] = {}
        self._epoll = select.epoll()
        self._watched = [self._epoll.fileno()]
        self._wake_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._epoll.register(self._wake_fd, select.EPOLLIN)

    def add(self, fileno: int, on_readable: Callable[[], None] | None, on_writable: Callable[[], None] | None) -> None:
        """Watches a descriptor; a second `add` replaces the callbacks, and with both `None` it is no longer watched."""
        if on_readable is None and on_writable is None:
            self.remove(fileno)
            return
        mask = 0 if on_readable is None else select.EPOLLIN | select.EPOLLRDHUP
        if on_writable is not None:
            mask |= select.EPOLLOUT
        if fileno in self._callbacks:
            try:
                self._epoll.modify(fileno, mask)
            except FileNotFoundError:  # closed without `remove`, and the number given out again
                self._epoll.register(fileno, mask)
        else:
            self._epoll.register(fileno, mask)
        self._callbacks[fileno] = (on_readable, on_writable)

    def remove(self, fileno: int) -> None:
        """Stops watching a descriptor; one that is not watched is ignored."""
        if self._callbacks.pop(fileno, None) is None:
            return
        try:
            self._epoll.unregister(fileno)
        except OSError:  # closing it has taken it out already
            return

    def wait(self, deadline_ns: int | None) -> list[Callable[[], None]]:
        """The callbacks of what is ready; returns at `deadline_ns` at the latest, up to 10 s later after a suspend.

        A deadline that is past still polls; `None` waits until something is ready. A wake-up gives no callback.
        """
        ready = self._watched
        if deadline_ns is None:
            ready = select.select(self._watched, (), ())[0]
        else:
            now_ns = self._clock.now_ns
            while (left_ns := deadline_ns - now_ns()) > 0:
                ready = select.select(self._watched, (), (), min(left_ns * 1e-9, _SLICE_S))[0]
                if ready:
                    break
        return self._ready() if ready else []

    def _ready(self) -> list[Callable[[], None]]:
        found: list[Callable[[], None]] = []
        for fileno, events in self._epoll.poll(0, _EVENTS_MAX):
            if fileno == self._wake_fd:
                os.eventfd_read(fileno)
                continue
            on_readable, on_writable = self._callbacks[fileno]
            if on_readable is not None and events & _READABLE:
                found.append(on_readable)
            if on_writable is not None and events & _WRITABLE:
                found.append(on_writable)
        return found

    def wake(self) -> None:
        """Makes `wait` return at once, or the next one if none is under way."""
        try:
            os.eventfd_write(self._wake_fd, 1)
        except (OSError, ValueError):  # full: it is awake already; closed (-1): nobody waits
            return

    def close(self) -> None:
        """Gives back the descriptors; a second close does nothing."""
        self._callbacks.clear()
        self._epoll.close()
        fd, self._wake_fd = self._wake_fd, -1
        if fd >= 0:
            os.close(fd)
