"""SQLite connections: what the machine and the simulated one have in common, and their faults as the system's.

The module `sqlite3` comes with the first database that is opened (8 ms).
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

Result = TypeVar("Result")

BUSY_TIMEOUT_S = 5.0
"""How long a statement waits for another process that reads or writes the same database."""

# SQLite's primary result codes (https://www.sqlite.org/rescode.html) and what a file system would have said.
_ERRNOS = {5: errno.EBUSY, 6: errno.EBUSY, 8: errno.EROFS, 10: errno.EIO, 13: errno.ENOSPC, 14: errno.ENOENT}
_CORRUPT, _CONSTRAINT, _NOT_A_DATABASE = 11, 19, 26


class DatabaseFault(OSError):
    """SQLite could not do what it was asked to, for the medium's sake; nothing of the transaction was done."""


class DatabaseDamaged(DatabaseFault):
    """The file is no database, or no longer a sound one."""


class ConstraintBroken(ValueError):
    """A row that the database's own rules refuse (a second of a unique name, a reference to nothing)."""


class SqliteConnection:
    """One connection. Statements outside `begin` and `commit` see the last committed state.

    All methods raise `DatabaseFault`; `ConstraintBroken` for rows that the schema refuses.
    """

    def __init__(self, raw: sqlite3.Connection, path: str) -> None:
        self._raw = raw
        self.path = path

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Carries out one statement and gives the rows it returns."""
        return self._guarded(lambda: self._raw.execute(sql, parameters).fetchall())

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carries out one statement for each row of parameters."""
        self._guarded(lambda: self._raw.executemany(sql, rows))

    def begin(self) -> None:
        """Begins a transaction that may write."""
        self.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Makes the transaction count; on return it is durable if the database was opened so."""
        self.execute("COMMIT")

    def rollback(self) -> None:
        """Takes the transaction back; without one it does nothing."""
        self._guarded(self._raw.rollback)

    def close(self) -> None:
        """Takes back what was not committed, and closes."""
        self._guarded(self._raw.close)

    def _guarded(self, step: Callable[[], Result]) -> Result:
        return guarded(self.path, step)


def guarded(path: str, step: Callable[[], Result]) -> Result:
    """Does something with the database at `path`; what SQLite says becomes `DatabaseFault` or `ConstraintBroken`."""
    import sqlite3

    try:
        return step()
    except sqlite3.Error as fault:
        raise _named(fault, path) from None


def _named(fault: sqlite3.Error, path: str) -> Exception:
    code = (getattr(fault, "sqlite_errorcode", None) or 0) & 0xFF
    if code == _CONSTRAINT:
        return ConstraintBroken(f"{path}: {fault}")
    kind = DatabaseDamaged if code in (_CORRUPT, _NOT_A_DATABASE) else DatabaseFault
    return kind(_ERRNOS.get(code, errno.EIO), str(fault), path)
