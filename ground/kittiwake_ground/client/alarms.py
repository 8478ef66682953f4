"""The alarms of a deployment, its limits and its derived channels, for asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kittiwake_ground.client.records import Alarm, AlarmEntry, ChannelLimits, DerivedChannel, record_of
from kittiwake_ground.client.times import When, when_us

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kittiwake_ground.client.connection import Request


class AsyncAlarms:
    """Reads alarms and acts on them. Raises `ServerUnreachable` and `RequestRefused`.

    What changes something that somebody else has changed since it was read is refused with status 412: a record is
    passed back to say what was read, a bare number or name acts on whatever is there.
    """

    def __init__(self, request: Request, forget_dictionary: Callable[[], None]) -> None:
        self._request = request
        self._forget_dictionary = forget_dictionary

    async def current(self) -> list[Alarm]:
        """The open alarms, the worst first; shelved ones last."""
        found = await self._request("GET", "/alarms")
        return [record_of(Alarm, one) for one in found["alarms"]]

    async def history(
        self, source: str = "", levels: Iterable[str] = (), action: str = "", start: When | None = None,
        end: When | None = None, before: int | None = None, limit: int = 100,
    ) -> list[AlarmEntry]:  # fmt: skip
        """What became of alarms and limits, the newest first; `before` an entry's id, to go on from there."""
        query = {
            "source": source or None, "level": list(levels), "action": action or None, "start_us": when_us(start),
            "end_us": when_us(end), "before": before, "limit": limit,
        }  # fmt: skip
        found = await self._request("GET", "/alarms/history", query=query)
        return [record_of(AlarmEntry, one) for one in found["entries"]]

    async def acknowledge(self, alarm: Alarm | int, comment: str = "") -> Alarm:
        """Says that somebody has seen an alarm."""
        id, tag = (alarm, None) if isinstance(alarm, int) else (alarm.id, alarm.revision)
        body = {"comment": comment}
        return record_of(Alarm, await self._changed("POST", f"/alarms/{id}/acknowledge", body, tag))

    async def acknowledge_all(self, source: str = "", comment: str = "") -> list[Alarm]:
        """The same of all that are not shelved, or of those whose source matches a pattern."""
        body = {"source": source, "comment": comment}
        found = await self._request("POST", "/alarms/acknowledge", body=body)
        return [record_of(Alarm, one) for one in found["alarms"]]

    async def comment(self, alarm: Alarm | int, text: str) -> Alarm:
        """Says something about an alarm."""
        path = f"/alarms/{_id_of(alarm)}/comment"
        return record_of(Alarm, await self._request("POST", path, body={"text": text}))

    async def shelve(self, alarm: Alarm | int, for_s: float, comment: str = "") -> Alarm:
        """Has nobody be told of an alarm for a time, also if it comes again."""
        body = {"for_s": for_s, "comment": comment}
        return record_of(Alarm, await self._request("POST", f"/alarms/{_id_of(alarm)}/shelve", body=body))

    async def unshelve(self, alarm: Alarm | int) -> Alarm:
        """Has people be told of an alarm again."""
        return record_of(Alarm, await self._request("DELETE", f"/alarms/{_id_of(alarm)}/shelve"))

    # Limits

    async def all_limits(self) -> list[ChannelLimits]:
        """The limits that count, of all channels that have any."""
        found = await self._request("GET", "/limits")
        return [record_of(ChannelLimits, one) for one in found["limits"]]

    async def limits(self, channel: str) -> ChannelLimits:
        """The limits that count for a channel."""
        return record_of(ChannelLimits, await self._request("GET", _path("limits", channel)))

    async def set_limits(
        self, channel: str, wanted: Mapping[str, Any], seen: ChannelLimits | None = None
    ) -> ChannelLimits:
        """Has limits count for a channel in place of the dictionary's.

        `wanted` are `low` and `high`, mappings of yellow, orange and red to numbers, `samples`, `hold_s`, `hysteresis`,
        `stale_s` and `stale_level`; what is left out is as in `seen`, the limits that were read, or at its default.
        """
        body = {**({} if seen is None else seen.wanted()), **wanted}
        tag = None if seen is None else seen.revision
        return record_of(ChannelLimits, await self._changed("PUT", _path("limits", channel), body, tag))

    async def remove_limits(self, limits: ChannelLimits | str) -> ChannelLimits:
        """Has the dictionary's limits count again, and gives them."""
        name, tag = (limits, None) if isinstance(limits, str) else (limits.channel, limits.revision)
        return record_of(ChannelLimits, await self._changed("DELETE", _path("limits", name), None, tag))

    # Derived channels

    async def all_derived(self) -> list[DerivedChannel]:
        """The channels that the ground derives from others."""
        found = await self._request("GET", "/derived")
        return [record_of(DerivedChannel, one) for one in found["derived"]]

    async def derive(
        self, name: str, expression: str, unit: str = "", annotation: str = "", seen: DerivedChannel | None = None
    ) -> DerivedChannel:
        """Derives a channel from others, or changes how one is derived."""
        body = {"expression": expression, "unit": unit, "annotation": annotation}
        tag = None if seen is None else seen.revision
        return record_of(DerivedChannel, await self._changed("PUT", _path("derived", name), body, tag))

    async def remove_derived(self, derived: DerivedChannel | str) -> DerivedChannel:
        """Derives a channel no more; what is archived of it stays."""
        name, tag = (derived, None) if isinstance(derived, str) else (derived.name, derived.revision)
        return record_of(DerivedChannel, await self._changed("DELETE", _path("derived", name), None, tag))

    async def _changed(self, method: str, path: str, body: Mapping[str, Any] | None, tag: int | None) -> dict[str, Any]:
        if path.startswith(_path("derived", "")):
            self._forget_dictionary()
        headers = {} if tag is None else {"If-Match": f'"{tag}"'}
        return await self._request(method, path, body=body, headers=headers)


def _id_of(alarm: Alarm | int) -> int:
    return alarm if isinstance(alarm, int) else alarm.id


def _path(kind: str, name: str) -> str:
    return f"/{kind}/{quote(name, safe='')}"
