"""The loop of the sub-commands that follow what a server tells, and connect again if it goes away."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from kittiwake_ground.commands.session import complain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.records import Update

RETRY_S = 1.0
RECONNECT_S = 60.0


async def follow_news(
    station: AsyncDeployment, kind: str, names: Sequence[str], recent: int, take: Callable[[Update], None]
) -> None:
    """Hands over the last `recent` and all that come, without end.

    Raises `ServerUnreachable` if the server was never there, or is away for a minute.
    """
    from kittiwake_ground.client import ServerUnreachable

    deadline = 0.0
    while True:
        try:
            async with station.news(kind, names=names, recent=recent) as updates:
                if deadline:
                    complain("connected again")
                deadline = float("inf")
                async for update in updates:
                    if update.dropped:
                        complain(f"{update.dropped} were left out: this terminal is too slow")
                    take(update)
        except ServerUnreachable as lost:
            now = time.monotonic()
            if deadline == float("inf"):
                complain(f"{lost}; connecting again")
                deadline = now + RECONNECT_S
            if now >= deadline:
                raise
        recent = 0
        await asyncio.sleep(RETRY_S)
