"""Connections of the API: no more of them than the bound, and none that is kept open for nothing.

uvicorn answers with 503 beyond its `limit_concurrency`, but keeps every connection for as long as its peer likes:
whoever has no token could take the deployment's file descriptors.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from uvicorn.protocols.http.h11_impl import RequestResponseCycle

MAX_CONNECTIONS = 64
REQUEST_S = 15.0
"""A connection on which no whole request begins for so long is closed."""


class BoundedHttp(H11Protocol):
    """One connection; one that becomes a WebSocket is left to that."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Closes one that is too many."""
        super().connection_made(transport)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()
        else:
            self._look_again(None)

    def _look_again(self, before: RequestResponseCycle | None) -> None:
        asyncio.get_running_loop().call_later(REQUEST_S, self._look, before)

    def _look(self, before: RequestResponseCycle | None) -> None:
        """Closes one that is at the same request as `before`, and has answered it."""
        transport: Any = self.transport
        if transport.is_closing() or transport.get_protocol() is not self:
            return
        is_waiting = self.cycle is None or self.cycle.response_complete
        if is_waiting and self.cycle is before:
            transport.abort()
        else:
            self._look_again(self.cycle)
