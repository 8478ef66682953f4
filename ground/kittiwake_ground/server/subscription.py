"""A subscription: what somebody wants to be told, kept until it is fetched, and counted where it was too much."""

from __future__ import annotations

import asyncio
from collections import deque
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

KINDS = ("channels", "events", "commands", "links", "transfers", "sequences", "parameters", "alarms", "plans")
"""What can be subscribed to."""

MAX_WAITING = 10_000
"""The most updates that wait for one subscriber; what is older is dropped and counted."""


class Update(NamedTuple):
    """One piece of news.

    `subject` is a `Sample` (channels), `EventRecord` (events), `CommandRecord` (commands), `LinkReport` (links),
    `Transfer` (transfers), `SequenceRun` (sequences), `ParameterRecord` (parameters), `Change` (alarms) or `PlanNews`
    (plans).
    """

    kind: str
    deployment: str
    subject: Any


class Subscription:
    """News of some kinds, for names that match one of the patterns (all without patterns)."""

    def __init__(
        self,
        leave: Callable[[Subscription], None],
        kinds: Iterable[str],
        patterns: Iterable[str] = (),
        limit: int = MAX_WAITING,
    ) -> None:
        self.kinds = frozenset(kinds)
        self.dropped = 0
        """Updates that were dropped since `fetch` last said so."""
        self._leave = leave
        self._patterns = tuple(patterns)
        self._matches: dict[str, bool] = {}
        self._waiting: deque[Update] = deque(maxlen=limit)
        self._limit = limit
        self._news = asyncio.Event()

    def wants(self, kind: str, name: str) -> bool:
        """Whether an update of this kind about this name is of interest."""
        if kind not in self.kinds:
            return False
        if not self._patterns:
            return True
        found = self._matches.get(name)
        if found is None:
            found = self._matches[name] = any(fnmatchcase(name, pattern) for pattern in self._patterns)
        return found

    def put(self, update: Update) -> None:
        """Takes an update; without room the oldest goes."""
        if len(self._waiting) == self._limit:
            self.dropped += 1
        self._waiting.append(update)
        self._news.set()

    def fetch(self) -> list[Update]:
        """Everything that waits, without waiting; reset `dropped` once it was passed on."""
        found = list(self._waiting)
        self._waiting.clear()
        self._news.clear()
        return found

    async def wait(self) -> list[Update]:
        """Everything that waits, at least one update."""
        await self._news.wait()
        return self.fetch()

    async def __aiter__(self) -> AsyncIterator[Update]:
        while True:
            for update in await self.wait():
                yield update

    def close(self) -> None:
        """Ends the subscription."""
        self._leave(self)

    def __enter__(self) -> Subscription:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
