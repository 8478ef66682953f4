"""SQLite databases in files."""

from __future__ import annotations

from kittiwake.platform.sqlite import BUSY_TIMEOUT_S, SqliteConnection, guarded


class SystemDatabases:
    """Databases of the machine, in WAL mode (https://www.sqlite.org/wal.html)."""

    __slots__ = ()

    def open(self, path: str, *, durable: bool) -> SqliteConnection:
        """Opens or makes a database; `durable` has each commit wait for the medium. Raises `DatabaseFault`."""
        import sqlite3

        # A loop of its own thread opens, another one may close at shutdown; they never use it at the same time.
        raw = guarded(
            path,
            lambda: sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False),
        )
        connection = SqliteConnection(raw, path)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("PRAGMA foreign_keys = ON")
        except BaseException:
            raw.close()
            raise
        return connection
