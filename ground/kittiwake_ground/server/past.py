"""What was before: from the archive where there is one, and else from what the server holds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from kittiwake_ground.archive import UnknownChannel
from kittiwake_ground.archive.export import events_csv, samples_csv
from kittiwake_ground.archive.tags import row_time
from kittiwake_ground.server.session import now_us
from kittiwake_ground.server.views import (
    archived_command_object,
    archived_event_object,
    command_object,
    event_object,
)
from kittiwake_ground.shown import json_value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from kittiwake_ground.archive import History
    from kittiwake_ground.server.hub import Hub
    from kittiwake_ground.server.samples import EventRecord
    from kittiwake_ground.server.source import Source

LAST_US = (1 << 63) - 1
MAX_ROWS = 10_000
DEFAULT_SPAN_US = 3_600_000_000
"""What buckets span where no start is given."""


class Past:
    """Answers questions about times gone by.

    A time is the device's where its clock knows the date, else that of reception by the ground's clock.
    """

    def __init__(self, archive: History | None) -> None:
        self._archive = archive

    async def values(
        self, hub: Hub, channel: str, start_us: int | None, end_us: int | None, limit: int
    ) -> dict[str, Any]:
        """The first `limit` values of a channel with start <= time < end, the oldest first, as arrays.

        Without a start it is the newest ones that are held here. `cut` says that there are more, from `next_us` on.
        """
        end = LAST_US if end_us is None else end_us
        archive = self._archive
        if archive is not None and start_us is not None:
            try:
                rows = await asyncio.to_thread(archive.samples, hub.deployment, channel, start_us, end, limit + 1)
            except UnknownChannel:
                rows = []
            found = [(one.time_us, one.received_us, one.name or json_value(one.value)) for one in rows]
        else:
            held = [(row_time(one.tag, one.received_us)[0], one) for one in hub.history(channel)]
            kept = [
                (time_us, one.received_us, json_value(one.value))
                for time_us, one in held
                if (start_us or 0) <= time_us < end
            ]
            found = sorted(kept if start_us is not None else kept[-limit:], key=lambda row: row[0])
        cut = len(found) > limit
        next_us = found[limit][0] if cut else None
        found = found[:limit]
        return {
            "name": channel,
            "source": "memory" if archive is None or start_us is None else "archive",
            "time_us": [row[0] for row in found],
            "received_us": [row[1] for row in found],
            "values": [row[2] for row in found],
            "cut": cut,
            "next_us": next_us,
        }

    async def buckets(
        self, hub: Hub, channel: str, start_us: int | None, end_us: int | None, count: int
    ) -> dict[str, Any]:
        """The least, mean and greatest of a channel's numbers in at most `count` stretches of time."""
        end = now_us() + 1 if end_us is None else end_us
        start = max(end - DEFAULT_SPAN_US, 0) if start_us is None else start_us
        shape = {"name": channel, "source": "memory" if self._archive is None else "archive"}
        if self._archive is not None:
            try:
                found = await asyncio.to_thread(self._archive.buckets, hub.deployment, channel, start, end, count)
            except UnknownChannel:
                return {**shape, "width_us": 0, "start_us": [], "count": [], "min": [], "avg": [], "max": []}
            columns = {"min": found.min, "avg": found.mean, "max": found.max}
            numbers = {name: [json_value(one) for one in column] for name, column in columns.items()}
            return {
                **shape,
                "width_us": found.width_us,
                "start_us": list(found.start_us),
                "count": list(found.count),
                **numbers,
            }
        return {**shape, **_bucketed(hub, channel, start, end, count)}

    async def events(
        self,
        deployment: Source,
        wanted: Callable[[str], bool],
        severities: Collection[str],
        start_us: int | None,
        end_us: int | None,
        limit: int,
    ) -> dict[str, Any]:
        """The newest `limit` events that are wanted with start <= time < end, the oldest first."""
        start, end = start_us or 0, LAST_US if end_us is None else end_us
        hub = deployment.hub

        def fits(record: EventRecord) -> bool:
            event = record.decoded
            time_us = row_time(event.tag, record.received_us)[0]
            return event.severity in severities and wanted(event.name) and start <= time_us < end

        held = [one for one in hub.events if fits(one)]
        shown = [event_object(one, deployment.dictionary) for one in held[-limit:]]
        if self._archive is None or len(shown) == limit:
            return {"events": shown, "source": "memory"}
        # What is held here is in the archive too, or will be within a second; only what came before is missing.
        before_us = hub.held_since_us
        rows = await asyncio.to_thread(
            self._archive.events,
            deployment.name,
            severities=severities,
            start_us=start,
            end_us=end,
            limit=min(limit + len(hub.events), MAX_ROWS),
        )
        older = [one for one in rows if one.received_us < before_us and wanted(one.name)][: limit - len(shown)]
        objects = [archived_event_object(one, deployment.dictionary) for one in reversed(older)]
        return {"events": objects + shown, "source": "archive"}

    def samples_csv(
        self, deployment: str, channels: Collection[str], start_us: int, end_us: int
    ) -> Iterator[str] | None:
        """The archived samples of channels as pieces of CSV, those without any left out; `None` without an archive."""
        if self._archive is None:
            return None
        known = {one.name for one in self._archive.channels(deployment)}
        return samples_csv(self._archive, deployment, [one for one in channels if one in known], start_us, end_us)

    def events_csv(self, deployment: str, start_us: int, end_us: int) -> Iterator[str] | None:
        """The archived events as pieces of CSV, newest first; `None` without an archive."""
        return None if self._archive is None else events_csv(self._archive, deployment, start_us, end_us)

    async def commands(self, deployment: Source, limit: int) -> list[dict[str, Any]]:
        """The last `limit` commands, the newest first."""
        held = list(deployment.commands.records.values())
        shown = [command_object(one) for one in held[: -limit - 1 : -1]]
        if self._archive is None or len(shown) == limit:
            return shown
        before_us = held[0].id if held else now_us() + 1
        rows = await asyncio.to_thread(
            self._archive.commands, deployment.name, end_us=before_us, limit=limit - len(shown)
        )
        return shown + [archived_command_object(one) for one in rows]


def _bucketed(hub: Hub, channel: str, start_us: int, end_us: int, count: int) -> dict[str, Any]:
    """Buckets of the values that are held."""
    held = [(row_time(one.tag, one.received_us)[0], one.value) for one in hub.history(channel)]
    numbers = [(time_us, float(value)) for time_us, value in held if isinstance(value, (int, float))]
    inside = [(time_us, value) for time_us, value in numbers if start_us <= time_us < end_us and value == value]
    first = max(start_us, inside[0][0]) if inside else start_us
    width = max(1, -(-(end_us - first) // count))
    groups: dict[int, list[float]] = {}
    for time_us, value in inside:
        groups.setdefault(time_us // width * width, []).append(value)
    ordered = sorted(groups.items())
    return {
        "width_us": width,
        "start_us": [start for start, _ in ordered],
        "count": [len(values) for _, values in ordered],
        "min": [json_value(min(values)) for _, values in ordered],
        "avg": [json_value(sum(values) / len(values)) for _, values in ordered],
        "max": [json_value(max(values)) for _, values in ordered],
    }
