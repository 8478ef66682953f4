"""Long history of the server: Parquet files that are brought up to date each hour, and questions in SQL over them."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import TYPE_CHECKING

from kittiwake_ground.longterm.asking import ask
from kittiwake_ground.longterm.exporting import export_parquet
from kittiwake_ground.longterm.partitions import require
from kittiwake_ground.server.session import now_us

if TYPE_CHECKING:
    from pathlib import Path

    from kittiwake_ground.longterm.asking import Answer
    from kittiwake_ground.longterm.exporting import Exported

EXPORT_EVERY_S = 3600.0
MAX_WAITING = 4
"""Questions that wait for the one that is being answered."""

_log = logging.getLogger(__name__)


class NoLongHistory(RuntimeError):
    """The server keeps none: it was started without `--parquet`, or without an archive."""

    def __init__(self) -> None:
        super().__init__("this ground station keeps no Parquet files: serve with --parquet DIR, and with an archive")


class TooManyQuestions(RuntimeError):
    """There are `MAX_WAITING` already."""


class LongHistory:
    """Exports and answers in threads, one of each at a time. Use it in one event loop."""

    def __init__(self, archive: Path | None, folder: Path | None) -> None:
        """`archive` and `folder` are `None` where there is none. Raises `ExtraMissing`."""
        self._archive = archive
        self._folder = folder
        self._exporting = asyncio.Lock()
        self._asking = asyncio.Lock()
        self._waiting = 0
        if folder is not None:
            require("pyarrow")

    @property
    def is_kept(self) -> bool:
        """Whether there are such files."""
        return self._archive is not None and self._folder is not None

    async def run(self) -> None:
        """Brings the files up to date again and again, until it is cancelled."""
        while self.is_kept:
            try:
                await self.export()
            except (OSError, ValueError, sqlite3.Error) as fault:
                _log.warning("the Parquet files could not be brought up to date: %s", fault)
            await asyncio.sleep(EXPORT_EVERY_S)

    async def export(self) -> list[Exported]:
        """Brings the files up to date. Raises `NoLongHistory`, and as `export_parquet`."""
        archive, folder = self._archive, self._folder
        if archive is None or folder is None:
            raise NoLongHistory
        async with self._exporting:
            return await asyncio.to_thread(export_parquet, archive, folder, now_us())

    async def ask(self, sql: str, limit: int) -> Answer:
        """The answer to a question. Raises `NoLongHistory`, `TooManyQuestions`, and as `ask`."""
        if self._folder is None or not self.is_kept:
            raise NoLongHistory
        if self._waiting > MAX_WAITING:
            raise TooManyQuestions(f"{MAX_WAITING} questions wait for their answers; try again later")
        self._waiting += 1
        try:
            async with self._asking:
                return await asyncio.to_thread(ask, self._folder, sql, limit)
        finally:
            self._waiting -= 1
