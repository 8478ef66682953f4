"""What every request must pass: a token, a role, a pace, a size, and that no page in a browser has sent it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from kittiwake.wire.link_address import names_loopback
from kittiwake_components.building_api.tokens import Requester, Role, requester_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import HTTPConnection, Request

MAX_BODY = 1_048_576
BURST = 100
"""So many requests at once; after that as many a second as RATE says."""

KINDS = {"json": "application/json", "csv": "text/csv"}
TITLES = {
    400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    409: "Conflict", 413: "Content Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Content",
    429: "Too Many Requests", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip


class Problem(ValueError):
    """A request that is refused with a status; the message is its `detail`."""

    def __init__(self, status: int, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.more = more


def problem_response(problem: Problem) -> Response:
    """The answer of RFC 9457, with the upstream's `detail`."""
    content = {
        "type": "about:blank", "title": TITLES.get(problem.status, "Error"), "status": problem.status,
        "detail": str(problem), **problem.more,
    }  # fmt: skip
    # Who has no token does not keep a connection.
    headers = {"WWW-Authenticate": "Bearer", "Connection": "close"} if problem.status == 401 else {}
    return Response(json.dumps(content), problem.status, headers, media_type="application/problem+json")


class Guard:
    """Lets those in who may. `now_s` is a clock that never steps, `rate` gives requests a second for each token."""

    def __init__(
        self, requesters: list[Requester], now_s: Callable[[], float], rate: Callable[[], float], *, is_open: bool
    ) -> None:
        self._requesters = requesters
        self._now_s = now_s
        self._rate = rate
        self._is_open = is_open
        self._buckets: dict[str, tuple[float, float]] = {}

    def admit(self, connection: HTTPConnection, role: Role) -> Requester:
        """Who asks. Raises `Problem`."""
        headers = connection.headers
        if "origin" in headers:
            raise Problem(403, "pages in a browser are not served")
        host = headers.get("host", "")
        if not self._is_open and not names_loopback(host):
            raise Problem(403, f"this machine is not called {host[:80]}")
        requester = requester_of(headers.get("authorization", ""), self._requesters)
        if requester is None:
            raise Problem(401, "a token is wanted: Authorization: Bearer TOKEN")
        if requester.role < role:
            raise Problem(403, f"{requester.name} may look, and nothing else")
        self.keep_pace(requester)
        return requester

    def keep_pace(self, requester: Requester) -> None:
        """Counts one more of what a requester asks. Raises `Problem` for too many."""
        name, now_s, rate = requester.name, self._now_s(), self._rate()
        left, since_s = self._buckets.get(name, (float(BURST), now_s))
        left = min(float(BURST), left + (now_s - since_s) * rate)
        if left < 1.0:
            self._buckets[name] = left, now_s
            raise Problem(429, f"more than {rate:g} requests a second")
        self._buckets[name] = left - 1.0, now_s


async def body_of(request: Request, kind: str) -> bytes:
    """The body of a request, of the kind that is wanted. Raises `Problem`."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != KINDS[kind]:
        raise Problem(415, f"{KINDS[kind]} is wanted, not {given[:80] or 'nothing'}")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MAX_BODY:
            raise Problem(413, f"a body has at most {MAX_BODY} bytes")
        parts.append(part)
    return b"".join(parts)
