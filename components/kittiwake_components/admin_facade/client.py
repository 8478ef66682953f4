"""One connection of somebody who calls: requests of HTTP in, answers out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.wire.http_requests import HttpFault, RequestReader, encode_answer
from kittiwake_components.caller_connection import CallerConnection

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Poller, Stream
    from kittiwake.runtime.tasks import TaskClock
    from kittiwake.wire.http_requests import Request


class Client(CallerConnection["Request"]):
    """A connection. `asked` gets each whole request."""

    def __init__(
        self, stream: Stream, poller: Poller, clock: TaskClock, max_body: int, request_limit_s: float,
        asked: Callable[[Client, Request], None], ended: Callable[[Client, str], None],
    ) -> None:  # fmt: skip
        super().__init__(stream, poller, clock, request_limit_s)
        self._reader = RequestReader(max_body)
        self._asked = asked
        self._ended = ended
        self.expect()

    def feed(self, data: bytes) -> None:
        self._reader.feed(data)

    def next_request(self) -> Request | None:
        return self._reader.request()

    @property
    def has_begun(self) -> bool:
        return self._reader.has_begun

    def asked(self, request: Request) -> None:
        self._keep_alive = request.keep_alive
        self._asked(self, request)

    def refuse(self, fault: ValueError) -> None:
        status = fault.status if isinstance(fault, HttpFault) else 400
        self.answer(status, f"{fault}\n".encode())

    def ended(self, reason: str) -> None:
        self._ended(self, reason)

    def answer(self, status: int, body: bytes, media_type: str = "text/plain; charset=utf-8") -> None:
        """Answers the request that waits; after one that is closed nobody is there to hear it."""
        self.send(encode_answer(status, body, media_type, keep_alive=self._keep_alive))
