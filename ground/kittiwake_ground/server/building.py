"""What is known of a deployment's building: read from its API, again and again while somebody looks."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from kittiwake.storage.root import reason_of
from kittiwake_ground.building.access import ApiUnreachable, read_token

if TYPE_CHECKING:
    from pathlib import Path

    from kittiwake_ground.building.snapshot import Snapshot

INTERVAL_S = 2.0
RETRY_S = 5.0
REQUESTS_PER_S = 20
"""How many requests are made of the API in a second at most, in the mean: larger buildings are read less often."""


class Building:
    """The last snapshot and the last fault. `run` reads while there are watchers."""

    def __init__(self, url: str, token_file: Path) -> None:
        """`url` is as `api_address` gives it; the token is read anew at each attempt, so that it may change."""
        self.url = url
        self._token_file = token_file
        self._watchers = 0
        self._wanted = asyncio.Event()
        self.snapshot: Snapshot | None = None
        self.fault = ""
        """Why the API could not be read just now; empty where it could, or was not asked yet."""
        self.fault_since_s = 0.0

    def watch(self) -> None:
        """Somebody looks; to be ended by `leave`."""
        self._watchers += 1
        self._wanted.set()

    def leave(self) -> None:
        """Who has looked does no more."""
        self._watchers -= 1
        if not self._watchers:
            self._wanted.clear()

    async def run(self) -> None:
        """Reads until it is cancelled."""
        while True:
            await self._wanted.wait()
            try:
                pause_s = await self._read()
            except ApiUnreachable as fault:
                self._note(fault.reason)
                pause_s = RETRY_S
            except OSError as fault:
                self._note(f"{self._token_file}: {reason_of(fault)}")
                pause_s = RETRY_S
            except ValueError as fault:
                self._note(str(fault))
                pause_s = RETRY_S
            await asyncio.sleep(pause_s)

    async def _read(self) -> float:
        """Reads until nobody looks or a fault ends it; gives the pause before the next attempt."""
        from kittiwake_ground.building.rest import RestApi
        from kittiwake_ground.building.snapshot import read_snapshot

        async with RestApi(self.url, read_token(self._token_file)) as api:
            while self._watchers:
                self.snapshot = await read_snapshot(api)
                self.fault = ""
                await asyncio.sleep(max(INTERVAL_S, self.snapshot.requests / REQUESTS_PER_S))
        return 0.0

    def _note(self, reason: str) -> None:
        if not self.fault:
            self.fault_since_s = time.time()
        self.fault = reason
