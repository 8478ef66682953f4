"""Writes samples: each once, in the order of their times, and keeps their roll-ups.

A sample that is newer than all others of its channel is new without a look at the database; such samples are inserted
together. For any other the row decides: the same tag and value again is a duplicate, the same time with another tag or
value gets the next position.
"""

from __future__ import annotations

from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from kittiwake_ground.archive.rollups import CHUNK_US, roll, runs
from kittiwake_ground.archive.tags import EARLIEST_WALL_US, MASK, WALL_BASES
from kittiwake_ground.archive.values import NUMBER, encode

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    NewSample = tuple[str, int, int, Any]
    Row = tuple[int, int, int, int, int | None, int, int, Any, str | None]

_INSERT = "INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_NEW = _INSERT + " ON CONFLICT DO NOTHING"
_AT_TIME = "SELECT position, base, device_us, kind, number, text FROM samples WHERE channel = ? AND time_us = ?"


class _Channel:
    """What the writer knows of one channel, and the rows that it is about to write."""

    __slots__ = ("first_us", "horizon_us", "id", "late", "newest_us", "open_chunks", "rows")

    def __init__(self, id: int, newest_us: int, horizon_us: int, open_chunks: set[int]) -> None:
        self.id = id
        self.horizon_us = horizon_us
        self.newest_us = newest_us
        self.open_chunks = open_chunks
        self.first_us = 0
        self.rows: list[Row] = []
        self.late: list[Row] = []


class SampleWriter:
    """Writes samples through one connection. What it remembers is dropped by `forget` when a transaction fails."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._channels: dict[int, dict[str, _Channel]] = {}
        self._active: set[_Channel] = set()
        self.written = 0
        self.duplicates = 0
        self.expired = 0

    def forget(self) -> None:
        """Drops what is remembered, and what was added and not written."""
        self._channels.clear()
        self._active.clear()

    def add(self, deployment: int, samples: Sequence[NewSample]) -> None:
        """Prepares samples (name, tag, received_us, value) of a deployment. Raises `TypeError` and `ValueError`."""
        channels = self._channels.setdefault(deployment, {})
        active = self._active
        for name, tag, received_us, value in samples:
            channel = channels.get(name)
            if channel is None:
                channel = channels[name] = self._channel(deployment, name)
            if not channel.rows and not channel.late:
                active.add(channel)
            base = tag >> 64
            time_us: int = tag & MASK
            device_us = None
            if base not in WALL_BASES or time_us < EARLIEST_WALL_US:
                device_us = time_us
                time_us = received_us
            kind: int
            number: Any
            text: str | None
            if type(value) is float and value == value:
                kind, number, text = NUMBER, value, None
            else:
                kind, number, text = encode(value)
            if time_us > channel.newest_us:
                if not channel.rows:
                    channel.first_us = time_us
                channel.newest_us = time_us
                channel.rows.append((channel.id, time_us, 0, base, device_us, received_us, kind, number, text))
            else:
                channel.late.append((channel.id, time_us, 0, base, device_us, received_us, kind, number, text))

    def write(self) -> None:
        """Inserts what was added, within the transaction that the caller began."""
        active = sorted(self._active, key=attrgetter("id"))
        cursor = self._connection.executemany(_INSERT, chain.from_iterable([channel.rows for channel in active]))
        self.written += max(cursor.rowcount, 0)
        for channel in active:
            late = {row[1] // CHUNK_US: None for row in channel.late if self._write_late(row, channel.horizon_us)}
            self._roll(channel, list(late))
            channel.rows = []
            channel.late = []
        self._active.clear()

    def _write_late(self, row: Row, horizon_us: int) -> bool:
        """Whether the row was new."""
        id, time_us, _, *rest = row
        if time_us < horizon_us:
            self.expired += 1
            return False
        if self._connection.execute(_INSERT_NEW, row).rowcount == 1:
            self.written += 1
            return True
        base, device_us, _, kind, number, text = rest
        position = 0
        for there in self._connection.execute(_AT_TIME, (id, time_us)).fetchall():
            if there[1:] == (base, device_us, kind, number, text):
                self.duplicates += 1
                return False
            position = max(position, there[0] + 1)
        self._connection.execute(_INSERT, (id, time_us, position, *rest))
        self.written += 1
        return True

    def _roll(self, channel: _Channel, late: list[int]) -> None:
        """Closes the chunks that samples have moved on from; those of the newest and the last late one stay open."""
        newest = channel.newest_us // CHUNK_US
        touched = set(channel.open_chunks)
        keep = set(late[-1:])
        if channel.rows:
            # All samples between the first of the new rows and the last are new: one stretch, whatever the gaps.
            first = channel.first_us // CHUNK_US
            if first < newest:
                roll(self._connection, channel.id, first * CHUNK_US, newest * CHUNK_US)
                touched.discard(first)
            keep.add(newest)
        elif newest in touched:
            keep.add(newest)
        touched.update(late)
        for start, end in runs(touched - keep):
            roll(self._connection, channel.id, start * CHUNK_US, end * CHUNK_US)
        change = self._connection.executemany
        change(
            "DELETE FROM open_chunks WHERE channel = ? AND chunk = ?",
            [(channel.id, n) for n in channel.open_chunks - keep],
        )
        change("INSERT INTO open_chunks VALUES (?, ?)", [(channel.id, number) for number in keep - channel.open_chunks])
        channel.open_chunks = keep

    def horizon(self, deployment: int, what: str = "samples") -> int:
        """The time before which a deployment has no `samples` or `rollups` any more."""
        row = self._connection.execute(
            "SELECT time_us FROM horizons WHERE deployment = ? AND what = ?", (deployment, what)
        ).fetchone()
        return 0 if row is None else int(row[0])

    def raise_horizon(self, deployment: int, time_us: int) -> None:
        """Refuses a deployment's samples before that time from now on, and rolls the open chunks before it."""
        self._connection.execute("INSERT OR REPLACE INTO horizons VALUES (?, 'samples', ?)", (deployment, time_us))
        before = (deployment, time_us // CHUNK_US)
        found = self._connection.execute(
            "SELECT channel, chunk FROM open_chunks JOIN channels ON id = channel WHERE deployment = ? AND chunk < ?",
            before,
        ).fetchall()
        for id, chunk in found:
            roll(self._connection, id, chunk * CHUNK_US, (chunk + 1) * CHUNK_US)
        self._connection.executemany("DELETE FROM open_chunks WHERE channel = ? AND chunk = ?", found)
        self.forget()

    def _channel(self, deployment: int, name: str) -> _Channel:
        id = self.channel_id(deployment, name)
        horizon_us = self.horizon(deployment)
        newest = self._connection.execute("SELECT max(time_us) FROM samples WHERE channel = ?", (id,)).fetchone()[0]
        chunks = self._connection.execute("SELECT chunk FROM open_chunks WHERE channel = ?", (id,)).fetchall()
        return _Channel(id, max(newest or 0, horizon_us - 1), horizon_us, {row[0] for row in chunks})

    def channel_id(self, deployment: int, name: str) -> int:
        """The number of a channel, which is made if it is new."""
        key = (deployment, name)
        self._connection.execute("INSERT INTO channels (deployment, name) VALUES (?, ?) ON CONFLICT DO NOTHING", key)
        found = self._connection.execute("SELECT id FROM channels WHERE deployment = ? AND name = ?", key)
        return int(found.fetchone()[0])
