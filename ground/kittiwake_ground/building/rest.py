"""What a building's API tells over REST."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx

from kittiwake_ground.building.access import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S, PREFIX, ApiUnreachable, bearer
from kittiwake_ground.client.faults import cause_of

if TYPE_CHECKING:
    from types import TracebackType

MAX_TRIES = 20
PAUSE_S = 0.25
"""Before a request is made again for which it was too early."""

MAX_ANSWER = 16 << 20
MAX_REASON = 300


class RestApi:
    """One client of one API, for one event loop. A proxy in the environment is not for it."""

    def __init__(self, url: str, token: str) -> None:
        """`url` is as `api_address` gives it."""
        self.url = url
        self.requests = 0
        self._http = httpx.AsyncClient(
            base_url=url + PREFIX, headers=bearer(token), trust_env=False,
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        )  # fmt: skip

    async def __aenter__(self) -> RestApi:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str, **query: str | int) -> Any:
        """What an answer's JSON says. Raises `ApiUnreachable`, also for an answer that is a refusal."""
        for _ in range(MAX_TRIES):
            status, content = await self._asked(path, query)
            if status != httpx.codes.TOO_MANY_REQUESTS:
                break
            await asyncio.sleep(PAUSE_S)
        try:
            found = httpx.Response(status, content=content).json()
        except (ValueError, RecursionError):
            raise ApiUnreachable(self.url, f"what answers is no building's API (HTTP status {status})") from None
        if status != httpx.codes.OK:
            detail = found.get("detail") if isinstance(found, dict) else None
            raise ApiUnreachable(self.url, str(detail or f"HTTP status {status}")[:MAX_REASON], status)
        return found

    async def _asked(self, path: str, query: dict[str, str | int]) -> tuple[int, bytes]:
        self.requests += 1
        content = bytearray()
        try:
            async with self._http.stream("GET", path, params=query) as response:
                async for part in response.aiter_bytes():
                    content += part
                    if len(content) > MAX_ANSWER:
                        raise ApiUnreachable(self.url, f"an answer has more than {MAX_ANSWER} bytes")
                return response.status_code, bytes(content)
        except httpx.TimeoutException:
            raise ApiUnreachable(self.url, "no answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise ApiUnreachable(self.url, cause_of(fault)) from None
