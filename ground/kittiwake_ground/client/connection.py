"""The way to the server: HTTP requests whose errors are exceptions, and the WebSocket with its news."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlunsplit

from kittiwake_ground.client.faults import RequestRefused, ServerUnreachable, cause_of
from kittiwake_ground.client.records import SUBJECTS, Update
from kittiwake_ground.configuration import DEFAULT_URL
from kittiwake_ground.web_address import web_parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping
    from pathlib import Path

    import httpx
    from websockets.asyncio.client import ClientConnection

PREFIX = "/api/v1"
CONNECT_TIMEOUT_S = 5.0
HANDSHAKE_TIMEOUT_S = 30.0
"""For the connection and the server's first answer on it, which a server that has much to do gives late."""

CLOSE_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 90.0
"""Longer than the longest that the server lets a request wait for something."""

MAX_ATTEMPTS = 10
"""How often a request is made that the server puts off because there were too many just now."""

LONGEST_PAUSE_S = 5.0
MAX_MESSAGE = 64 << 20
MAX_DETAIL = 1000
_HINTS = {
    HTTPStatus.UNAUTHORIZED: "give a token of `kittiwake ground tokens add`, as token=... or in KITTIWAKE_GROUND_TOKEN",
}


class Request(Protocol):
    """A request below some address of a server; gives the object of the answer.

    Raises `ServerUnreachable` and `RequestRefused`.
    """

    async def __call__(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None,
        content: bytes | None = None, headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]: ...  # fmt: skip


class Connection:
    """One client of one server, for one event loop. A proxy in the environment is not for it."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Raises `ValueError` for something that is no address."""
        parts = web_parts(url if "://" in url else f"http://{url}")
        if parts is None:
            raise ValueError(f"{url!r} is no address of a ground station, as {DEFAULT_URL} is one")
        if token and not (token.isascii() and token.isprintable()):
            raise ValueError("the token has characters that no token of `kittiwake ground tokens add` has")
        self.url = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client: httpx.AsyncClient | None = None
        self._sockets: set[ClientConnection] = set()

    @property
    def _http(self) -> httpx.AsyncClient:
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(
                base_url=self.url + PREFIX,
                headers=self._headers,
                timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
                trust_env=False,
            )
        return self._client

    async def close(self) -> None:
        """Gives the connections back; whoever still waits for news gets `ServerUnreachable`."""
        for socket in list(self._sockets):
            await socket.close()
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """A request with its answer's object. Raises `ServerUnreachable` and `RequestRefused`."""
        response = await self._send(method, path, query, body, content, headers)
        try:
            found = response.json()
        except ValueError:
            raise ServerUnreachable(self.url, "what answers there is no ground station") from None
        if not isinstance(found, dict):
            raise ServerUnreachable(self.url, "what answers there is no ground station")
        return found

    async def bytes_of(self, method: str, path: str, body: Any = None) -> bytes:
        """A request with its answer's bytes. Raises as `request` does."""
        return (await self._send(method, path, None, body, None)).content

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None,
        body: Any,
        content: bytes | None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        import httpx

        given = {name: value for name, value in (query or {}).items() if value is not None}
        left = MAX_ATTEMPTS
        while True:
            try:
                response = await self._http.request(
                    method, path, params=given, json=body, content=content, headers=headers
                )
            except httpx.ConnectError as fault:
                raise ServerUnreachable(self.url, cause_of(fault)) from None
            except httpx.HTTPError as fault:
                raise ServerUnreachable(self.url, str(fault) or type(fault).__name__) from None
            left -= 1
            if response.status_code != HTTPStatus.TOO_MANY_REQUESTS or not left:
                break
            await asyncio.sleep(_retry_after_s(response))
        if response.is_error:
            raise _refusal(response)
        return response

    async def save(self, path: str, target: Path, size: int) -> None:
        """Brings an answer's bytes into a file, which is there once it is whole. Raises as `request`, and `OSError`."""
        partial = target.with_name(f"{target.name}.part")
        try:
            with partial.open("wb") as file:
                await self.pour(path, None, file.write)
                if file.tell() != size:
                    raise ServerUnreachable(self.url, f"only {file.tell()} of {size} bytes came")
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    async def pour(self, path: str, query: Mapping[str, Any] | None, write: Callable[[bytes], object]) -> None:
        """Hands an answer's bytes on, piece by piece. Raises as `request`, and what `write` does."""
        import httpx

        given = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            async with self._http.stream("GET", path, params=given) as response:
                if response.is_error:
                    await response.aread()
                    raise _refusal(response)
                async for chunk in response.aiter_bytes():
                    write(chunk)
        except httpx.HTTPError as fault:
            raise ServerUnreachable(self.url, str(fault) or type(fault).__name__) from None

    @asynccontextmanager
    async def news(
        self,
        kinds: Iterable[str],
        deployment: str = "*",
        names: Iterable[str] = (),
        recent: int = 0,
        past: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[AsyncIterator[Update]]:
        """The updates of these kinds and names from now on, after the `recent` last ones.

        `past` has the members of a replay: at_us, until_us and speed; its news end. The server has subscribed once the
        block is entered. Raises `ServerUnreachable`, also when the server goes away, and `RequestRefused`.
        """
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidStatus, WebSocketException

        address = f"ws{self.url.removeprefix('http')}{PREFIX}/ws"
        try:
            socket = await connect(
                address, additional_headers=self._headers, proxy=None, max_size=MAX_MESSAGE,
                open_timeout=HANDSHAKE_TIMEOUT_S, close_timeout=CLOSE_TIMEOUT_S,
            )  # fmt: skip
        except InvalidStatus as fault:
            raise RequestRefused(fault.response.status_code, f"{self.url} refuses to tell news") from None
        except (OSError, WebSocketException) as fault:
            raise ServerUnreachable(self.url, cause_of(fault)) from None
        self._sockets.add(socket)
        try:
            wanted = {"kinds": list(kinds), "deployment": deployment, "names": list(names), "recent": recent}
            wanted |= {name: value for name, value in (past or {}).items() if value is not None}
            try:
                await socket.send(json.dumps({"type": "subscribe", "id": 1, **wanted}))
                first = await self._message(socket)
            except WebSocketException as fault:
                raise self._gone(fault) from None
            if first["type"] == "error":
                raise RequestRefused(422, str(first["detail"]))
            yield self._updates(socket)
        finally:
            self._sockets.discard(socket)
            await socket.close()

    async def _updates(self, socket: ClientConnection) -> AsyncIterator[Update]:
        while True:
            message = await self._message(socket)
            if message["type"] == "ended":
                return
            if message["type"] != "updates":
                continue
            dropped = int(message["dropped"])
            for one in message["updates"]:
                kind = str(one["kind"])
                shown = one["subject"]
                yield Update(kind, str(one["deployment"]), SUBJECTS[kind](shown), shown, dropped)
                dropped = 0

    async def _message(self, socket: ClientConnection) -> dict[str, Any]:
        from websockets.exceptions import ConnectionClosed

        try:
            found: dict[str, Any] = json.loads(await socket.recv())
        except ConnectionClosed as fault:
            raise self._gone(fault) from None
        return found

    def _gone(self, fault: Exception) -> Exception:
        received = getattr(fault, "rcvd", None)
        if received is not None and received.code // 100 == 44:  # 4401, 4403: the HTTP status, and 4000
            status = received.code - 4000
            return RequestRefused(status, received.reason, _hint(status))
        return ServerUnreachable(self.url, "it has gone")


def _retry_after_s(response: httpx.Response) -> float:
    """How long the server wants to be left alone."""
    wanted = response.headers.get("retry-after", "")
    return min(float(wanted), LONGEST_PAUSE_S) if wanted.isdecimal() else 1.0


def _hint(status: int) -> str:
    return _HINTS.get(HTTPStatus(status), "")


def _refusal(response: httpx.Response) -> RequestRefused:
    """What a problem says."""
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict) or "detail" not in found:
        return RequestRefused(response.status_code, f"{response.url}: {response.reason_phrase or response.status_code}")
    errors = found.get("errors", ())
    hint = str(found.get("hint", "")) or _hint(response.status_code)
    hazards = found.get("hazards", ())
    return RequestRefused(response.status_code, str(found["detail"])[:MAX_DETAIL], hint, errors, hazards)
