"""A ground station, for asyncio."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from kittiwake_ground.client.connection import Connection
from kittiwake_ground.client.deployment import AsyncDeployment
from kittiwake_ground.client.faults import RequestRefused
from kittiwake_ground.client.fleet import FleetStanding, standing_of
from kittiwake_ground.client.procedures import AsyncProcedures
from kittiwake_ground.client.records import DeploymentState, LinkState, deployment_of
from kittiwake_ground.client.runlog import RunLog
from kittiwake_ground.configuration import DEFAULT_URL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import TracebackType

TOKEN_VARIABLE = "KITTIWAKE_GROUND_TOKEN"
"""The environment variable whose token is used where none is given."""


class AsyncGround:
    """A client of a ground station's server; use it in one event loop, and close it or enter it as a context."""

    def __init__(self, url: str = DEFAULT_URL, token: str | None = None) -> None:
        """Connects to nothing yet. Raises `ValueError` for something that is no address."""
        self._connection = Connection(url, token or os.environ.get(TOKEN_VARIABLE))
        self._log: RunLog | None = None

    @property
    def url(self) -> str:
        """The server's address."""
        return self._connection.url

    async def __aenter__(self) -> AsyncGround:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Gives the connections back."""
        await self._connection.close()

    async def request(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> dict[str, Any]:
        """A request below /api/v1, for what has no method here; gives the object of the answer."""
        return await self._connection.request(method, path, query=query, body=body)

    async def pour(self, path: str, write: Callable[[bytes], object]) -> None:
        """Hands the bytes that a request below /api/v1 is answered with to `write`, piece by piece."""
        await self._connection.pour(path, None, write)

    async def health(self) -> dict[str, Any]:
        """That the server runs: its version, how long, and how many deployments."""
        return await self.request("GET", "/health")

    async def query(self, sql: str, limit: int = 1000) -> dict[str, Any]:
        """The answer to one SELECT over the Parquet files of the server: its columns, rows, and whether it was cut.

        The views are samples, events and commands. Raises `RequestRefused` for what is no such question, or takes too
        long, and where the server keeps no such files.
        """
        return await self.request("POST", "/history/query", body={"sql": sql, "limit": limit})

    async def export_parquet(self) -> list[dict[str, Any]]:
        """Has the server bring its Parquet files up to date; gives what became of each day."""
        return list((await self.request("POST", "/history/export"))["partitions"])

    async def deployments(self) -> list[DeploymentState]:
        """Every deployment at a glance."""
        return [deployment_of(one) for one in (await self.request("GET", "/deployments"))["deployments"]]

    async def links(self) -> dict[str, LinkState]:
        """How the link of each deployment stands."""
        return {one.name: one.link for one in await self.deployments()}

    async def fleet(self) -> list[FleetStanding]:
        """All deployments side by side, the worst first, each with the reasons why it stands where it stands."""
        return [standing_of(one) for one in (await self.request("GET", "/fleet"))["deployments"]]

    async def deployment(self, name: str = "") -> AsyncDeployment:
        """A deployment, or the only one. Raises `ServerUnreachable`, and `RequestRefused` if there is no such one."""
        if not name:
            names = [one.name for one in await self.deployments()]
            if len(names) != 1:
                raise RequestRefused(404, f"which deployment? There are {', '.join(names) or 'none'}")
            name = names[0]
        found = AsyncDeployment(self._connection, name, self._note)
        await found.link()
        return found

    @property
    def procedures(self) -> AsyncProcedures:
        """The procedures that the server runs."""
        return AsyncProcedures(self._connection)

    def procedure(self, name: str, folder: str | Path, **about: Any) -> RunLog:
        """A run log in `folder`, to be entered as a context: all that is done meanwhile is written to it.

        `about` are more members of its first entry.
        Raises `ValueError` for a name that is no file name, and `RuntimeError` while another one is open.
        """
        return RunLog(name, folder, self.url, self._begin, **about)

    def _begin(self, log: RunLog | None) -> None:
        if log is not None and self._log is not None:
            raise RuntimeError(f"the procedure {self._log.name!r} is under way")
        self._log = log

    def _note(self, kind: str, **fields: Any) -> None:
        if self._log is not None:
            self._log.add(kind, **fields)
