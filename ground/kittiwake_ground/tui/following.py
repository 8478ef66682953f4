"""Follows a deployment of a server into a picture, and connects again whenever the server has gone."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from kittiwake_ground.client.faults import RequestRefused, ServerUnreachable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from kittiwake_ground.client.asynchronous import AsyncGround
    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.records import DeploymentState, Update
    from kittiwake_ground.tui.picture import Picture

KINDS = ("channels", "events", "commands", "links", "alarms", "plans")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 15.0
POLL_S = 5.0
POLL_TIMEOUT_S = 10.0
TURN = 200
"""After so many updates whoever draws has a turn."""


class Following:
    """`fault` says why the server is not there, empty while it is; `deployments` are all of its deployments."""

    def __init__(self, ground: AsyncGround, picture: Picture) -> None:
        self.picture = picture
        self.station: AsyncDeployment | None = None
        self.deployments: Sequence[DeploymentState] = ()
        self.fault = "connecting"
        self.refused = False
        """Whether it is there, and will not tell."""
        self.lost_s = time.monotonic()
        """When it was lost, by the monotonic clock."""
        self.again_s = 0.0
        """When it is tried again, likewise."""
        self._ground = ground
        self._pause_s = FIRST_PAUSE_S
        self._asked = asyncio.Event()

    async def run(self) -> None:
        """Follows without end."""
        while True:
            try:
                await self._follow()
            except (ServerUnreachable, RequestRefused, TimeoutError) as fault:
                await self._wait(fault)

    async def _wait(self, fault: Exception) -> None:
        now_s = time.monotonic()
        if not self.fault:
            self.lost_s = now_s
        self.fault, self.refused = reason_of(fault), isinstance(fault, RequestRefused)
        self.again_s = now_s + self._pause_s
        self.picture.lose()
        await asyncio.sleep(self._pause_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    async def _follow(self) -> None:
        station = await self._ground.deployment(self.picture.name)
        async with station.news(*KINDS) as updates:
            async with asyncio.timeout(POLL_TIMEOUT_S):
                await self._read(station)
            self.station, self.fault, self._pause_s = station, "", FIRST_PAUSE_S
            await _until_one_fails(self._listen(updates), self._poll(station))

    async def _read(self, station: AsyncDeployment) -> None:
        """Reads everything that there is; the news of it that come meanwhile wait."""
        self.deployments = await self._ground.deployments()
        self.picture.begin(
            await station.dictionary(),
            await station.state(),
            await station.channels(),
            await station.events(limit=1000),
            await station.commands(),
            await station.alarms.current(),
        )
        await self._read_plans(station)

    async def _read_plans(self, station: AsyncDeployment) -> None:
        try:
            self.picture.take_plans(await station.plans.all(waiting=True))
        except RequestRefused as fault:
            if fault.status != HTTPStatus.NOT_FOUND:  # as of a server from before there were plans
                raise

    async def _listen(self, updates: AsyncIterator[Update]) -> None:
        taken = 0
        async for update in updates:
            self.picture.take(update)
            taken += 1
            if taken % TURN == 0:
                await asyncio.sleep(0)

    def ask_soon(self) -> None:
        """Asks again at once for what no news tell of, as somebody has just changed it."""
        self._asked.set()

    async def _poll(self, station: AsyncDeployment) -> None:
        """Asks for what no news tell of, which also finds a server that has gone without a word."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._asked.wait()
            self._asked.clear()
            async with asyncio.timeout(POLL_TIMEOUT_S):
                self.deployments = await self._ground.deployments()
                await self._read_plans(station)
            for one in self.deployments:
                if one.name == self.picture.name:
                    self.picture.state = one
            self.picture.changes += 1


async def _until_one_fails(*loops: Any) -> None:
    tasks = [asyncio.ensure_future(one) for one in loops]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def reason_of(fault: Exception) -> str:
    """What to say of a server that is not there."""
    if isinstance(fault, ServerUnreachable):
        return fault.reason
    return str(fault) or "it does not answer"
