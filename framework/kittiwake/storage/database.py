"""A component's SQLite database: its schema climbs a ladder of migrations, and damage is kept aside and reported.

    LADDER = (("CREATE TABLE job (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",),)

    database, findings = open_database(self.platform, path, LADDER)
    with database.transaction():
        database.run("INSERT INTO job (name) VALUES (?)", "report")
    names = database.rows("SELECT name FROM job")

One transaction is one unit of what is acknowledged: it is there whole after a kill or a power cut, or not at all.
"""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING, Any

from kittiwake.platform.sqlite import ConstraintBroken, DatabaseDamaged, DatabaseFault
from kittiwake.storage.finding import Finding, move_aside

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kittiwake.platform.interface import Connection, Files, Platform

__all__ = ["ConstraintBroken", "Database", "DatabaseDamaged", "DatabaseFault", "DatabaseTooNew", "open_database"]

_SIDE_FILES = ("-wal", "-shm")


class DatabaseTooNew(DatabaseFault):
    """A database that a later version of the software has written: it is left as it is."""

    def __init__(self, path: str, found: int, known: int) -> None:
        super().__init__(errno.EPERM, f"has schema version {found}, this software knows {known}", path)
        self.found = found
        self.known = known


class Database:
    """An open database. Reads go at any time; writes within `transaction`. Methods raise `DatabaseFault`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._writes = False
        self._standing: dict[str, Any] = {}

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows that a statement returns."""
        return self._connection.execute(sql, parameters)

    def value(self, sql: str, *parameters: Any) -> Any:
        """The first column of the first row, or `None` without one."""
        rows = self._connection.execute(sql, parameters)
        return rows[0][0] if rows else None

    def standing_value(self, sql: str) -> Any:
        """As `value`, but read anew only after a transaction: for what is asked for again and again.

        The statement has no parameters, so that few are kept.
        """
        if sql not in self._standing:
            self._standing[sql] = self.value(sql)
        return self._standing[sql]

    def run(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Carries out a statement that writes, within a transaction; the rows of its RETURNING, if it has one.

        Raises `ConstraintBroken` for a row that the schema refuses.
        """
        assert self._writes, "writes belong into a transaction"
        return self._connection.execute(sql, parameters)

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Carries out a statement that writes for each row of parameters, within a transaction."""
        assert self._writes, "writes belong into a transaction"
        self._connection.execute_many(sql, rows)

    def transaction(self) -> Transaction:
        """`with database.transaction():` all that is written in it counts at its end, or nothing where it raises."""
        return Transaction(self, self._connection)

    def close(self) -> None:
        """Closes."""
        self._connection.close()


class Transaction:
    """The span of one transaction. Transactions do not nest."""

    __slots__ = ("_connection", "_database")

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection

    def __enter__(self) -> None:
        assert not self._database._writes, "transactions do not nest"
        self._connection.begin()
        self._database._writes = True
        self._database._standing.clear()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._database._writes = False
        self._database._standing.clear()  # what was read within may be taken back
        if kind is None:
            try:
                self._connection.commit()
            except Exception:
                self._connection.rollback()
                raise
        elif issubclass(kind, Exception):  # after a power cut there is nothing to take back
            self._connection.rollback()


def open_database(
    platform: Platform, path: str, ladder: Sequence[Sequence[str]], *, durable: bool = True
) -> tuple[Database, tuple[Finding, ...]]:
    """Opens the database at `path`, or makes it, and brings its schema to the end of the ladder.

    `ladder` has the statements of each step; a database knows by `PRAGMA user_version` how many it has climbed. A
    file that is damaged is renamed to `.bad.<n>`, reported in the findings, and a new database takes its place. Without
    `durable` the last transactions may be lost with the power (for histories). Raises `DatabaseTooNew`, and
    `DatabaseFault` where the database cannot be used at all.
    """
    findings: tuple[Finding, ...] = ()
    try:
        connection = _open_sound(platform, path, durable)
    except DatabaseDamaged as fault:
        findings = (_move_aside(platform.files, path, f"is damaged: {fault.strerror}"),)
        connection = platform.databases.open(path, durable=durable)
    database = Database(connection)
    try:
        if _climb(database, path, ladder):
            platform.files.sync_folder(posixpath.dirname(path))  # the file's name may be new
    except BaseException:
        connection.close()
        raise
    return database, findings


def _open_sound(platform: Platform, path: str, durable: bool) -> Connection:
    connection = platform.databases.open(path, durable=durable)
    try:
        verdict = connection.execute("PRAGMA quick_check(1)")[0][0]
        if verdict != "ok":
            raise DatabaseDamaged(errno.EIO, str(verdict).replace("\n", " "), path)
    except BaseException:
        connection.close()
        raise
    return connection


def _climb(database: Database, path: str, ladder: Sequence[Sequence[str]]) -> bool:
    """Takes the steps that are missing; whether there were any."""
    version: int = database.value("PRAGMA user_version")
    if version > len(ladder):
        raise DatabaseTooNew(path, version, len(ladder))
    for step in range(version, len(ladder)):
        with database.transaction():
            for statement in ladder[step]:
                database.run(statement)
            database.run(f"PRAGMA user_version = {step + 1}")
    return version < len(ladder)


def _move_aside(files: Files, path: str, reason: str) -> Finding:
    finding = move_aside(files, path, reason)
    for suffix in _SIDE_FILES:
        # What stands in the log may be all that is sound, so it keeps to its database; the index is made anew.
        if not files.exists(path + suffix):
            continue
        if finding.kept_as is not None and suffix == "-wal":
            files.rename(path + suffix, finding.kept_as + suffix)
        else:
            files.remove(path + suffix)
    files.sync_folder(posixpath.dirname(path))
    return finding
