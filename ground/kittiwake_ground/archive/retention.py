"""Removes what is too old or too much, oldest first, in steps so small that writing goes on between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kittiwake_ground.archive.rollups import CHUNK_US, LASTING_LEVEL, SECOND_US, WIDTHS_US

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from kittiwake_ground.archive.sampling import SampleWriter

STEP_ROWS = 5_000
"""Rows that one step removes at the most."""

VACUUMED_PAGES = 1_000
"""Free pages that one step gives back to the file system at the most."""

SLICES = 32
"""Of the time that the samples span, one part in so many goes at once when the size is over its limit."""

_DAY_US = WIDTHS_US[-1]
_BY_AGE = {
    "events": "received_us",
    "losses": "at_us",
    "frames": "received_us",
    "files": "created_us",
    "link_states": "at_us",
}


class Retention(NamedTuple):
    """How long things are kept, in seconds, and how large the database may grow, in bytes; `None` is for ever.

    Samples and their roll-ups age by their own times, all else by the time it came.
    Over the size, the oldest samples, events and frames go first, and when no samples are left the oldest roll-ups.
    Commands and files, the record of who did what, go by age only. Roll-ups are kept at least as long as samples.
    """

    samples_s: float | None = 90 * 86_400
    rollups_s: float | None = 10 * 365 * 86_400
    events_s: float | None = 2 * 365 * 86_400
    commands_s: float | None = None
    files_s: float | None = None
    frames_s: float | None = 7 * 86_400
    size_bytes: int | None = None
    hold: Callable[[str, int], int] | None = None
    """Gives of a deployment and a time the latest one before which samples may go by age: they are exported."""


class Sweeper:
    """Removes things by a `Retention`; each step is a transaction of its own."""

    def __init__(self, connection: sqlite3.Connection, sampling: SampleWriter, retention: Retention) -> None:
        self._connection = connection
        self._sampling = sampling
        self._retention = retention
        self._work: Iterator[None] | None = None
        self._removed = 0

    def step(self, now_us: int) -> bool:
        """Does one step, and says whether there may be more to do. Raises `sqlite3.Error`, having changed nothing."""
        if self._work is None:
            self._work = self._sweep(now_us)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            more = next(self._work, self) is None
        except BaseException:
            self._work = None
            self._connection.execute("ROLLBACK")
            self._sampling.forget()
            raise
        self._connection.execute("COMMIT")
        if not more:
            self._work = None
        return more

    def _sweep(self, now_us: int) -> Iterator[None]:
        """Each `yield` ends a transaction."""
        keep = self._retention
        ages = {"events": keep.events_s, "losses": keep.events_s, "link_states": keep.events_s, "frames": keep.frames_s,
                "files": keep.files_s}  # fmt: skip
        for table, age_s in ages.items():
            if age_s is not None:
                yield from self._cut(table, now_us - int(age_s * SECOND_US))
        if keep.commands_s is not None:
            yield from self._cut_commands(now_us - int(keep.commands_s * SECOND_US))
        for deployment in self._deployments():
            # A deployment that lives in the past, in a simulation say, ages by its own time.
            newest_us = min(now_us, self._newest(deployment))
            if keep.samples_s is not None:
                yield from self._cut_samples(
                    deployment, self._unheld(deployment, newest_us - int(keep.samples_s * SECOND_US))
                )
            if keep.rollups_s is not None:
                yield from self._cut_rollups(deployment, newest_us - int(keep.rollups_s * SECOND_US))
        if keep.size_bytes is not None:
            yield from self._shrink(keep.size_bytes)
        yield from self._vacuum()

    def _cut(self, table: str, before_us: int) -> Iterator[None]:
        column = _BY_AGE[table]
        statement = (
            f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} WHERE {column} < ? ORDER BY {column} LIMIT ?)"
        )
        while self._connection.execute(statement, (before_us, STEP_ROWS)).rowcount == STEP_ROWS:
            yield
        yield

    def _cut_commands(self, before_us: int) -> Iterator[None]:
        while True:
            found = self._connection.execute(
                "SELECT id FROM commands WHERE created_us < ? ORDER BY created_us LIMIT ?", (before_us, STEP_ROWS // 5)
            ).fetchall()
            self._connection.executemany("DELETE FROM command_states WHERE command = ?", found)
            self._connection.executemany("DELETE FROM commands WHERE id = ?", found)
            yield
            if not found:
                return

    def _cut_samples(self, deployment: int, before_us: int) -> Iterator[None]:
        # Behind the horizon nothing is written or rolled up from now on; the rows there go step by step.
        before_us = before_us // CHUNK_US * CHUNK_US
        if before_us > self._sampling.horizon(deployment):
            self._sampling.raise_horizon(deployment, before_us)
            yield
        # Also what an earlier sweep did not come to because the process ended.
        before_us = self._sampling.horizon(deployment)
        for channel in self._channels(deployment):
            yield from self._clear("samples", "time_us", (channel,), "channel = ?", before_us)
            for level in range(LASTING_LEVEL):
                yield from self._clear("rollups", "start_us", (channel, level), "channel = ? AND level = ?", before_us)

    def _cut_rollups(self, deployment: int, before_us: int) -> Iterator[None]:
        before_us = min(before_us, self._sampling.horizon(deployment)) // _DAY_US * _DAY_US
        if before_us > self._sampling.horizon(deployment, "rollups"):
            self._connection.execute(
                "INSERT OR REPLACE INTO horizons VALUES (?, 'rollups', ?)", (deployment, before_us)
            )
            yield
        before_us = self._sampling.horizon(deployment, "rollups")
        for channel in self._channels(deployment):
            for level in range(len(WIDTHS_US)):
                yield from self._clear("rollups", "start_us", (channel, level), "channel = ? AND level = ?", before_us)

    def _unheld(self, deployment: int, before_us: int) -> int:
        """A time before which samples may go."""
        hold = self._retention.hold
        if hold is None:
            return before_us
        name = self._connection.execute("SELECT name FROM deployments WHERE id = ?", (deployment,)).fetchone()[0]
        return min(before_us, hold(name, before_us))

    def _newest(self, deployment: int) -> int:
        row = self._connection.execute(
            "SELECT max((SELECT max(time_us) FROM samples WHERE channel = id)) FROM channels WHERE deployment = ?",
            (deployment,),
        ).fetchone()
        return row[0] or 0

    def _deployments(self) -> list[int]:
        return [id for (id,) in self._connection.execute("SELECT id FROM deployments").fetchall()]

    def _channels(self, deployment: int) -> list[int]:
        found = self._connection.execute("SELECT id FROM channels WHERE deployment = ?", (deployment,))
        return [id for (id,) in found.fetchall()]

    def _clear(self, table: str, column: str, key: tuple[int, ...], where: str, before_us: int) -> Iterator[None]:
        """Removes the rows of a table without row ids that have the key and a time before the given one."""
        row: tuple[int] | None = (0,)
        while row is not None:
            row = self._connection.execute(
                f"SELECT {column} FROM {table} WHERE {where} AND {column} < ? ORDER BY {column} LIMIT 1 OFFSET ?",
                (*key, before_us, STEP_ROWS),
            ).fetchone()
            # Rows of one time go together, so that at least one goes.
            upto_us = before_us if row is None else row[0] + 1
            statement = f"DELETE FROM {table} WHERE {where} AND {column} < ?"
            self._removed += self._connection.execute(statement, (*key, upto_us)).rowcount
            if self._removed >= STEP_ROWS:
                self._removed = 0
                yield

    def used_bytes(self) -> int:
        """The size of the database without its free pages."""
        pages, free, size = (
            int(self._connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def _span(self, table: str, column: str) -> tuple[int, int] | None:
        """The oldest and the newest time of all channels."""
        level = "" if table == "samples" else f" AND level = {LASTING_LEVEL}"
        row = self._connection.execute(
            f"SELECT min((SELECT min({column}) FROM {table} WHERE channel = id{level})),"
            f" max((SELECT max({column}) FROM {table} WHERE channel = id{level})) FROM channels"
        ).fetchone()
        return None if row[0] is None else (row[0], row[1])

    def _shrink(self, size_bytes: int) -> Iterator[None]:
        while self.used_bytes() > size_bytes and (span := self._span("samples", "time_us")) is not None:
            upto_us = max(span[0] + (span[1] - span[0]) // SLICES, span[0] + CHUNK_US)
            for deployment in self._deployments():
                # The chunk that is being written stays.
                yield from self._cut_samples(deployment, min(upto_us, self._newest(deployment)))
            for table in ("events", "frames"):
                yield from self._cut(table, upto_us)
            if self._span("samples", "time_us") == span:
                break
        while self.used_bytes() > size_bytes and (span := self._span("rollups", "start_us")) is not None:
            upto_us = span[0] + max((span[1] - span[0]) // SLICES, 2 * _DAY_US)
            for deployment in self._deployments():
                yield from self._cut_rollups(deployment, upto_us)
            if self._span("rollups", "start_us") == span:
                break

    def _vacuum(self) -> Iterator[None]:
        while True:
            free = int(self._connection.execute("PRAGMA freelist_count").fetchone()[0])
            pages = int(self._connection.execute("PRAGMA page_count").fetchone()[0])
            # A quarter stays, for what comes next.
            if free * 4 <= pages:
                return
            self._connection.execute(f"PRAGMA incremental_vacuum({VACUUMED_PAGES})").fetchall()
            yield
            if int(self._connection.execute("PRAGMA freelist_count").fetchone()[0]) >= free:
                return
