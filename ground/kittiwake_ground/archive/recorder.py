"""Turns what is put into the archive to rows, in the writer's thread and within the writer's transactions."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import TYPE_CHECKING

from kittiwake_ground.archive.records import MAX_SEQUENCE_FILES
from kittiwake_ground.archive.sampling import SampleWriter
from kittiwake_ground.archive.tags import row_time
from kittiwake_ground.archive.values import json_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kittiwake_ground.archive.records import (
        ArchivedCommand,
        ArchivedFile,
        ChannelDeclaration,
        Frame,
        NewEvent,
        SequenceFile,
    )
    from kittiwake_ground.archive.sampling import NewSample

_INSERT_EVENT = """
INSERT INTO events (deployment, time_us, base, device_us, received_us, name, severity, text, arguments)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_STEP = """
INSERT INTO command_states
SELECT id, (SELECT count(*) FROM command_states WHERE command = id), ?, ?, ?, ? FROM commands WHERE id = ?
"""

UNFIT = (
    TypeError, ValueError, ArithmeticError, AttributeError, LookupError, RecursionError,
    sqlite3.InterfaceError, sqlite3.DataError, sqlite3.IntegrityError, sqlite3.ProgrammingError,
)  # fmt: skip
"""What Python and SQLite raise for things that no column can hold."""


class Recorder:
    """Writes things through one connection, and counts them.

    A thing that does not fit raises one of `UNFIT`, and the caller rolls back. When it writes again with `careful` set,
    each sample, event and frame stands on its own: those that do not fit are counted as rejected, the others stay.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.sampling = SampleWriter(connection)
        self.careful = False
        self.events_written = 0
        self.frames_written = 0
        self.rejected = 0
        self._deployments: dict[str, int] = {}

    def forget(self) -> None:
        """Drops what is remembered of the tables, after a transaction that failed."""
        self._deployments.clear()
        self.sampling.forget()

    def counts(self) -> tuple[int, ...]:
        """What was counted so far, for `restore`."""
        sampling = self.sampling
        here = (self.events_written, self.frames_written, self.rejected)
        return (*here, sampling.written, sampling.duplicates, sampling.expired)

    def restore(self, counts: tuple[int, ...]) -> None:
        """Counts as before the transaction that failed, and forgets it."""
        self.events_written, self.frames_written, self.rejected, *rest = counts
        self.sampling.written, self.sampling.duplicates, self.sampling.expired = rest
        self.forget()

    def deployment(self, name: str) -> int:
        """The number of a deployment, which is made if it is new."""
        found = self._deployments.get(name)
        if found is None:
            execute = self.connection.execute
            execute("INSERT INTO deployments (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
            found = int(execute("SELECT id FROM deployments WHERE name = ?", (name,)).fetchone()[0])
            self._deployments[name] = found
        return found

    def finish(self) -> None:
        """Writes what was only prepared so far."""
        self.sampling.write()

    def attempt(self, write: Callable[[], None], count: int) -> None:
        """Writes something by itself; if it does not fit it leaves no trace, and `count` items are rejected."""
        # What stands prepared must not fall with it.
        self.sampling.write()
        self.connection.execute("SAVEPOINT attempt")
        try:
            write()
            self.sampling.write()
        except UNFIT:
            self.connection.execute("ROLLBACK TO attempt")
            self.forget()
            self.rejected += count
        self.connection.execute("RELEASE attempt")

    def samples(self, deployment: str, samples: Sequence[NewSample]) -> None:
        """Writes samples."""
        id = self.deployment(deployment)
        if not self.careful:
            self.sampling.add(id, samples)
            return
        for sample in samples:
            self.attempt(partial(self.sampling.add, id, [sample]), 1)

    def events(self, deployment: str, events: Sequence[NewEvent]) -> None:
        """Writes events."""
        if self.careful and len(events) > 1:
            for event in events:
                self.attempt(partial(self.events, deployment, [event]), 1)
            return
        id = self.deployment(deployment)
        rows = [
            (id, *_times(event), event.name, event.severity, event.text, json_text(event.arguments)) for event in events
        ]
        self.connection.executemany(_INSERT_EVENT, rows)
        self.events_written += len(rows)

    def frames(self, deployment: str, frames: Sequence[Frame]) -> None:
        """Writes raw frames."""
        id = self.deployment(deployment)
        rows = [(id, frame.received_us, frame.direction, frame.bytes) for frame in frames]
        self.connection.executemany(
            "INSERT INTO frames (deployment, received_us, direction, bytes) VALUES (?, ?, ?, ?)", rows
        )
        self.frames_written += len(rows)

    def command(self, command: ArchivedCommand) -> None:
        """Writes a command and the steps of its life so far."""
        self.connection.execute(
            "INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                command.id, self.deployment(command.deployment), command.name, command.opcode,
                json_text(command.arguments), command.by, command.created_us, command.state, command.response,
            ),
        )  # fmt: skip
        for step in command.steps:
            self.command_step(command.id, *step)

    def command_step(self, id: int, state: str, at_us: int, by: str, response: str) -> None:
        """Writes the next step in a command's life."""
        self.connection.execute(_INSERT_STEP, (state, at_us, by, response, id))
        self.connection.execute("UPDATE commands SET state = ?, response = ? WHERE id = ?", (state, response, id))

    def file(self, file: ArchivedFile) -> None:
        """Writes a transfer."""
        self.connection.execute(
            "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (file.id, self.deployment(file.deployment), *file[2:]),
        )

    def file_state(self, id: int, state: str, at_us: int, size: int | None, crc: int | None, reason: str) -> None:
        """Writes what became of a transfer; a size or checksum of `None` leaves the one that is there."""
        self.connection.execute(
            "UPDATE files SET state = ?, updated_us = ?, size = coalesce(?, size), crc = coalesce(?, crc), reason = ?"
            " WHERE id = ?",
            (state, at_us, size, crc, reason, id),
        )

    def declare(
        self, deployment: str, dictionary_hash: str, channels: Iterable[ChannelDeclaration], at_us: int
    ) -> None:
        """Writes what a dictionary says of channels; one that was declared before is now the last one declared."""
        id = self.deployment(deployment)
        rows = [
            (self.sampling.channel_id(id, channel.name), dictionary_hash, channel.type, channel.unit, at_us)
            for channel in channels
        ]
        self.connection.executemany("INSERT OR REPLACE INTO channel_types VALUES (?, ?, ?, ?, ?)", rows)

    def link_state(self, deployment: str, state: str, reason: str, at_us: int) -> None:
        """Writes a state of a link."""
        self.connection.execute(
            "INSERT INTO link_states (deployment, at_us, state, reason) VALUES (?, ?, ?, ?)",
            (self.deployment(deployment), at_us, state, reason),
        )

    def sequence_file(self, deployment: str, path: str, file: SequenceFile | None) -> None:
        """Writes what a sequence file holds, or removes what was known of it; the first seen of too many go."""
        id, execute = self.deployment(deployment), self.connection.execute
        execute("DELETE FROM sequence_files WHERE deployment = ? AND path = ?", (id, path))
        if file is None:
            return
        row = (id, path, file.size, file.crc, file.steps, json_text(file.commands), file.seen_us)
        execute("INSERT INTO sequence_files VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        execute(
            "DELETE FROM sequence_files WHERE deployment = ?1 AND path IN (SELECT path FROM sequence_files"
            " WHERE deployment = ?1 ORDER BY seen_us DESC, path LIMIT -1 OFFSET ?2)",
            (id, MAX_SEQUENCE_FILES),
        )

    def loss(self, deployment: str, what: str, count: int, at_us: int) -> None:
        """Writes that something was lost."""
        self.connection.execute(
            "INSERT INTO losses (deployment, at_us, what, count) VALUES (?, ?, ?, ?)",
            (self.deployment(deployment), at_us, what, count),
        )


def _times(event: NewEvent) -> tuple[int, int, int | None, int]:
    return (*row_time(event.tag, event.received_us), event.received_us)
