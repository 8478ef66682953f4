"""What every request passes before anything else: whether its page may ask at all, and how much it may send."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from kittiwake.wire.link_address import names_loopback
from kittiwake_ground.api.problems import problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "same-origin",
}


class TooLarge(Exception):
    """More came than a request may have."""


class Guard:
    """ASGI middleware: refuses pages of other origins, foreign host names on a local server, and oversize bodies.

    A browser names the page's origin with everything that changes something and with every WebSocket; the host name
    is checked so that a foreign name that points to this machine (DNS rebinding) gets nothing.
    """

    def __init__(self, app: ASGIApp, max_body: int, local_only: bool) -> None:
        self._app = app
        self._max_body = max_body
        self._local_only = local_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal:
            await self._refuse(scope, receive, send, 403, refusal)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        elif int(headers.get("content-length", "0") or "0") > self._max_body:
            await self._refuse(scope, receive, send, 413, f"at most {self._max_body} bytes in a request")
        else:
            await self._limited(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> str:
        host = headers.get("host", "")
        if self._local_only and not names_loopback(host):
            return f"this server is only for this machine, and not known as {host[:100]!r}"
        origin = headers.get("origin")
        if origin is None or (scope["type"] == "http" and scope["method"] in SAFE_METHODS):
            return ""
        return "" if urlsplit(origin).netloc == host else "a page of another origin may not do this"

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, status: int, detail: str) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 4403, "reason": detail[:120]})
        else:
            await problem_response(status, detail)(scope, receive, send)

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken = 0
        begun = False

        async def counted() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self._max_body:
                raise TooLarge
            return message

        async def marked(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, counted, marked)
        except TooLarge:
            if not begun:
                await problem_response(413, f"at most {self._max_body} bytes in a request")(scope, receive, send)
