"""The past of a deployment, for asyncio: how it stood, what happened, and all of it told again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kittiwake_ground.client.records import SUBJECTS, ChannelValue, LinkState, record_of
from kittiwake_ground.client.times import When, when_us

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from kittiwake_ground.client.connection import Connection
    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.records import Update


@dataclass(frozen=True)
class Moment:
    """How a deployment stood at `at_us`: its link, and the latest value of each channel by name.

    `misfits` are channels whose value of then does not fit the dictionary of today.
    """

    at_us: int
    link: LinkState
    channels: Mapping[str, ChannelValue]
    misfits: tuple[str, ...] = ()


class AsyncLookBack:
    """Reads what is archived of a deployment as it was. `AsyncDeployment.past` gives it."""

    def __init__(self, deployment: AsyncDeployment, connection: Connection) -> None:
        self._deployment = deployment
        self._connection = connection

    async def at(self, at: When, *names: str) -> Moment:
        """How it stood, of the channels with these names or patterns. Raises `ValueError` for what is no time."""
        found = await self._deployment.request("GET", "/then", query={"at_us": when_us(at), "name": list(names)})
        channels = {one["name"]: record_of(ChannelValue, one) for one in found["channels"]}
        link = record_of(LinkState, found["link"])
        return Moment(int(found["at_us"]), link, channels, tuple(found["misfits"]))

    async def timeline(self, start: When | None = None, end: When | None = None) -> dict[str, Any]:
        """Link, modes, boots, events and the lives of commands, as the API has them; by default of the last hour."""
        query = {"start_us": when_us(start), "end_us": when_us(end)}
        return await self._deployment.request("GET", "/timeline", query=query)

    async def redecode(
        self, dictionary: Mapping[str, Any], start: When, end: When, dry_run: bool = True, packet_set: str = ""
    ) -> dict[str, Any]:
        """Decodes the raw frames that were received in a time by another dictionary, in JSON's terms.

        Gives what that changes; unless it is a dry run, the archive has it then. Raises `RequestRefused`.
        """
        body = {
            "dictionary": dict(dictionary), "start_us": when_us(start), "end_us": when_us(end), "dry_run": dry_run,
            "packet_set": packet_set,
        }  # fmt: skip
        return await self._deployment.request("POST", "/redecode", body=body)

    async def replay(
        self,
        at: When,
        until: When | None = None,
        speed: float = 1.0,
        kinds: Iterable[str] = tuple(SUBJECTS),
        names: Iterable[str] = (),
    ) -> AsyncIterator[Update]:
        """The news from `at` to `until` (or now) as they came then, `speed` seconds of then in one of now.

        Raises `ValueError` for what is no time, and `RequestRefused`.
        """
        past = {"at_us": when_us(at), "until_us": when_us(until), "speed": speed}
        news = self._connection.news(kinds, self._deployment.name, names, 0, past)
        async with news as updates:
            async for update in updates:
                yield update
