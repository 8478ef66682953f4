"""One connection of somebody who calls: requests in, answers out, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.wire.http_requests import HttpFault, RequestReader, encode_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Poller, Stream
    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake.wire.http_requests import Request

READ_BYTES = 16_384
LINGER_S = 5.0
"""An answer that is not taken for so long is given up."""


class Client:
    """A connection. `asked` gets each whole request; until its answer nothing more is read."""

    def __init__(
        self, stream: Stream, poller: Poller, clock: TaskClock, max_body: int, request_limit_s: float,
        asked: Callable[[Client, Request], None], ended: Callable[[Client, str], None],
    ) -> None:  # fmt: skip
        self._stream = stream
        self._poller = poller
        self._clock = clock
        self._reader = RequestReader(max_body)
        self._request_limit_s = request_limit_s
        self._asked = asked
        self._ended = ended
        self._outgoing = b""
        self._keep_alive = True
        self._timer: Timer | None = None
        self.is_busy = False
        """Whether a request waits for its answer."""
        self.is_closed = False
        self._expect()

    def _expect(self) -> None:
        """Waits for the next request."""
        self._set_timer(self._request_limit_s, "no request")
        self._poller.add(self._stream.fileno(), self._readable, None)

    def _set_timer(self, limit_s: float, reason: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.call_after(limit_s, self.close, f"{reason} within {limit_s:g} s")

    def take(self, data: bytes) -> None:
        """Takes in what has come."""
        self._reader.feed(data)
        self._serve()

    def _readable(self) -> None:
        try:
            data = self._stream.receive(READ_BYTES)
        except OSError as fault:
            self.close(str(fault))
            return
        if data is None:
            return
        if not data:
            self.close("")
            return
        self.take(data)

    def _serve(self) -> None:
        try:
            request = self._reader.request()
        except HttpFault as fault:
            self._keep_alive = False
            self.is_busy = True
            self._poller.add(self._stream.fileno(), None, None)
            self._ended(self, str(fault))
            self.answer(fault.status, f"{fault}\n".encode())
            return
        if request is None:
            return
        self.is_busy = True
        self._keep_alive = request.keep_alive
        self._poller.add(self._stream.fileno(), None, None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._asked(self, request)

    def answer(self, status: int, body: bytes, media_type: str = "text/plain; charset=utf-8") -> None:
        """Answers the request that waits; after one that is closed nobody is there to hear it."""
        if self.is_closed or not self.is_busy:
            return
        self._outgoing = encode_answer(status, body, media_type, keep_alive=self._keep_alive)
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
        self._expect()
        if self._reader.has_begun:
            self._serve()

    def close(self, reason: str = "") -> None:
        """Closes the connection; `ended` hears of it once."""
        if self.is_closed:
            return
        self.is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._poller.remove(self._stream.fileno())
        self._stream.close()
        self._ended(self, reason)
