"""The past of a deployment, for asyncio: how it stood, what happened, and all of it told again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kittiwake_ground.client.records import SUBJECTS, ChannelValue, LinkState, record_of
from kittiwake_ground.client.times import When, when_us

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from kittiwake_ground.client.connection import Connection, Request
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


@dataclass(frozen=True)
class ChartLayout:
    """A saved chart layout; `owner` is empty for one that is for all. See the server's `Layout`."""

    name: str
    channels: tuple[str, ...]
    span_s: int = 300
    live: bool = True
    stacked: bool = True
    over_s: int = 0
    owner: str = ""
    version: int = 0

    @property
    def shared(self) -> bool:
        """Whether it is for all."""
        return not self.owner


def _layout_of(shown: Mapping[str, Any]) -> ChartLayout:
    return record_of(ChartLayout, {**shown, "channels": tuple(shown["channels"])})


class AsyncLookBack:
    """Reads what is archived of a deployment as it was. `AsyncDeployment.past` gives it."""

    def __init__(self, request: Request, connection: Connection, name: str) -> None:
        self._request = request
        self._connection = connection
        self._name = name

    async def at(self, at: When, *names: str) -> Moment:
        """How it stood, of the channels with these names or patterns. Raises `ValueError` for what is no time."""
        found = await self._request("GET", "/then", query={"at_us": when_us(at), "name": list(names)})
        channels = {one["name"]: record_of(ChannelValue, one) for one in found["channels"]}
        link = record_of(LinkState, found["link"])
        return Moment(int(found["at_us"]), link, channels, tuple(found["misfits"]))

    async def timeline(self, start: When | None = None, end: When | None = None) -> dict[str, Any]:
        """Link, modes, boots, events and the lives of commands, as the API has them; by default of the last hour."""
        query = {"start_us": when_us(start), "end_us": when_us(end)}
        return await self._request("GET", "/timeline", query=query)

    async def layouts(self) -> list[ChartLayout]:
        """The chart layouts that are one's own, or for all."""
        return [_layout_of(one) for one in (await self._request("GET", "/layouts"))["layouts"]]

    async def save_layout(self, layout: ChartLayout, shared: bool = False) -> ChartLayout:
        """Saves a layout, one's own or for all, and gives it with its new version.

        Its `version` is the one that was seen, 0 for a new one. Raises `RequestRefused`, with status 409 if it is
        another by now.
        """
        body = {
            "version": layout.version, "channels": list(layout.channels), "span_s": layout.span_s, "live": layout.live,
            "stacked": layout.stacked, "over_s": layout.over_s,
        }  # fmt: skip
        path, query = f"/layouts/{quote(layout.name, safe='')}", {"shared": str(shared).lower()}
        return _layout_of(await self._request("PUT", path, query=query, body=body))

    async def remove_layout(self, layout: ChartLayout) -> None:
        """Removes a layout that was read. Raises `RequestRefused`."""
        query = {"shared": str(layout.shared).lower(), "version": layout.version}
        await self._request("DELETE", f"/layouts/{quote(layout.name, safe='')}", query=query)

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
        return await self._request("POST", "/redecode", body=body)

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
        news = self._connection.news(kinds, self._name, names, 0, past)
        async with news as updates:
            async for update in updates:
                yield update
