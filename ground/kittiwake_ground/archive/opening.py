"""Opens the archive's database: one process at a time, checked, and set aside if it is broken."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from typing import TYPE_CHECKING

from kittiwake.sequence.times import US_PER_S, absolute_text
from kittiwake_ground.archive.schema import migrate

if TYPE_CHECKING:
    from pathlib import Path

DATABASE = "archive.db"
LOCK = "archive.lock"
BUSY_TIMEOUT_MS = 5_000
CHECKED_BYTES = 1 << 30
"""A database that was closed properly is checked whole up to this size; after a kill it is checked at any size."""

_WAL_PAGES = 16_384
_WRITER_CACHE_KIB = 65_536
_READER_CACHE_KIB = 8_192
_SIDE_FILES = ("", "-wal", "-shm")


class ArchiveInUse(OSError):
    """Another process has the archive open for writing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(f"the archive {folder} is in use by another process: stop it, or name another archive folder")


def lock_folder(folder: Path) -> int:
    """Makes the folder and claims it for this process; the file descriptor holds the claim. Raises `ArchiveInUse`."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise ArchiveInUse(folder) from None
    return descriptor


def open_writer(path: Path, now_us: int) -> tuple[sqlite3.Connection, Path | None]:
    """The connection that writes, and where a broken database was put that stood in its way.

    Raises `ArchiveTooNew`, `NotAnArchive`, `OSError` and `sqlite3.OperationalError`.
    """
    quarantined = set_aside_if_broken(path, now_us)
    connection = connect(path)
    try:
        # This one counts only while the database is empty.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        migrate(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_PAGES * 4096}")
        connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KIB}")
        path.chmod(0o600)
    except BaseException:
        connection.close()
        raise
    return connection, quarantined


def set_aside_if_broken(path: Path, now_us: int) -> Path | None:
    """Renames a database in which SQLite finds faults, and gives its new name. Raises as `open_writer`."""
    return _set_aside(path, now_us) if path.exists() and not _is_sound(path) else None


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write. Raises `sqlite3.OperationalError` if there is no database."""
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA query_only = 1")
    connection.execute(f"PRAGMA cache_size = -{_READER_CACHE_KIB}")
    return connection


def connect(path: Path) -> sqlite3.Connection:
    """A connection that begins no transaction by itself and waits for another's to end."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    return connection


def _is_sound(path: Path) -> bool:
    """Whether SQLite finds nothing wrong with the file. A file that cannot be read at all raises."""
    wal = path.with_name(path.name + "-wal")
    whole = path.stat().st_size <= CHECKED_BYTES or (wal.exists() and wal.stat().st_size > 0)
    connection = connect(path)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return not whole or connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
    except sqlite3.OperationalError:
        # No permission, no space, locked: that is no damage, and the file must stay where it is.
        raise
    except sqlite3.DatabaseError:
        return False
    finally:
        connection.close()


def _set_aside(path: Path, now_us: int) -> Path:
    stamp = absolute_text(now_us // US_PER_S, 0).replace(":", "")
    number = 0
    while True:
        base = f"{path.name}.quarantined-{stamp}" + (f"-{number}" if number else "")
        target = path.with_name(base)
        if not any(path.with_name(base + side).exists() for side in _SIDE_FILES):
            break
        number += 1
    for side in reversed(_SIDE_FILES):
        source = path.with_name(path.name + side)
        if source.exists():
            source.rename(path.with_name(base + side))
    return target
