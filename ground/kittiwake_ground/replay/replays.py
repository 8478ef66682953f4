"""The replays of a ground station: so many and no more, and one at a time reads the archive."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kittiwake_ground.replay.replay import Replay

if TYPE_CHECKING:
    from kittiwake_ground.archive import History
    from kittiwake_ground.server.source import Source

MAX_REPLAYS = 16


class NoReplay(RuntimeError):
    """There is no archive, and so no past."""


class TooManyReplays(RuntimeError):
    """There are `MAX_REPLAYS` already."""


class Replays:
    """Opens replays. They take turns at the archive, so that live readers keep most of its connections."""

    def __init__(self, archive: History | None) -> None:
        self._archive = archive
        self._reading = asyncio.Lock()
        self._open: list[Replay] = []

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    async def open(self, live: Source, at_us: int, speed: float = 1.0, *, paused: bool = False) -> Replay:
        """A replay that has begun; whoever opens it closes it. If need be it takes the place of an abandoned one.

        Raises `NoReplay`, `TooManyReplays`, and `ValueError` for a time that is yet to come.
        """
        if self._archive is None:
            raise NoReplay("this ground station keeps no archive, so that nothing can be replayed")
        if len(self._open) >= MAX_REPLAYS:
            for abandoned in [one for one in self._open if one.abandoned][:1]:
                abandoned.close()
        if len(self._open) >= MAX_REPLAYS:
            raise TooManyReplays(f"{MAX_REPLAYS} replays are open; close a page that looks back, or try again later")
        made = Replay(
            self._archive, live, at_us, speed, paused=paused, release=self._open.remove, reading=self._reading
        )
        self._open.append(made)
        try:
            await made.start()
        except BaseException:
            made.close()
            raise
        return made
