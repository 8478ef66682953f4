"""Waiting until a channel has a value or an event comes."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake_ground.client.conditions import ANYTHING, MAX_SEEN, channel_meets, described, event_meets

if TYPE_CHECKING:
    from kittiwake_ground.client.connection import Connection
    from kittiwake_ground.client.records import ChannelValue, Event

RECENT = 1000
"""How many of the last events are looked at for one that came since the last action."""


class Wish(NamedTuple):
    """Something to wait for: `name` of a channel or an event, and what it must be.

    What was received before `since_us`, or has an event number up to `after`, does not count; `since_us` of `None`
    stands for now.
    """

    kind: str
    name: str
    wanted: Any
    since_us: int | None
    after: int = 0

    def meets(self, found: ChannelValue | Event) -> bool:
        """Whether this is it."""
        if self.kind == "channels":
            return channel_meets(found, self.wanted)  # type: ignore[arg-type]
        return event_meets(found, self.wanted)  # type: ignore[arg-type]

    def counts(self, found: ChannelValue | Event) -> bool:
        """Whether it came late enough."""
        return found.received_us >= (self.since_us or 0) and getattr(found, "number", self.after + 1) > self.after

    def missed(self, timeout_s: float, seen: list[Any], link: str) -> str:
        """What to say when it did not come."""
        if self.kind == "channels":
            what = "had no value" if self.wanted is ANYTHING else f"was not {described(self.wanted)}"
            came = f"it was {', '.join([repr(one.value) for one in seen])}" if seen else "no value came"
        else:
            what = "did not come" if self.wanted is ANYTHING else f"did not come with {described(self.wanted)}"
            came = f"there came {'; '.join([repr(one.text) for one in seen])}" if seen else "none came"
        return f"{self.name} {what} within {timeout_s:g} s: {came}{link}"


class Outcome(NamedTuple):
    """What was found, or `None`, and the last things that were seen."""

    found: ChannelValue | Event | None
    seen: list[Any]


async def await_wish(connection: Connection, deployment: str, wish: Wish, timeout_s: float) -> Outcome:
    """Waits for something. Raises what `Connection.news` does."""
    seen: deque[Any] = deque(maxlen=MAX_SEEN)
    recent = 0 if wish.since_us is None else RECENT
    try:
        async with (
            asyncio.timeout(timeout_s),
            connection.news([wish.kind], deployment, [wish.name], recent) as updates,
        ):
            async for update in updates:
                if wish.counts(update.subject):
                    seen.append(update.subject)
                    if wish.meets(update.subject):
                        return Outcome(update.subject, list(seen))
    except TimeoutError:
        pass
    return Outcome(None, list(seen))
