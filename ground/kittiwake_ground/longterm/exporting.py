"""Brings the Parquet files up to date with the archive, day by day, and says what retention may rely on."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, NamedTuple

from kittiwake_ground.archive.opening import DATABASE, lock_folder, open_reader
from kittiwake_ground.longterm.partitions import KINDS, Partition, day_bounds, day_of, day_text, require
from kittiwake_ground.longterm.rows import count_rows, first_time
from kittiwake_ground.longterm.writing import Written, read_written, remove_unfinished, write_partition

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

RECHECK_DAYS = 3
"""Days whose files are held against the archive at each export, as late rows still come."""

WRITTEN, SAME, KEPT = "written", "same", "kept"
LAST_US = 1 << 62


class Exported(NamedTuple):
    """What became of a partition: written, left the same, or kept, as the archive has fewer rows than the file."""

    partition: Partition
    outcome: str
    rows: int

    def __str__(self) -> str:
        kind, deployment, day = self.partition
        why = ", more than the archive has" if self.outcome == KEPT else ""
        return f"{deployment} {day_text(day)} {kind}: {self.rows} rows{why}, {self.outcome}"


def export_parquet(
    archive: Path,
    folder: Path,
    now_us: int,
    *,
    deployments: Collection[str] = (),
    start_us: int = 0,
    end_us: int = LAST_US,
    again: bool = False,
    told: Callable[[Exported], None] = lambda one: None,
) -> list[Exported]:
    """Writes the days of [start, end) that are not in `folder` yet, or have other rows there than in the archive.

    Days older than `RECHECK_DAYS` that have a file are looked at only with `again`, which writes every day anew. A file
    with more rows than the archive has left is kept. Raises `ExtraMissing`, `ArchiveInUse` if another export writes
    there, `OSError`, and `sqlite3.Error` for an archive that cannot be read.
    """
    require("pyarrow")
    claim = lock_folder(folder)
    connection = open_reader(archive / DATABASE)
    try:
        remove_unfinished(folder)
        known = dict(connection.execute("SELECT name, id FROM deployments WHERE name != ''").fetchall())
        unknown = set(deployments) - set(known)
        if unknown:
            raise ValueError(f"the archive holds nothing of {min(unknown)!r}; it has {', '.join(known) or 'none'}")
        done = []
        for name in sorted(deployments or known):
            for kind in KINDS:
                for day in _days(connection, kind, known[name], start_us, end_us):
                    one = _bring(connection, Partition(kind, name, day), known[name], folder, now_us, again)
                    told(one)
                    done.append(one)
        return done
    finally:
        connection.close()
        os.close(claim)


def _days(connection: sqlite3.Connection, kind: str, deployment: int, start_us: int, end_us: int) -> Iterator[int]:
    """The days that have rows."""
    from_us = start_us
    while (found_us := first_time(connection, kind, deployment, from_us)) is not None and found_us < end_us:
        day = day_of(found_us)
        yield day
        from_us = day_bounds(day)[1]


def _bring(
    connection: sqlite3.Connection, partition: Partition, deployment: int, folder: Path, now_us: int, again: bool
) -> Exported:
    written = read_written(partition.path(folder))
    end_us = day_bounds(partition.day)[1]
    settled = end_us + RECHECK_DAYS * 86_400_000_000 <= now_us
    if written is not None and settled and written.exported_us >= end_us and not again:
        return Exported(partition, SAME, written.rows)
    connection.execute("BEGIN")  # all rows of a day are of one state of the archive
    try:
        count = count_rows(connection, partition, deployment)
        if written is not None and count < written.rows:
            return Exported(partition, KEPT, written.rows)
        if written is not None and not again and _is_current(partition, written, count, end_us):
            return Exported(partition, SAME, written.rows)
        return Exported(partition, WRITTEN, write_partition(connection, partition, deployment, folder, now_us))
    finally:
        connection.execute("ROLLBACK")


def _is_current(partition: Partition, written: Written, count: int, end_us: int) -> bool:
    """Whether a file has what the archive has; commands go on after they began, so that their number does not say."""
    return count == written.rows and written.exported_us >= end_us and partition.kind != "commands"


class ExportedBefore:
    """Says up to which time all samples of a deployment are in Parquet files, for retention. Safe in any thread."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self._archive = archive
        self._folder = folder
        self._sure: set[tuple[str, int, int]] = set()
        self._lock = threading.Lock()

    def __call__(self, deployment: str, before_us: int) -> int:
        """The latest time up to `before_us` before which nothing is left to export."""
        with self._lock:
            try:
                return self._before(deployment, before_us)
            except OSError:
                return 0  # where nobody can say what is exported, nothing may go

    def _before(self, deployment: str, before_us: int) -> int:
        connection = open_reader(self._archive / DATABASE)
        try:
            row = connection.execute("SELECT id FROM deployments WHERE name = ?", (deployment,)).fetchone()
            if row is None:
                return before_us
            for day in _days(connection, "samples", int(row[0]), 0, before_us):
                if not self._holds(connection, Partition("samples", deployment, day), int(row[0])):
                    return min(before_us, day_bounds(day)[0])
            return before_us
        finally:
            connection.close()

    def _holds(self, connection: sqlite3.Connection, partition: Partition, deployment: int) -> bool:
        path = partition.path(self._folder)
        if not path.exists():
            return False
        key = (partition.deployment, partition.day, path.stat().st_mtime_ns)
        if key in self._sure:
            return True
        written = read_written(path)
        if written is None or written.exported_us < day_bounds(partition.day)[1]:
            return False
        if written.rows < count_rows(connection, partition, deployment):
            return False
        self._sure.add(key)
        return True
