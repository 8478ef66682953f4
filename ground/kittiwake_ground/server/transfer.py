"""One file on its way up or down."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from kittiwake_ground.server.session import now_us

if TYPE_CHECKING:
    from pathlib import Path

QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED = "queued", "running", "completed", "failed", "cancelled"
UP, DOWN = "up", "down"
PACKETS, CFDP = "packets", "cfdp"
"""The ways of a file: in F´'s file packets, or by CFDP."""

MAX_KEPT_BYTES = 100
"""How much of a file's own name is kept: its end."""

SILENCE_S = 20.0
"""The longest silence of the deployment in a transfer, in seconds."""


class TransferRefused(ValueError):
    """A transfer that is not taken; the message says why."""


class Transfer:
    """One file on its way. `remote` is its name in the deployment, `path` where it is here once it has come down.

    `by` is who asked, or "deployment" for a file that it sent by itself. Times are microseconds since 1970.
    """

    way = PACKETS

    def __init__(self, id: int, direction: str, remote: str, name: str, by: str) -> None:
        self.id = id
        self.direction = direction
        self.remote = remote
        self.name = name
        self.by = by
        self.state = QUEUED
        self.reason = ""
        self.size = 0
        self.done_bytes = 0
        self.asked_us = now_us()
        self.ended_us = 0
        self.path: Path | None = None
        self.sha256 = ""
        """Its digest, where the way has one."""
        self.content: bytes | None = None
        self.cancelling = asyncio.Event()
        self._ended = asyncio.Event()

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in (COMPLETED, FAILED, CANCELLED)

    async def wait(self) -> Transfer:
        """Waits until it has ended."""
        await self._ended.wait()
        return self

    def end(self, state: str, reason: str = "") -> None:
        """Ends it."""
        self.state, self.reason, self.ended_us, self.content = state, reason, now_us(), None
        self._ended.set()


def kept_name(id: int, name: str) -> str:
    """What a file is called that is kept here: a name of our own in front, nothing that leads anywhere behind it."""
    safe = "".join(c if c.isalnum() or c in "._- " else "_" for c in name).strip(". ")
    while len(safe.encode()) > MAX_KEPT_BYTES:
        safe = safe[1:]
    return f"{id}-{safe or 'file'}"


class TransferCancelled(Exception):
    """Somebody gave the transfer up."""
