"""What was before, for whoever stands in the past: nothing of what came after is told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from kittiwake_ground.archive.moments import cut_life
from kittiwake_ground.server.past import LAST_US, MAX_ROWS, Past
from kittiwake_ground.server.views import archived_command_object, archived_event_object

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from kittiwake_ground.archive import History
    from kittiwake_ground.replay.replay import Replay
    from kittiwake_ground.server.hub import Hub
    from kittiwake_ground.server.source import Source


class ReplayedPast(Past):
    """Answers as `Past` does, up to the time that a replay has come to."""

    def __init__(self, archive: History, replay: Replay) -> None:
        super().__init__(archive)
        self._history = archive
        self._replay = replay

    def _end(self, end_us: int | None) -> int:
        return min(LAST_US if end_us is None else end_us, self._replay.position_us)

    async def values(
        self, hub: Hub, channel: str, start_us: int | None, end_us: int | None, limit: int
    ) -> dict[str, Any]:
        return await super().values(hub, channel, start_us or 0, self._end(end_us), limit)

    async def buckets(
        self, hub: Hub, channel: str, start_us: int | None, end_us: int | None, count: int
    ) -> dict[str, Any]:
        return await super().buckets(hub, channel, start_us, self._end(end_us), count)

    async def events(
        self,
        deployment: Source,
        wanted: Callable[[str], bool],
        severities: Collection[str],
        start_us: int | None,
        end_us: int | None,
        limit: int,
    ) -> dict[str, Any]:
        rows = await asyncio.to_thread(
            self._history.events, deployment.name, severities=severities, start_us=start_us or 0,
            end_us=self._end(end_us), limit=MAX_ROWS,
        )  # fmt: skip
        found = [one for one in rows if wanted(one.name)][:limit]
        shown = [archived_event_object(one, deployment.dictionary) for one in reversed(found)]
        return {"events": shown, "source": "archive"}

    async def commands(self, deployment: Source, limit: int) -> list[dict[str, Any]]:
        end_us = self._end(None)
        rows = await asyncio.to_thread(self._history.commands, deployment.name, end_us=end_us, limit=limit)
        return [{**archived_command_object(cut_life(one, end_us)), "reason": ""} for one in rows]
