"""Questions to the archive. All times are [start, end) in microseconds, by the rows' times (see `tags`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kittiwake_ground.archive import moments, replacing
from kittiwake_ground.archive.buckets import LAST_US, read_buckets
from kittiwake_ground.archive.opening import DATABASE
from kittiwake_ground.archive.readers import Readers
from kittiwake_ground.archive.records import (
    ArchivedChannel,
    ArchivedCommand,
    ArchivedEvent,
    ArchivedFile,
    Buckets,
    CommandStep,
    Frame,
    LinkStep,
    Loss,
    Sample,
    SequenceFile,
)
from kittiwake_ground.archive.tags import tag_of
from kittiwake_ground.archive.values import CONSTANT, decode, member, split_member

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from kittiwake_ground.archive.replacing import Replacement

MAX_ROWS = 100_000
"""Rows that one query gives at the most."""

QUERY_LIMIT_S = 10.0
_PAGE_ROWS = 10_000

_SAMPLE_COLUMNS = "time_us, position, base, device_us, received_us, kind, number, text"
_LATEST = f"""
SELECT channels.name, {_SAMPLE_COLUMNS} FROM channels JOIN samples ON samples.channel = channels.id
WHERE deployment = ? AND (time_us, position) = (
    SELECT time_us, position FROM samples WHERE channel = channels.id AND time_us >= ? AND time_us < ?
    ORDER BY time_us DESC, position DESC LIMIT 1
) ORDER BY channels.name
"""
# The order of the join is ours: a thousand short looks into the samples, and none through all of them.
_SPAN = f"""
SELECT channels.name, {_SAMPLE_COLUMNS} FROM channels CROSS JOIN samples ON samples.channel = channels.id
WHERE deployment = ? AND time_us >= ? AND time_us < ? LIMIT ?
"""
_STEPPED = """
SELECT commands.id, deployments.name, commands.name, opcode, arguments, by, created_us, state, response
FROM commands JOIN deployments ON deployments.id = deployment
WHERE deployment = ? AND commands.id IN (SELECT command FROM command_states WHERE at_us >= ? AND at_us < ?)
ORDER BY commands.id LIMIT ?
"""
_CHANNELS = """
SELECT name, coalesce(type, ''), coalesce(unit, ''), coalesce(dictionary_hash, '')
FROM channels LEFT JOIN channel_types ON channel = id AND declared_us = (
    SELECT max(declared_us) FROM channel_types WHERE channel = id
) WHERE deployment = ? GROUP BY id ORDER BY name
"""


class UnknownChannel(LookupError):
    """The archive has no such deployment or channel."""

    def __init__(self, deployment: str, channel: str = "") -> None:
        self.deployment = deployment
        self.channel = channel
        what = f"nothing of a channel {channel!r} of {deployment!r}" if channel else f"nothing of {deployment!r}"
        super().__init__(f"the archive holds {what}")


class History:
    """Reads an archive, also while another process writes it. Safe to use from any thread.

    Every query sees one state of the database, and raises `QueryTooLong` if it takes longer than ten seconds. What the
    archive does not know has no rows; only where a name decides what is read does it raise `UnknownChannel`.
    """

    def __init__(self, folder: Path, query_limit_s: float = QUERY_LIMIT_S) -> None:
        """The database must be there by the first query."""
        self._readers = Readers(folder / DATABASE, query_limit_s)

    def close(self) -> None:
        """Closes the connections."""
        self._readers.close()

    def deployments(self) -> list[str]:
        """The names of the deployments."""
        with self._readers.reading() as connection:
            return [
                name for (name,) in connection.execute("SELECT name FROM deployments WHERE name != '' ORDER BY name")
            ]

    def channels(self, deployment: str) -> list[ArchivedChannel]:
        """The channels of a deployment, by name."""
        with self._readers.reading() as connection:
            found = connection.execute(_CHANNELS, (_deployment(connection, deployment),))
            return [ArchivedChannel(*row) for row in found.fetchall()]

    def samples(
        self,
        deployment: str,
        channel: str,
        start_us: int = 0,
        end_us: int = LAST_US,
        limit: int = MAX_ROWS,
        after: tuple[int, int] | None = None,
    ) -> list[Sample]:
        """Samples of a channel, or of a member of it (`Channel[3]`, `Channel.member`), oldest first.

        `after` goes on behind the sample with that time and position. Raises `UnknownChannel`.
        """
        with self._readers.reading() as connection:
            id, path = _channel(connection, deployment, channel)
            rows = connection.execute(
                f"SELECT {_SAMPLE_COLUMNS} FROM samples WHERE channel = ? AND time_us >= ? AND time_us < ?"
                " AND (time_us, position) > (?, ?)"
                " ORDER BY time_us, position LIMIT ?",
                (id, start_us, min(end_us, LAST_US), *(after or (start_us, -1)), _bounded(limit)),
            ).fetchall()
        found = [_sample(row) for row in rows]
        return found if not path else [sample._replace(value=member(sample.value, path)) for sample in found]

    def pages(self, deployment: str, channel: str, start_us: int, end_us: int) -> Iterator[list[Sample]]:
        """All samples of a channel, as `samples` gives them, in pieces of bounded size. Raises `UnknownChannel`."""
        after: tuple[int, int] | None = None
        while page := self.samples(deployment, channel, start_us, end_us, _PAGE_ROWS, after):
            yield page
            after = (page[-1].time_us, page[-1].position)

    def buckets(self, deployment: str, channel: str, start_us: int, end_us: int, count: int) -> Buckets:
        """At most `count` (2 to 10,000) buckets of a channel's numbers, or of those of a member.

        Buckets begin at multiples of their width, and the first and the last hold only what is within [start, end).
        Text has no buckets, and NaN is left out. Members are read from the samples: ask for short times. Raises
        `UnknownChannel`, and `ValueError` for another count.
        """
        with self._readers.reading() as connection:
            id, path = _channel(connection, deployment, channel)
            return read_buckets(connection, id, path, start_us, end_us, count)

    def latest(self, deployment: str, start_us: int = 0, end_us: int = LAST_US) -> dict[str, Sample]:
        """The newest sample of each channel of a deployment, of those in [start, end)."""
        with self._readers.reading() as connection:
            found = (_deployment(connection, deployment), start_us, min(end_us, LAST_US))
            rows = connection.execute(_LATEST, found).fetchall()
        return {name: _sample(row) for name, *row in rows}

    def span(self, deployment: str, start_us: int, end_us: int, limit: int) -> list[tuple[str, Sample]] | None:
        """The samples of all channels in [start, end), each with its channel, in the order of their times.

        `None` if there are more than `limit`: then `latest` says how it stands at the end.
        """
        with self._readers.reading() as connection:
            found = (_deployment(connection, deployment), start_us, end_us, _bounded(limit) + 1)
            rows = connection.execute(_SPAN, found).fetchall()
        if len(rows) > limit:
            return None
        rows.sort(key=lambda row: (row[1], row[2]))
        return [(name, _sample(row)) for name, *row in rows]

    def changes(self, deployment: str, channel: str, start_us: int, end_us: int, limit: int = 1_000) -> list[Sample]:
        """How a channel stood at the start, and its samples in [start, end) that say another thing than the one before.

        Raises `UnknownChannel`.
        """
        with self._readers.reading() as connection:
            id, _ = _channel(connection, deployment, channel)
            end_us = min(end_us, LAST_US)
            rows = moments.changes(connection, id, _SAMPLE_COLUMNS, start_us, end_us, _bounded(limit))
        return [_sample(row) for row in rows]

    def event_counts(self, deployment: str, start_us: int, end_us: int, width_us: int) -> list[tuple[int, str, int]]:
        """How many events of each severity begin in stretches of `width_us`: their start, the severity, the number."""
        with self._readers.reading() as connection:
            id = _deployment(connection, deployment)
            return moments.event_counts(connection, id, start_us, min(end_us, LAST_US), width_us)

    def link_states(
        self, deployment: str, start_us: int = 0, end_us: int = LAST_US, limit: int = 1_000
    ) -> list[LinkStep]:
        """How a link stood in [start, end), oldest first: the state that it began with, and those that came."""
        with self._readers.reading() as connection:
            id = _deployment(connection, deployment)
            return moments.link_states(connection, id, start_us, min(end_us, LAST_US), _bounded(limit))

    def command_steps(self, deployment: str, start_us: int, end_us: int, limit: int = 1_000) -> list[ArchivedCommand]:
        """The commands that went a step on in [start, end), with their lives before `end_us`, oldest first."""
        with self._readers.reading() as connection:
            id = _deployment(connection, deployment)
            rows = connection.execute(_STEPPED, (id, start_us, min(end_us, LAST_US), _bounded(limit))).fetchall()
            return [moments.cut_life(_command(connection, row), end_us) for row in rows]

    def events(
        self,
        deployment: str,
        *,
        severities: Collection[str] = (),
        name: str = "",
        text: str = "",
        start_us: int = 0,
        end_us: int = LAST_US,
        limit: int = 1_000,
        before: tuple[int, int] | None = None,
    ) -> list[ArchivedEvent]:
        """Events, newest first.

        `severities` are F´'s words; `name` is a pattern with `*` and `?`; `text` occurs in the message, in whatever
        case; `before` goes on behind the event with that time and id.
        """
        with self._readers.reading() as connection:
            query = _Query("time_us >= ? AND time_us < ?", start_us, min(end_us, LAST_US))
            query.add("deployment = ?", _deployment(connection, deployment))
            if severities:
                query.add(f"severity IN ({', '.join('?' * len(severities))})", *severities)
            query.add_glob("name", name)
            if text:
                query.add("text LIKE ? ESCAPE '\\'", f"%{_escaped(text)}%")
            if before is not None:
                query.add("(time_us, id) < (?, ?)", *before)
            rows = connection.execute(
                "SELECT id, time_us, base, device_us, received_us, name, severity, text, arguments FROM events"
                f" WHERE {query.where} ORDER BY time_us DESC, id DESC LIMIT ?",
                (*query.values, _bounded(limit)),
            ).fetchall()
        return [_event(row) for row in rows]

    def commands(
        self,
        deployment: str = "",
        *,
        states: Collection[str] = (),
        name: str = "",
        start_us: int = 0,
        end_us: int = LAST_US,
        limit: int = 1_000,
        before: int | None = None,
    ) -> list[ArchivedCommand]:
        """Commands with their lives, newest first, by the time they were created; of all deployments without a name.

        `name` is a pattern with `*` and `?`; `before` goes on behind the command with that id.
        """
        with self._readers.reading() as connection:
            query = _Query("created_us >= ? AND created_us < ?", start_us, min(end_us, LAST_US))
            if deployment:
                query.add("deployment = ?", _deployment(connection, deployment))
            if states:
                query.add(f"state IN ({', '.join('?' * len(states))})", *states)
            query.add_glob("commands.name", name)
            if before is not None:
                query.add("commands.id < ?", before)
            rows = connection.execute(
                "SELECT commands.id, deployments.name, commands.name, opcode, arguments, by, created_us, state,"
                " response FROM commands JOIN deployments ON deployments.id = deployment"
                f" WHERE {query.where} ORDER BY commands.id DESC LIMIT ?",
                (*query.values, _bounded(limit)),
            ).fetchall()
            return [_command(connection, row) for row in rows]

    def files(
        self,
        deployment: str = "",
        *,
        start_us: int = 0,
        end_us: int = LAST_US,
        limit: int = 1_000,
        before: int | None = None,
    ) -> list[ArchivedFile]:
        """Transfers by the time that they began, newest first; of all deployments without a name."""
        with self._readers.reading() as connection:
            query = _Query("files.id < ?", LAST_US if before is None else before)
            query.add("created_us >= ? AND created_us < ?", start_us, min(end_us, LAST_US))
            if deployment:
                query.add("deployment = ?", _deployment(connection, deployment))
            rows = connection.execute(
                "SELECT files.id, deployments.name, direction, source, destination, size, crc, state, reason, by,"
                " created_us, updated_us, way, sha256 FROM files JOIN deployments ON deployments.id = deployment"
                f" WHERE {query.where} ORDER BY files.id DESC LIMIT ?",
                (*query.values, _bounded(limit)),
            ).fetchall()
        return [ArchivedFile(*row) for row in rows]

    def has_file(self, deployment: str, created_us: int) -> bool:
        """Whether a transfer of a deployment is kept that began at this time."""
        with self._readers.reading() as connection:
            found = connection.execute(
                "SELECT 1 FROM files JOIN deployments ON deployments.id = deployment"
                " WHERE deployments.name = ? AND created_us = ? LIMIT 1",
                (deployment, created_us),
            ).fetchone()
        return found is not None

    def sequence_files(self, deployment: str) -> list[SequenceFile]:
        """What the sequence files of a deployment hold as far as it is known, the one seen first first."""
        with self._readers.reading() as connection:
            rows = connection.execute(
                "SELECT path, size, crc, steps, commands, seen_us FROM sequence_files"
                " JOIN deployments ON deployments.id = deployment WHERE deployments.name = ? ORDER BY seen_us, path",
                (deployment,),
            ).fetchall()
        return [
            SequenceFile(path, size, crc, steps, tuple(json.loads(commands)), seen_us)
            for path, size, crc, steps, commands, seen_us in rows
        ]

    def frames(
        self, deployment: str, start_us: int = 0, end_us: int = LAST_US, limit: int = 1_000, direction: str = ""
    ) -> list[Frame]:
        """Raw frames by the time they were received or sent, oldest first."""
        with self._readers.reading() as connection:
            query = _Query("received_us >= ? AND received_us < ?", start_us, min(end_us, LAST_US))
            query.add("deployment = ?", _deployment(connection, deployment))
            if direction:
                query.add("direction = ?", direction)
            rows = connection.execute(
                f"SELECT received_us, direction, bytes FROM frames WHERE {query.where}"
                " ORDER BY received_us, id LIMIT ?",
                (*query.values, _bounded(limit)),
            ).fetchall()
        return [Frame(*row) for row in rows]

    def replaced(
        self, deployment: str, replacement: Replacement
    ) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]], int]:
        """The rows of samples and of events that a replacement is for, and the horizon of samples."""
        with self._readers.reading() as connection:
            id = _deployment(connection, deployment)
            horizon = connection.execute(
                "SELECT time_us FROM horizons WHERE deployment = ? AND what = 'samples'", (id,)
            ).fetchone()
            samples = replacing.sample_rows(connection, id, replacement)
            return samples, replacing.event_rows(connection, id, replacement), horizon[0] if horizon else 0

    def losses(self, deployment: str, start_us: int = 0, end_us: int = LAST_US, limit: int = 1_000) -> list[Loss]:
        """What the archive could not take, by the time that it was noted, oldest first.

        Steps of commands and transfers that were lost stand under the empty name.
        """
        with self._readers.reading() as connection:
            rows = connection.execute(
                "SELECT at_us, what, count FROM losses WHERE deployment = ? AND at_us >= ? AND at_us < ?"
                " ORDER BY at_us, id LIMIT ?",
                (_deployment(connection, deployment), start_us, min(end_us, LAST_US), _bounded(limit)),
            ).fetchall()
        return [Loss(*row) for row in rows]


class _Query:
    """The conditions of a query, and their values."""

    def __init__(self, where: str, *values: Any) -> None:
        self.where = where
        self.values = list(values)

    def add(self, condition: str, *values: Any) -> None:
        """One more condition that must hold."""
        self.where += f" AND {condition}"
        self.values += values

    def add_glob(self, column: str, pattern: str) -> None:
        """The column must match a pattern with `*` and `?`; an empty one matches all."""
        if pattern:
            self.add(f"{column} GLOB ?", pattern.replace("[", "[[]"))


def _bounded(limit: int) -> int:
    if not 1 <= limit <= MAX_ROWS:
        raise ValueError(f"1 to {MAX_ROWS} rows can be asked for, not {limit}")
    return limit


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _deployment(connection: sqlite3.Connection, name: str) -> int:
    """The number of a deployment, or 0, which none has."""
    row = connection.execute("SELECT id FROM deployments WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])


def _channel(connection: sqlite3.Connection, deployment: str, address: str) -> tuple[int, str]:
    """The number of the channel that is meant, and the JSON path of the member, or an empty one."""
    id = _deployment(connection, deployment)
    if not id:
        raise UnknownChannel(deployment)
    for name, path in split_member(address):
        row = connection.execute("SELECT id FROM channels WHERE deployment = ? AND name = ?", (id, name)).fetchone()
        if row is not None:
            return int(row[0]), path
    raise UnknownChannel(deployment, address)


def _sample(row: Any) -> Sample:
    time_us, position, base, device_us, received_us, kind, number, text = row
    name = text if kind == CONSTANT else ""
    return Sample(time_us, position, tag_of(time_us, base, device_us), received_us, decode(kind, number, text), name)


def _event(row: tuple[Any, ...]) -> ArchivedEvent:
    id, time_us, base, device_us, received_us, name, severity, text, arguments = row
    tag = tag_of(time_us, base, device_us)
    return ArchivedEvent(id, time_us, tag, received_us, name, severity, text, json.loads(arguments))


def _command(connection: sqlite3.Connection, row: tuple[Any, ...]) -> ArchivedCommand:
    id, deployment, name, opcode, arguments, by, created_us, state, response = row
    steps = connection.execute(
        "SELECT state, at_us, by, response FROM command_states WHERE command = ? ORDER BY step", (id,)
    )
    life = tuple([CommandStep(*step) for step in steps])
    return ArchivedCommand(id, deployment, name, opcode, json.loads(arguments), by, created_us, state, response, life)
