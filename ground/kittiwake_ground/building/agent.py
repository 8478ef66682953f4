"""Calls to a building's actuator and messages from it: JSON-RPC 2.0 over the API's WebSocket."""

from __future__ import annotations

import json
from collections import deque
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from kittiwake_ground.building.access import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, PREFIX, ApiUnreachable, bearer
from kittiwake_ground.client.faults import cause_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from websockets.sync.client import ClientConnection

MAX_MESSAGE = 1 << 20


class CallRefused(ValueError):
    """The actuator, or a device, has refused a call. `kind` is its word for why, as in LockError."""

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(f"{kind}: {message}" if kind else message)
        self.kind = kind


class Agent:
    """One connection, made by `connected_agent`. Whom it speaks for is settled by the token."""

    def __init__(self, url: str, socket: ClientConnection) -> None:
        self.url = url
        self._socket = socket
        self._id = 0
        self._messages: deque[dict[str, Any]] = deque()

    def call(self, method: str, **arguments: Any) -> Any:
        """Calls a method and gives its result. Raises `CallRefused` and `ApiUnreachable`."""
        from websockets.exceptions import ConnectionClosed

        self._id += 1
        try:
            self._socket.send(json.dumps({"jsonrpc": "2.0", "id": self._id, "method": method, "params": arguments}))
        except ConnectionClosed as fault:
            raise self._gone(fault) from None
        try:
            while "id" not in (reply := self._received(ANSWER_TIMEOUT_S)):
                self._messages.append(reply)
        except TimeoutError:
            raise ApiUnreachable(self.url, f"{method} was not answered within {ANSWER_TIMEOUT_S:g} s") from None
        error = reply.get("error")
        if not isinstance(error, dict):
            return reply.get("result")
        data = error.get("data")
        kind = str(data.get("type", "")) if isinstance(data, dict) else ""
        raise CallRefused(str(error.get("message", "")), kind)

    def _received(self, timeout_s: float | None) -> dict[str, Any]:
        """The next message. Raises `TimeoutError` and `ApiUnreachable`."""
        from websockets.exceptions import ConnectionClosed

        try:
            found = json.loads(self._socket.recv(timeout=timeout_s))
        except ConnectionClosed as fault:
            raise self._gone(fault) from None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ApiUnreachable(self.url, "what answers is no building's API")
        return found

    def follow(self, prefixes: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """What is published on topics with one of these beginnings from now on: topic, headers, perhaps a body.

        Raises `CallRefused`, and `ApiUnreachable` when the connection ends.
        """
        for prefix in prefixes:
            self.call("subscribe", prefix=prefix)
        while True:
            while self._messages:
                yield self._messages.popleft().get("params", {})
            self._messages.append(self._received(None))

    def _gone(self, fault: Exception) -> ApiUnreachable:
        received = getattr(fault, "rcvd", None)
        return ApiUnreachable(self.url, (received.reason if received else "") or "it has gone")


@contextmanager
def connected_agent(url: str, token: str) -> Iterator[Agent]:
    """Connects to the API at `url`, which is as `api_address` gives it.

    Raises `ApiUnreachable`, and `PermissionError` for a token that is none.
    """
    from websockets.exceptions import InvalidStatus, WebSocketException
    from websockets.sync.client import connect

    with ExitStack() as stack:
        try:
            socket = stack.enter_context(
                connect(
                    f"ws{url.removeprefix('http')}{PREFIX}/actuator", additional_headers=bearer(token), proxy=None,
                    open_timeout=CONNECT_TIMEOUT_S, close_timeout=CONNECT_TIMEOUT_S, max_size=MAX_MESSAGE,
                )
            )  # fmt: skip
        except InvalidStatus as fault:
            if fault.response.status_code in (401, 403):
                raise PermissionError(f"{url} does not know this token, or too much is asked with it") from None
            raise ApiUnreachable(url, f"it answers with HTTP status {fault.response.status_code}") from None
        except (OSError, WebSocketException) as fault:
            raise ApiUnreachable(url, cause_of(fault)) from None
        yield Agent(url, socket)
