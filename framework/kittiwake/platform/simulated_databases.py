"""SQLite databases of a simulated machine: real SQL in memory, and transactions that a power cut can take back.

A database stands on the simulated disk as a file, so that it is found, renamed and removed as one; its content is the
SQLite database in memory that belongs to the file. Each commit is one operation of the disk, which can be counted,
fail, or be the last before the dark. What was not committed is lost with the process; what was committed by a database
that is not durable may be lost with the power, the last transactions first.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

from kittiwake.platform.simulated_content import Content
from kittiwake.platform.simulated_disk import system_error
from kittiwake.platform.sqlite import DatabaseDamaged, SqliteConnection

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kittiwake.platform.simulated_content import Statement
    from kittiwake.platform.simulated_disk import Inode
    from kittiwake.platform.simulated_files import SimulatedFiles

MAGIC = b"SQLite format 3\0"


class SimulatedConnection(SqliteConnection):
    """A connection whose commits are operations of the disk."""

    def __init__(self, files: SimulatedFiles, inode: Inode, path: str, durable: bool) -> None:
        assert inode.database is not None, "the file was opened as a database"
        super().__init__(inode.database.raw, path)
        self._files = files
        self._content = inode.database
        self._durable = durable
        self._transaction: list[Statement] | None = None
        self._closed = False

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Carries out one statement and gives the rows it returns."""
        self._check_open()
        rows = super().execute(sql, parameters)
        if self._transaction is not None:
            self._transaction.append((sql, tuple(parameters), False))
        return rows

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carries out one statement for each row of parameters."""
        self._check_open()
        kept = [tuple(row) for row in rows]
        super().execute_many(sql, kept)
        if self._transaction is not None:
            self._transaction.append((sql, kept, True))

    def begin(self) -> None:
        """Begins a transaction that may write."""
        self._check_open()
        super().execute("BEGIN IMMEDIATE")
        self._transaction = []

    def commit(self) -> None:
        """Makes the transaction count, as one operation of the disk."""
        self._check_open()
        self._files.step("commit", self.path, self._commit)

    def _commit(self) -> None:
        super().execute("COMMIT")
        self._content.committed(self._transaction or [], self._durable)
        self._transaction = None

    def rollback(self) -> None:
        """Takes the transaction back; without one it does nothing."""
        super().rollback()
        self._transaction = None

    def close(self) -> None:
        """Takes back what was not committed, and settles the rest as SQLite's last checkpoint does."""
        if not self._closed:
            self.rollback()
            self._content.settle()
            self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise system_error(errno.EBADF, self.path)


class SimulatedDatabases:
    """The databases on a simulated disk."""

    def __init__(self, files: SimulatedFiles) -> None:
        self._files = files

    def open(self, path: str, *, durable: bool) -> SimulatedConnection:
        """Opens or makes a database; `durable` has each commit wait for the medium."""
        self._files.open(path, "w").close()
        inode = self._files.disk.file(path)
        if not inode.data:
            inode.write(0, MAGIC)  # SQLite never tears its first page, so neither does this
            inode.settle()
        elif inode.data != MAGIC:
            raise DatabaseDamaged(errno.EIO, "file is not a database", path)
        if inode.database is None:
            inode.database = Content()
        inode.database.raw.rollback()  # the process before this one may have been killed within a transaction
        return SimulatedConnection(self._files, inode, path, durable)
