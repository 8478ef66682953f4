"""Tells of a deployment's events while somebody types, from a thread that follows the server's news."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

RETRY_S = 5.0


def tell_of_events(address: str, deployment: str, severities: Collection[str], tell: Callable[[str], None]) -> None:
    """Starts to hand over a line for each event of these severities; it ends with the program."""
    follow = _follow(address, deployment, severities, tell)
    threading.Thread(target=lambda: asyncio.run(follow), name="kittiwake-shell-notices", daemon=True).start()


async def _follow(address: str, deployment: str, severities: Collection[str], tell: Callable[[str], None]) -> None:
    from kittiwake_ground.client import AsyncGround, RequestRefused, ServerUnreachable
    from kittiwake_ground.shown import event_object_line

    async with AsyncGround(address) as ground:
        while True:
            try:
                station = await ground.deployment(deployment)
                async for update in station.watch("events"):
                    if update.subject.severity in severities:
                        tell(event_object_line(update.shown))
            except (ServerUnreachable, RequestRefused):
                await asyncio.sleep(RETRY_S)  # the next command says what is wrong
