"""A poller in virtual time: with nothing ready it jumps to the next arrival or to the deadline."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.simulated_children import SimulatedChildren
    from kittiwake.platform.simulated_clock import SimulatedClock
    from kittiwake.platform.simulated_network import SimulatedNetwork


class Stalled(RuntimeError):
    """A wait without a deadline, where nothing is on its way: outside a simulation it would never end."""


class SimulatedPoller:
    """Watches endpoints of one simulated network. Ready callbacks come in the order in which they were added.

    While it waits, the programs that run beside the deployment do what is due.
    """

    def __init__(self, clock: SimulatedClock, network: SimulatedNetwork, children: SimulatedChildren) -> None:
        self._clock = clock
        self._advance_to = clock.advance_to
        self._network = network
        self._children = children
        self._callbacks: dict[int, tuple[Callable[[], None] | None, Callable[[], None] | None]] = {}
        self._is_woken = False

    def add(self, fileno: int, on_readable: Callable[[], None] | None, on_writable: Callable[[], None] | None) -> None:
        """Watches an endpoint; a second `add` replaces the callbacks, and with both `None` it is no longer watched.

        Raises `OSError` (EBADF) for a number that the network did not give out.
        """
        if on_readable is None and on_writable is None:
            self.remove(fileno)
            return
        if self._network.endpoint(fileno) is None:
            raise OSError(errno.EBADF, "Bad file descriptor")
        self._callbacks[fileno] = (on_readable, on_writable)

    def remove(self, fileno: int) -> None:
        """Stops watching; a number that is not watched is ignored."""
        self._callbacks.pop(fileno, None)

    def wait(self, deadline_ns: int | None) -> list[Callable[[], None]]:
        """The callbacks of what is ready; with none, time moves on to the next arrival or to the deadline.

        Raises `Stalled` where the wait could not end.
        """
        children = self._children
        if not self._callbacks and not children.processes and deadline_ns is not None and not self._is_woken:
            clock = self._clock
            if deadline_ns > clock.time_ns:
                clock.time_ns = deadline_ns
            return []
        while True:
            program_ns = children.run_due() if children.processes else None
            found, next_ns = self._ready()
            if program_ns is not None and (next_ns is None or program_ns < next_ns):
                next_ns = program_ns
            if found or self._is_woken:
                self._is_woken = False
                return found
            if deadline_ns is not None and (next_ns is None or next_ns > deadline_ns):
                self._advance_to(deadline_ns)
                return []
            if next_ns is None:
                raise Stalled("nothing is due, nothing is on its way and nobody has called wake")
            self._advance_to(next_ns)

    def _ready(self) -> tuple[list[Callable[[], None]], int | None]:
        now_ns = self._clock.now_ns()
        found: list[Callable[[], None]] = []
        next_ns: int | None = None
        for fileno, (on_readable, on_writable) in list(self._callbacks.items()):
            endpoint = self._network.endpoint(fileno)
            if endpoint is None:  # closed without `remove`
                del self._callbacks[fileno]
                continue
            at_ns = endpoint.readable_ns() if on_readable is not None else None
            if on_readable is not None and at_ns is not None:
                if at_ns <= now_ns:
                    found.append(on_readable)
                elif next_ns is None or at_ns < next_ns:
                    next_ns = at_ns
            if on_writable is not None and endpoint.is_writable():
                found.append(on_writable)
        return found, next_ns

    def wake(self) -> None:
        """Makes the next `wait` return at once."""
        self._is_woken = True

    def close(self) -> None:
        """Stops watching everything."""
        self._callbacks.clear()
