"""One connection of somebody who asks over TCP: requests in, answers out, one at a time, with a limit on everything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from kittiwake_components.link.opener import Opener

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Platform, Poller, Stream
    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake.wire.link_address import LinkAddress

R = TypeVar("R")

READ_BYTES = 16_384
MAX_CALLERS = 8
"""The most connections of a server; one more takes the place of one that asks nothing."""

LINGER_S = 5.0
"""An answer that is not taken for so long is given up."""


class CallerConnection(Generic[R]):
    """A connection; a protocol's subclass reads requests of type `R`. Until the answer to one nothing more is read."""

    def __init__(self, stream: Stream, poller: Poller, clock: TaskClock, request_limit_s: float) -> None:
        self._stream = stream
        self._poller = poller
        self._clock = clock
        self._request_limit_s = request_limit_s
        self._outgoing = b""
        self._keep_alive = True
        self._timer: Timer | None = None
        self.is_busy = False
        """Whether a request waits for its answer."""
        self.is_closed = False

    # What a protocol says

    def feed(self, data: bytes) -> None:
        """Takes in what has come."""
        raise NotImplementedError  # pragma: no cover - every subclass has its own

    def next_request(self) -> R | None:
        """The next whole request, if it is there. Raises `ValueError`; nothing more can be read after that."""
        raise NotImplementedError  # pragma: no cover - every subclass has its own

    @property
    def has_begun(self) -> bool:
        """Whether a part of a request is there."""
        raise NotImplementedError  # pragma: no cover - every subclass has its own

    def asked(self, request: R) -> None:
        """A whole request has come."""
        raise NotImplementedError  # pragma: no cover - every subclass has its own

    def refuse(self, fault: ValueError) -> None:
        """Answers what is no request; the connection ends with that."""
        raise NotImplementedError  # pragma: no cover - every subclass has its own

    def ended(self, reason: str) -> None:
        """The connection is closed, or will be after the answer to what is no request; why, if that is a fault."""
        raise NotImplementedError  # pragma: no cover - every subclass has its own

    def at_end(self) -> None:
        """The other side says no more."""
        self.close("")

    # Requests

    def expect(self) -> None:
        """Waits for the next request."""
        self._set_timer(self._request_limit_s, "no request")
        self._poller.add(self._stream.fileno(), self._readable, None)

    def _set_timer(self, limit_s: float, reason: str) -> None:
        self._stop_timer()
        self._timer = self._clock.call_after(limit_s, self.close, f"{reason} within {limit_s:g} s")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def take(self, data: bytes) -> None:
        """Takes in what has come, and serves it."""
        self.feed(data)
        self.serve()

    def _readable(self) -> None:
        try:
            data = self._stream.receive(READ_BYTES)
        except OSError as fault:
            self.close(str(fault))
            return
        if data is None:
            return
        if not data:
            self.at_end()
            return
        self.take(data)

    def serve(self) -> None:
        """Has the next whole request answered, if it is there."""
        try:
            request = self.next_request()
        except ValueError as fault:
            self._keep_alive = False
            self.is_busy = True
            self._poller.add(self._stream.fileno(), None, None)
            self.ended(str(fault))
            self.refuse(fault)
            return
        if request is None:
            return
        self.is_busy = True
        self._poller.add(self._stream.fileno(), None, None)
        self._stop_timer()
        self.asked(request)

    # Answers

    def send(self, answer: bytes) -> None:
        """Answers the request that waits; after one that is closed nobody is there to hear it."""
        if self.is_closed or not self.is_busy:
            return
        self._outgoing = answer
        self._set_timer(LINGER_S, "the answer was not taken")
        self._writable()

    def _writable(self) -> None:
        try:
            sent = self._stream.send(self._outgoing)
        except OSError as fault:
            self.close(str(fault))
            return
        self._outgoing = self._outgoing[sent:]
        if self._outgoing:
            self._poller.add(self._stream.fileno(), None, self._writable)
            return
        self.is_busy = False
        if not self._keep_alive:
            self.close("")
            return
        self.expect()
        if self.has_begun:
            self.serve()

    def close(self, reason: str = "") -> None:
        """Closes the connection; `ended` hears of it once."""
        if self.is_closed:
            return
        self.is_closed = True
        self._stop_timer()
        self._poller.remove(self._stream.fileno())
        self._stream.close()
        self.ended(reason)


class Callers:
    """A server's port and its connections: `connect` makes one of a stream, `count` hears how many there are.

    `refuse` hears why one was turned away or has ended, where that is a fault.
    """

    def __init__(
        self, connect: Callable[[Stream], CallerConnection[Any]], count: Callable[[int], None],
        refuse: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._connect = connect
        self._count = count
        self._refuse = refuse
        self._all: list[CallerConnection[Any]] = []
        self._opener: Opener | None = None

    def listen(
        self, address: LinkAddress, platform: Platform, clock: TaskClock, poller: Poller,
        failed: Callable[[str], None],
    ) -> None:  # fmt: skip
        """Lets others connect until `close`; `failed` hears each time why it cannot, and it tries again."""
        self._opener = Opener(address, platform, clock, poller, self.opened, failed)
        self._opener.open()

    @property
    def port(self) -> int:
        """The port that is listened on, 0 for none."""
        return self._opener.port if self._opener is not None else 0

    def opened(self, stream: Stream, data: bytes) -> None:
        """Somebody has connected, and said `data`."""
        if len(self._all) >= MAX_CALLERS:
            idle = next((one for one in self._all if not one.is_busy), None)
            if idle is None:
                stream.close()
                self._refuse(f"{MAX_CALLERS} connections are busy")
                return
            idle.close()
        one = self._connect(stream)
        self._all.append(one)
        self._count(len(self._all))
        if data:
            one.take(data)

    def ended(self, one: CallerConnection[Any], reason: str) -> None:
        """One has ended, or will have after its answer."""
        if one.is_closed:
            self._all.remove(one)
            self._count(len(self._all))
        if reason:
            self._refuse(reason)

    def close(self) -> None:
        """Lets nobody connect any more, and closes all of them."""
        if self._opener is not None:
            self._opener.close()
            self._opener = None
        for one in list(self._all):
            one.close()
