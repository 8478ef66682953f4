"""The procedures that the server runs, for asyncio: started, followed, stopped, and what has run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kittiwake_ground.client.records import record_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from kittiwake_ground.client.connection import Connection

LOG_WAIT_S = 20.0
"""The longest single request that waits for more of a log."""


@dataclass(frozen=True)
class Procedure:
    """A procedure, or with a `fault` a file that is none.

    `arguments` have name, annotation, type, required and default; `hazards` are the hazardous commands, by deployment,
    that are confirmed when it is started.
    """

    name: str
    doc: str
    arguments: Sequence[Mapping[str, Any]]
    hazards: Mapping[str, Sequence[str]]
    fault: str = ""


@dataclass(frozen=True)
class ProcedureRun:
    """A run: `state` is running, passed, failed, stopped or interrupted. Times are microseconds since 1970."""

    id: int
    procedure: str
    deployment: str
    by: str
    arguments: Mapping[str, Any]
    confirmed: Sequence[str]
    state: str
    final: bool
    reason: str
    started_us: int
    ended_us: int


class AsyncProcedures:
    """Starts procedures and follows them. Raises `ServerUnreachable` and `RequestRefused`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def all(self) -> list[Procedure]:
        """Every procedure."""
        found = await self._connection.request("GET", "/procedures")
        return [record_of(Procedure, one) for one in found["procedures"]]

    async def start(
        self, name: str, deployment: str, arguments: Mapping[str, Any] | None = None, confirm: bool = False
    ) -> ProcedureRun:
        """Starts one; `confirm` says that the hazardous commands that it declares are meant."""
        body = {"deployment": deployment, "arguments": dict(arguments or {}), "confirm": confirm}
        found = await self._connection.request("POST", f"/procedures/{quote(name, safe='')}/runs", body=body)
        return record_of(ProcedureRun, found)

    async def runs(self, limit: int = 100, deployment: str = "") -> list[ProcedureRun]:
        """The runs that are kept, the newest first."""
        query = {"limit": limit, "deployment": deployment or None}
        found = await self._connection.request("GET", "/procedures/runs", query=query)
        return [record_of(ProcedureRun, one) for one in found["runs"]]

    async def run(self, id: int, wait_s: float = 0.0) -> ProcedureRun:
        """A run as it stands, or its end if that comes within `wait_s` (up to 60) seconds."""
        found = await self._connection.request("GET", f"/procedures/runs/{id}", query={"wait_s": wait_s})
        return record_of(ProcedureRun, found)

    async def stop(self, id: int) -> ProcedureRun:
        """Asks a run to end."""
        return record_of(ProcedureRun, await self._connection.request("POST", f"/procedures/runs/{id}/stop"))

    async def log(self, id: int) -> list[dict[str, Any]]:
        """The whole log of a run, as far as it is written."""
        return [one async for one in self._entries(id, 0.0)]

    async def output(self, id: int) -> str:
        """What a run has printed."""
        pieces: list[bytes] = []
        await self._connection.pour(f"/procedures/runs/{id}/output", None, pieces.append)
        return b"".join(pieces).decode(errors="replace")

    async def follow(self, id: int) -> AsyncIterator[dict[str, Any]]:
        """The entries of a run's log as they are written, until it has ended."""
        async for one in self._entries(id, LOG_WAIT_S):
            yield one

    async def _entries(self, id: int, wait_s: float) -> AsyncIterator[dict[str, Any]]:
        start = 0
        while True:
            query = {"start": start, "wait_s": wait_s}
            found = await self._connection.request("GET", f"/procedures/runs/{id}/log", query=query)
            for one in found["entries"]:
                yield one
            if not found["entries"] and (found["run"]["final"] or not wait_s):
                return
            start = found["next"]
