"""What must outlive a kill: limits and channels that people have made, open alarms, who shelved what, the history, and
the notices that nobody has been told yet.

A SQLite database of its own in the server's folder; what it has taken is on the disk when the call returns. Everything
here happens in the event loop's thread: it is little, and what is shown must be kept already.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake_ground.alarms.life import Alarm, alarm_from
from kittiwake_ground.alarms.notice import Notice
from kittiwake_ground.archive.archive import wall_us
from kittiwake_ground.kept_database import KeptDatabase

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

    from kittiwake_ground.alarms.notice import Addressed

DATABASE = "alarms.db"
APPLICATION_ID = 0x4B747761 ^ 1
MAX_HISTORY = 100_000
"""The most entries of history that are kept, of all deployments together."""

MAX_PAST_LIMITS = 10_000
"""The most changes of limits that are remembered for replays, of all deployments together."""

LIMITS, DERIVED = "limits", "derived"
"""What people make: limits of a channel, and channels derived from others."""

_FIRST = """
CREATE TABLE made (
    deployment TEXT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    by TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (deployment, kind, name)
) WITHOUT ROWID;
CREATE TABLE alarms (
    id INTEGER PRIMARY KEY,
    deployment TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE TABLE shelves (
    deployment TEXT NOT NULL,
    key TEXT NOT NULL,
    until_us INTEGER NOT NULL,
    by TEXT NOT NULL,
    PRIMARY KEY (deployment, key)
) WITHOUT ROWID;
CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time_us INTEGER NOT NULL,
    deployment TEXT NOT NULL,
    alarm INTEGER NOT NULL,
    action TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    level TEXT NOT NULL,
    by TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX history_by_deployment ON history (deployment, id);
"""
_NOTICES = """
CREATE TABLE notices (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    receiver TEXT NOT NULL,
    record TEXT NOT NULL
);
CREATE INDEX notices_by_receiver ON notices (receiver, number);
CREATE TABLE left_out (
    receiver TEXT PRIMARY KEY,
    count INTEGER NOT NULL
) WITHOUT ROWID;
"""
_PAST_LIMITS = """
CREATE TABLE past_limits (
    number INTEGER PRIMARY KEY,
    deployment TEXT NOT NULL,
    name TEXT NOT NULL,
    time_us INTEGER NOT NULL,
    content TEXT,
    by TEXT NOT NULL
);
CREATE INDEX past_limits_by_deployment ON past_limits (deployment, number);
INSERT INTO past_limits (deployment, name, time_us, content, by)
    SELECT deployment, name, revision, content, by FROM made WHERE kind = 'limits' ORDER BY revision;
"""
MIGRATIONS = (_FIRST, _NOTICES, _PAST_LIMITS)


class Made(NamedTuple):
    """Something that somebody made: its name, its content, who, and a revision that it has alone."""

    name: str
    content: dict[str, Any]
    by: str
    revision: int


class PastLimits(NamedTuple):
    """Limits of a channel, and since when they counted; without `made` those of the dictionary did."""

    time_us: int
    name: str
    made: Made | None


class Shelf(NamedTuple):
    """Until when an alarm is shelved, and who did that."""

    until_us: int
    by: str


@dataclass(frozen=True)
class Entry:
    """An entry of the history: what became of an alarm and when, and who did it, if it was a person.

    `level` is that of the alarm then. `alarm` is its id, 0 for what concerns limits.
    """

    time_us: int
    alarm: int
    action: str
    kind: str
    source: str
    level: str
    by: str = ""
    text: str = ""
    id: int = 0


class AlarmStore(KeptDatabase):
    """The database. Without a folder it is in memory, for what is not to be kept. Open it first."""

    def __init__(self, folder: Path | None = None) -> None:
        path = None if folder is None else folder / DATABASE
        super().__init__(path, "alarms", MIGRATIONS, APPLICATION_ID)
        self._last_id = self._last_revision = 0
        self._entries = 0

    def _look(self, connection: sqlite3.Connection) -> None:
        query = "SELECT max((SELECT coalesce(max(id), 0) FROM alarms), (SELECT coalesce(max(alarm), 0) FROM history))"
        self._last_id = int(connection.execute(query).fetchone()[0])
        self._entries = int(connection.execute("SELECT count(*) FROM history").fetchone()[0])

    def new_id(self) -> int:
        """A number that no alarm ever had."""
        self._last_id = max(self._last_id + 1, 1)
        return self._last_id

    def new_revision(self) -> int:
        """A number that nothing here ever had: the time, or the next one."""
        self._last_revision = max(self._last_revision + 1, wall_us())
        return self._last_revision

    def alarms(self, deployment: str) -> list[Alarm]:
        """The open alarms of a deployment."""
        rows = self._database.execute("SELECT record FROM alarms WHERE deployment = ?", (deployment,)).fetchall()
        return [alarm_from(json.loads(record)) for (record,) in rows]

    def shelves(self, deployment: str) -> dict[str, Shelf]:
        """What is shelved, by the key of the alarm."""
        rows = self._database.execute("SELECT key, until_us, by FROM shelves WHERE deployment = ?", (deployment,))
        return {key: Shelf(until_us, by) for key, until_us, by in rows}

    def made(self, deployment: str, kind: str) -> list[Made]:
        """What people have made of a kind, by name."""
        rows = self._database.execute(
            "SELECT name, content, by, revision FROM made WHERE deployment = ? AND kind = ? ORDER BY name",
            (deployment, kind),
        )
        return [Made(name, json.loads(content), by, revision) for name, content, by, revision in rows]

    def keep(
        self,
        deployment: str,
        alarms: Iterable[Alarm] = (),
        entries: Iterable[Entry] = (),
        shelves: Iterable[tuple[str, Shelf | None]] = (),
        made: Iterable[tuple[str, str, Made | None]] = (),
        notices: Iterable[Addressed] = (),
    ) -> None:
        """Keeps all of this or nothing: alarms (closed ones go), entries of the history, shelves by key, what was
        made, by kind and name, and notices; `None` removes. Raises `StoreFault`.
        """
        with self._transaction() as database:
            self._put_alarms(database, deployment, alarms)
            self._put_made(database, deployment, shelves, made)
            added = self._put_entries(database, deployment, entries)
            rows = [(one.id, receiver, json.dumps(one, ensure_ascii=False)) for receiver, one in notices]
            database.executemany("INSERT INTO notices (id, receiver, record) VALUES (?, ?, ?)", rows)
        self._entries = min(self._entries + added, MAX_HISTORY)

    @staticmethod
    def _put_alarms(database: sqlite3.Connection, deployment: str, alarms: Iterable[Alarm]) -> None:
        for alarm in alarms:
            if alarm.state == "closed":
                database.execute("DELETE FROM alarms WHERE id = ?", (alarm.id,))
            else:
                record = json.dumps(vars(alarm), ensure_ascii=False)
                database.execute("INSERT OR REPLACE INTO alarms VALUES (?, ?, ?)", (alarm.id, deployment, record))

    @staticmethod
    def _put_made(
        database: sqlite3.Connection, deployment: str, shelves: Iterable[tuple[str, Shelf | None]],
        made: Iterable[tuple[str, str, Made | None]],
    ) -> None:  # fmt: skip
        for key, shelf in shelves:
            if shelf is None:
                database.execute("DELETE FROM shelves WHERE deployment = ? AND key = ?", (deployment, key))
            else:
                database.execute("INSERT OR REPLACE INTO shelves VALUES (?, ?, ?, ?)", (deployment, key, *shelf))
        for kind, name, one in made:
            if kind == LIMITS:
                content, by = (None, "") if one is None else (json.dumps(one.content, ensure_ascii=False), one.by)
                database.execute(
                    "INSERT INTO past_limits (deployment, name, time_us, content, by) VALUES (?, ?, ?, ?, ?)",
                    (deployment, name, wall_us(), content, by),
                )
                database.execute(
                    "DELETE FROM past_limits WHERE number <= (SELECT max(number) FROM past_limits) - ?",
                    (MAX_PAST_LIMITS,),
                )
            if one is None:
                database.execute(
                    "DELETE FROM made WHERE deployment = ? AND kind = ? AND name = ?", (deployment, kind, name)
                )
            else:
                database.execute(
                    "INSERT OR REPLACE INTO made VALUES (?, ?, ?, ?, ?, ?)",
                    (deployment, kind, name, json.dumps(one.content, ensure_ascii=False), one.by, one.revision),
                )

    def _put_entries(self, database: sqlite3.Connection, deployment: str, entries: Iterable[Entry]) -> int:
        rows = [
            (one.time_us, deployment, one.alarm, one.action, one.kind, one.source, one.level, one.by, one.text)
            for one in entries
        ]
        database.executemany(
            "INSERT INTO history (time_us, deployment, alarm, action, kind, source, level, by, text)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        surplus = self._entries + len(rows) - MAX_HISTORY
        if surplus > 0:
            database.execute("DELETE FROM history WHERE id IN (SELECT id FROM history ORDER BY id LIMIT ?)", (surplus,))
        return len(rows)

    def past_limits(self, deployment: str, start_us: int, end_us: int) -> list[PastLimits]:
        """The changes of limits with start <= time < end, in their order."""
        rows = self._database.execute(
            "SELECT time_us, name, content, by FROM past_limits"
            " WHERE deployment = ? AND time_us >= ? AND time_us < ? ORDER BY number",
            (deployment, start_us, end_us),
        ).fetchall()
        return [
            PastLimits(at_us, name, None if content is None else Made(name, json.loads(content), by, at_us))
            for at_us, name, content, by in rows
        ]

    # What nobody has been told yet

    def notices(self, receiver: str) -> tuple[list[Notice], int]:
        """The notices that wait for a receiver, the oldest first, and how many were left out before them."""
        query = "SELECT record FROM notices WHERE receiver = ? ORDER BY number"
        found = [Notice(*json.loads(record)) for (record,) in self._database.execute(query, (receiver,)).fetchall()]
        row = self._database.execute("SELECT count FROM left_out WHERE receiver = ?", (receiver,)).fetchone()
        return found, 0 if row is None else int(row[0])

    def end_notices(self, receiver: str, ids: Iterable[str], left_out: int) -> None:
        """Some wait no more; so many were left out of which the receiver does not know yet. Raises `StoreFault`."""
        with self._transaction() as database:
            database.executemany("DELETE FROM notices WHERE id = ?", [(one,) for one in ids])
            database.execute("INSERT OR REPLACE INTO left_out VALUES (?, ?)", (receiver, left_out))

    def end_receivers(self, known: Iterable[str]) -> dict[str, int]:
        """Forgets what waits for receivers that there are no more; gives how much of each. Raises `StoreFault`."""
        names = list(known)
        marks = ", ".join("?" * len(names))
        with self._transaction() as database:
            query = f"SELECT receiver, count(*) FROM notices WHERE receiver NOT IN ({marks}) GROUP BY receiver"
            found = {name: int(count) for name, count in database.execute(query, names).fetchall()}
            for table in ("notices", "left_out"):
                database.execute(f"DELETE FROM {table} WHERE receiver NOT IN ({marks})", names)
        return found

    def history(
        self, deployment: str, *, source: str = "", levels: Iterable[str] = (), action: str = "", start_us: int = 0,
        end_us: int = 1 << 62, before: int | None = None, limit: int = 100,
    ) -> list[Entry]:  # fmt: skip
        """The newest entries, the newest first: of sources that match a pattern, of some levels, and so on."""
        where, values = "deployment = ? AND time_us >= ? AND time_us < ?", [deployment, start_us, end_us]
        chosen = list(levels)
        conditions: list[tuple[str, list[Any]]] = []
        if source:
            conditions.append(("source GLOB ?", [source.replace("[", "[[]")]))
        if chosen:
            conditions.append((f"level IN ({', '.join('?' * len(chosen))})", chosen))
        if action:
            conditions.append(("action = ?", [action]))
        if before is not None:
            conditions.append(("id < ?", [before]))
        for condition, more in conditions:
            where += f" AND {condition}"
            values += more
        rows = self._database.execute(
            "SELECT time_us, alarm, action, kind, source, level, by, text, id FROM history"
            f" WHERE {where} ORDER BY id DESC LIMIT ?",
            (*values, limit),
        ).fetchall()
        return [Entry(*row) for row in rows]
