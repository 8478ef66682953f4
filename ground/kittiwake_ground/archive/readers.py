"""Connections for reading: each serves one thread at a time, and none reads longer than it may."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kittiwake_ground.archive.opening import open_reader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_READERS = 8
"""Queries that run at once; others wait for their turn."""

_OPCODES_BETWEEN_LOOKS = 20_000


class QueryTooLong(TimeoutError):
    """A query took longer than it may, and was stopped."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        super().__init__(f"the query took longer than {limit_s:g} s: ask for a shorter time, or a rougher filter")


class Readers:
    """A few connections that are opened when they are needed and kept for the next query."""

    def __init__(self, path: Path, limit_s: float) -> None:
        """`limit_s` is the longest that one query may take."""
        self._path = path
        self._limit_s = limit_s
        self._slots = threading.BoundedSemaphore(MAX_READERS)
        self._idle: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that sees one state of the database. Raises `QueryTooLong` where the query is, `ValueError`."""
        if not self._slots.acquire(timeout=self._limit_s):
            raise QueryTooLong(self._limit_s)
        try:
            connection = self._take()
            until_s = time.monotonic() + self._limit_s
            connection.set_progress_handler(lambda: time.monotonic() > until_s, _OPCODES_BETWEEN_LOOKS)
            try:
                connection.execute("BEGIN")
                yield connection
            except sqlite3.OperationalError as fault:
                if str(fault) == "interrupted":
                    raise QueryTooLong(self._limit_s) from None
                raise
            finally:
                connection.set_progress_handler(None, 0)
                self._give_back(connection)
        finally:
            self._slots.release()

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise ValueError("the archive is closed")
            if self._idle:
                return self._idle.pop()
        return open_reader(self._path)

    def _give_back(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Closes the connections; those in use, when they come back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
