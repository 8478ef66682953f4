"""The parameters of a deployment, for asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kittiwake_ground.client.records import CommandResult, ParameterValue, command_of, record_of

if TYPE_CHECKING:
    from kittiwake_ground.client.deployment import AsyncDeployment

TIMEOUT_S = 30.0


class AsyncParameters:
    """Reads and changes parameters. What changes one waits for the deployment's answer and raises `CommandFailed`."""

    def __init__(self, deployment: AsyncDeployment) -> None:
        self._deployment = deployment

    async def all(self) -> list[ParameterValue]:
        """Every parameter, with what is known of its value; `refresh` asks the deployment first."""
        found = await self._deployment.request("GET", "/parameters")
        return [record_of(ParameterValue, one) for one in found["parameters"]]

    async def get(self, name: str) -> ParameterValue:
        """A parameter, with what is known of its value."""
        return record_of(ParameterValue, await self._deployment.request("GET", _path(name)))

    async def set(self, name: str, value: Any, save: bool = False, timeout_s: float = TIMEOUT_S) -> CommandResult:
        """Has the deployment use a value, and with `save` keep it."""
        shown = await self._deployment.request("PUT", _path(name), body={"value": value})
        result = await self._deployment.answer(command_of(shown), timeout_s)
        return await self.save(name, timeout_s) if save else result

    async def save(self, name: str, timeout_s: float = TIMEOUT_S) -> CommandResult:
        """Has the deployment keep the value that it uses."""
        shown = await self._deployment.request("POST", f"{_path(name)}/save")
        return await self._deployment.answer(command_of(shown), timeout_s)

    async def refresh(self, timeout_s: float = TIMEOUT_S) -> CommandResult:
        """Asks the deployment for every value; `RequestRefused` with status 409 where it cannot tell."""
        shown = await self._deployment.request("POST", "/parameters/refresh")
        return await self._deployment.answer(command_of(shown), timeout_s)

    async def differences(self) -> list[ParameterValue]:
        """The parameters whose known value is not the default."""
        return [one for one in await self.all() if one.differs]


def _path(name: str) -> str:
    return f"/parameters/{quote(name, safe='')}"
