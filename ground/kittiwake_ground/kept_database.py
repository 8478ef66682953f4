"""A small SQLite database in a folder of its own: what it has taken is on the disk when the call returns."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake_ground.archive.archive import wall_us
from kittiwake_ground.archive.opening import ArchiveInUse, connect, lock_folder, set_aside_if_broken
from kittiwake_ground.archive.schema import ArchiveTooNew, NotAnArchive, migrate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_REASONS: dict[type[Exception], str] = {
    NotAnArchive: "this is another program's database: serve with another --folder",
    ArchiveTooNew: "a later version of Kittiwake has written it: start that, or serve with another --folder",
    ArchiveInUse: "another server uses it: stop that, or serve with another --folder",
}
_log = logging.getLogger(__name__)


class StoreFault(OSError):
    """The disk refuses what was to be kept; the message says why."""


class KeptDatabase:
    """The database, for the event loop's thread; it is opened at first use. Without a path it is in memory."""

    def __init__(self, path: Path | None, what: str, migrations: Sequence[str], application_id: int) -> None:
        """`what` it keeps is for people, as in `alarms`."""
        self.path = path
        self._what = what
        self._migrations = migrations
        self._application_id = application_id
        self._connection: sqlite3.Connection | None = None
        self._lock: int | None = None
        self.quarantined: Path | None = None
        """Where a broken database was put that stood here."""

    def open(self) -> None:
        """Opens it, or makes one; a broken one is set aside. Raises `StoreFault`, also while another server has it."""
        if self._connection is None:
            try:
                self._connection = self._opened()
            except (sqlite3.Error, NotAnArchive, ArchiveTooNew, ArchiveInUse) as fault:
                self._unlock()
                raise StoreFault(f"{self.path}: {_REASONS.get(type(fault), str(fault))}") from None

    def _opened(self) -> sqlite3.Connection:
        path = self.path or Path(":memory:")
        if self.path is not None:
            self._lock = lock_folder(path.parent)
            self.quarantined = set_aside_if_broken(path, wall_us())
            if self.quarantined is not None:
                _log.error("%s was broken, and is kept as %s: its %s are lost", path, self.quarantined.name, self._what)
        connection = connect(path)
        try:
            migrate(connection, path, self._migrations, self._application_id)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            if self.path is not None:
                path.chmod(0o600)
            self._look(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _look(self, connection: sqlite3.Connection) -> None:
        """What a kind of database needs to know of what is in it, as it is opened."""

    def close(self) -> None:
        """Closes it."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __del__(self) -> None:
        self.close()  # one in memory belongs to nobody who would

    @property
    def _database(self) -> sqlite3.Connection:
        if self._connection is None:
            self.open()
            assert self._connection is not None
        return self._connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """What is done within is kept whole or not at all. Raises `StoreFault`."""
        database = self._database
        try:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise
        except sqlite3.Error as fault:
            raise StoreFault(f"{self.path}: {self._what} cannot be kept: {fault}") from None
