"""The parameters of a deployment, for asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kittiwake_ground.client.records import (
    CommandResult,
    ParameterDifference,
    ParameterValue,
    command_of,
    difference_of,
    record_of,
)
from kittiwake_ground.client.times import When, when_us

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kittiwake_ground.client.connection import Request

TIMEOUT_S = 30.0


class AsyncParameters:
    """Reads and changes parameters. What changes one waits for the deployment's answer and raises `CommandFailed`."""

    def __init__(self, request: Request, answer: Callable[[CommandResult, float], Awaitable[CommandResult]]) -> None:
        self._request = request
        self._answer = answer

    async def all(self) -> list[ParameterValue]:
        """Every parameter, with what is known of its value; `refresh` asks the deployment first."""
        found = await self._request("GET", "/parameters")
        return [record_of(ParameterValue, one) for one in found["parameters"]]

    async def get(self, name: str) -> ParameterValue:
        """A parameter, with what is known of its value."""
        return record_of(ParameterValue, await self._request("GET", _path(name)))

    async def set(self, name: str, value: Any, save: bool = False, timeout_s: float = TIMEOUT_S) -> CommandResult:
        """Has the deployment use a value, and with `save` keep it."""
        shown = await self._request("PUT", _path(name), body={"value": value})
        result = await self._answer(command_of(shown), timeout_s)
        return await self.save(name, timeout_s) if save else result

    async def save(self, name: str, timeout_s: float = TIMEOUT_S) -> CommandResult:
        """Has the deployment keep the value that it uses."""
        shown = await self._request("POST", f"{_path(name)}/save")
        return await self._answer(command_of(shown), timeout_s)

    async def refresh(self, timeout_s: float = TIMEOUT_S) -> CommandResult:
        """Asks the deployment for every value; `RequestRefused` with status 409 where it cannot tell."""
        shown = await self._request("POST", "/parameters/refresh")
        return await self._answer(command_of(shown), timeout_s)

    async def differences(self) -> list[ParameterValue]:
        """The parameters whose known value is not the default."""
        return [one for one in await self.all() if one.differs]

    async def diff(
        self, at: When | None = None, other: str = "", other_at: When | None = None, last_known: bool = False
    ) -> list[ParameterDifference]:
        """Each parameter at a time, or now, compared with the other side, or with its default where none is named.

        The other side is the deployment `other` at `other_at`, or now; without a name it is this one. Values that may
        be others by then are unknown, unless `last_known` takes them as they were told last. Raises `ValueError` for
        what is no time, and `RequestRefused`.
        """
        query = {
            "at_us": when_us(at), "other": other, "other_at_us": when_us(other_at),
            "last_known": str(last_known).lower(),
        }  # fmt: skip
        found = await self._request("GET", "/parameters/diff", query=query)
        return [difference_of(one) for one in found["parameters"]]


def _path(name: str) -> str:
    return f"/parameters/{quote(name, safe='')}"
