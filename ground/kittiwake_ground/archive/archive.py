"""The archive: what deployments said and were told, in one SQLite database that one thread writes."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from kittiwake_ground.archive import export, replacing
from kittiwake_ground.archive.buckets import LAST_US
from kittiwake_ground.archive.history import QUERY_LIMIT_S, History
from kittiwake_ground.archive.intake import Entry, Intake
from kittiwake_ground.archive.opening import DATABASE, lock_folder, open_writer
from kittiwake_ground.archive.recorder import Recorder
from kittiwake_ground.archive.records import (
    COMMAND_STATES,
    DIRECTIONS,
    FILE_STATES,
    ArchivedCommand,
    ArchivedFile,
    CommandStep,
    Frame,
    Statistics,
)
from kittiwake_ground.archive.retention import Retention
from kittiwake_ground.archive.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from kittiwake_ground.archive.records import ChannelDeclaration, NewEvent, SequenceFile
    from kittiwake_ground.archive.replacing import Replacement
    from kittiwake_ground.archive.sampling import NewSample

CAPACITY = 200_000
"""Items that may wait to be written."""

COMMIT_INTERVAL_S = 0.7
"""How long an item waits for others before all are committed; with the time that a commit takes, below a second."""

FLUSH_TIMEOUT_S = 30.0
REPLACE_WAIT_S = 10.0
"""How long a replacement waits for room in the queue."""


class ArchiveFault(OSError):
    """The archive could not be opened, or could not write what it was given; the message says why."""


def wall_us() -> int:
    """The ground's time in microseconds since the Unix epoch."""
    return time.time_ns() // 1_000


class Archive(History):
    """Writes and reads the archive in a folder; a context manager. Safe to use from any thread.

    What is put in does not wait, and is committed within a second; a kill loses no more than that. If the queue is full
    the whole batch is refused (`False`), and its size noted in the archive as a loss. The lists given belong to the
    archive from then on. `quarantined` is where a broken database was put that stood in the folder, or `None`.
    """

    def __init__(
        self,
        folder: Path,
        retention: Retention | None = None,
        clock: Callable[[], int] = wall_us,
        *,
        capacity: int = CAPACITY,
        commit_interval_s: float = COMMIT_INTERVAL_S,
        query_limit_s: float = QUERY_LIMIT_S,
    ) -> None:
        """Opens the archive, or makes one. `clock` gives the ground's time in us since the Unix epoch.

        Raises `ArchiveInUse`, `ArchiveTooNew`, `NotAnArchive`, `OSError`, and `ArchiveFault` for a database that cannot
        be opened, as on a disk that is full.
        """
        super().__init__(folder, query_limit_s)
        self._clock = clock
        self._ids = threading.Lock()
        self._lock_file = lock_folder(folder)
        try:
            connection, self.quarantined = open_writer(folder / DATABASE, clock())
            self._last_command, self._last_file = (
                int(connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0])
                for table in ("commands", "files")
            )
        except sqlite3.Error as fault:
            os.close(self._lock_file)
            raise ArchiveFault(f"{folder / DATABASE}: {fault}") from None
        except BaseException:
            os.close(self._lock_file)
            raise
        self._intake = Intake(capacity, commit_interval_s)
        self._writer = Writer(connection, self._intake, retention or Retention(), clock)
        self._writer.start()
        self._closed = False

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Writes what waits, and closes. Raises `ArchiveFault` if that failed; what waited is lost then."""
        if self._closed:
            return
        self._closed = True
        self._intake.close()
        super().close()
        self._writer.join()
        os.close(self._lock_file)
        lost = self._writer.lost + self._intake.queued
        if lost:
            raise ArchiveFault(f"{lost} items could not be archived: {self._writer.fault}")

    def flush(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Returns when all that was put in before is committed. Raises `ArchiveFault` if that takes too long."""
        if not self._intake.flush(timeout_s):
            raise ArchiveFault(f"the archive did not write within {timeout_s:g} s: {self._writer.fault or 'busy'}")

    def sweep(self, timeout_s: float = FLUSH_TIMEOUT_S) -> None:
        """Has retention run now, as it does each minute, and waits for it. Raises `ArchiveFault`."""
        if not self._writer.sweep(timeout_s):
            raise ArchiveFault(f"retention did not end within {timeout_s:g} s: {self._writer.fault or 'busy'}")
        if self._writer.fault:
            raise ArchiveFault(self._writer.fault)

    @property
    def statistics(self) -> Statistics:
        """What was written since the archive was opened, and what hinders it."""
        recorder = self._writer.recorder
        return Statistics(
            recorder.sampling.written,
            recorder.events_written,
            recorder.frames_written,
            recorder.sampling.duplicates,
            recorder.sampling.expired,
            self._intake.dropped,
            recorder.rejected + self._writer.lost,
            self._writer.commits,
            self._intake.queued,
            self._writer.fault,
        )

    @property
    def is_behind(self) -> bool:
        """Whether so much waits to be written that it would help to pause; not where writing fails altogether."""
        return self._intake.half_full and not self._writer.fault

    def _put(
        self, deployment: str, what: str, count: int, write: Callable[[Recorder], None], wait_s: float = 0.0
    ) -> bool:
        reserved = what not in ("samples", "frames")
        return self._intake.put(Entry(deployment, what, count, write), reserved, wait_s)

    def add_samples(self, deployment: str, samples: Sequence[NewSample], wait_s: float = 0.0) -> bool:
        """Takes samples (channel's name, tag, received_us, value); `wait_s` is how long to wait for room.

        Values are typed as the decoder gives them, or plain JSON. The same tag and value of a channel again is one
        sample.
        """
        return not samples or self._put(
            deployment,
            "samples",
            len(samples),
            partial(Recorder.samples, deployment=deployment, samples=samples),
            wait_s,
        )

    def add_events(self, deployment: str, events: Sequence[NewEvent]) -> bool:
        """Takes events; each is kept, also where two are alike."""
        return not events or self._put(
            deployment, "events", len(events), partial(Recorder.events, deployment=deployment, events=events)
        )

    def add_frames(self, deployment: str, frames: Sequence[Frame], wait_s: float = 0.0) -> bool:
        """Takes raw frames."""
        return not frames or self._put(
            deployment, "frames", len(frames), partial(Recorder.frames, deployment=deployment, frames=frames), wait_s
        )

    def replace(self, deployment: str, replacement: Replacement) -> bool:
        """Takes what takes the place of rows that are there: all of it is in one transaction, the old or the new."""
        count = len(replacement.samples) + len(replacement.events) + 1
        return self._put(
            deployment,
            "replacements",
            count,
            partial(replacing.replace, deployment=deployment, new=replacement),
            REPLACE_WAIT_S,
        )

    def declare(self, deployment: str, dictionary_hash: str, channels: Sequence[ChannelDeclaration]) -> bool:
        """Takes what a deployment's dictionary says of its channels."""
        write = partial(
            Recorder.declare, deployment=deployment, dictionary_hash=dictionary_hash, channels=channels,
            at_us=self._clock(),
        )  # fmt: skip
        return self._put(deployment, "declarations", 1, write)

    def record_command(
        self,
        deployment: str,
        name: str,
        opcode: int,
        arguments: Any = (),
        *,
        by: str,
        state: str = "queued",
        at_us: int | None = None,
        response: str = "",
        begun_us: int | None = None,
    ) -> int:
        """Takes a command whose life begins, and gives its id. Raises `ValueError` for an unknown state.

        It is archived under `at_us`; its first state began at `begun_us`, which for a planned one is earlier.
        """
        _check(state, COMMAND_STATES, "state of a command")
        at_us = self._clock() if at_us is None else at_us
        first = CommandStep(state, at_us if begun_us is None else begun_us, by, response)
        with self._ids:
            self._last_command += 1
            command = ArchivedCommand(
                self._last_command, deployment, name, opcode, arguments, by, at_us, state, response, (first,)
            )
            self._put(deployment, "commands", 1, partial(Recorder.command, command=command))
        return command.id

    def update_command(
        self, id: int, state: str, *, by: str = "", at_us: int | None = None, response: str = ""
    ) -> bool:
        """Takes the next step in a command's life. Raises `ValueError` for an unknown state, and `LookupError`."""
        _check(state, COMMAND_STATES, "state of a command")
        if not 1 <= id <= self._last_command:
            raise LookupError(f"there is no command with the id {id}")
        at_us = self._clock() if at_us is None else at_us
        write = partial(Recorder.command_step, id=id, state=state, at_us=at_us, by=by, response=response)
        return self._put("", "commands", 1, write)

    def add_link_state(self, deployment: str, state: str, reason: str = "", *, at_us: int | None = None) -> bool:
        """Takes a state that a deployment's link went into."""
        at_us = self._clock() if at_us is None else at_us
        write = partial(Recorder.link_state, deployment=deployment, state=state, reason=reason, at_us=at_us)
        return self._put(deployment, "link states", 1, write)

    def add_file(
        self,
        deployment: str,
        direction: str,
        source: str,
        destination: str,
        *,
        by: str = "",
        size: int | None = None,
        crc: int | None = None,
        state: str = "queued",
        reason: str = "",
        at_us: int | None = None,
        way: str = "packets",
        sha256: str = "",
    ) -> int:
        """Takes a transfer, up or down, and gives its id. Raises `ValueError` for an unknown direction or state."""
        _check(direction, DIRECTIONS, "direction")
        _check(state, FILE_STATES, "state of a transfer")
        at_us = self._clock() if at_us is None else at_us
        with self._ids:
            self._last_file += 1
            file = ArchivedFile(
                self._last_file, deployment, direction, source, destination, size, crc, state, reason, by, at_us, at_us,
                way, sha256,
            )  # fmt: skip
            self._put(deployment, "files", 1, partial(Recorder.file, file=file))
        return file.id

    def update_file(
        self,
        id: int,
        state: str,
        *,
        size: int | None = None,
        crc: int | None = None,
        reason: str = "",
        at_us: int | None = None,
    ) -> bool:
        """Takes what became of a transfer. Raises `ValueError` for an unknown state, and `LookupError`."""
        _check(state, FILE_STATES, "state of a transfer")
        if not 1 <= id <= self._last_file:
            raise LookupError(f"there is no transfer with the id {id}")
        at_us = self._clock() if at_us is None else at_us
        write = partial(Recorder.file_state, id=id, state=state, at_us=at_us, size=size, crc=crc, reason=reason)
        return self._put("", "files", 1, write)

    def note_sequence_file(self, deployment: str, path: str, file: SequenceFile | None) -> bool:
        """Takes what a sequence file of a deployment holds, or with `None` that this is not known any more."""
        write = partial(Recorder.sequence_file, deployment=deployment, path=path, file=file)
        return self._put(deployment, "sequence files", 1, write)

    def export_csv(
        self, deployment: str, channels: Sequence[str], start_us: int = 0, end_us: int = LAST_US
    ) -> Iterator[str]:
        """The samples of channels in [start, end) as pieces of CSV, the first with the header. See `export`."""
        return export.samples_csv(self, deployment, channels, start_us, end_us)

    def export_events_csv(self, deployment: str, start_us: int = 0, end_us: int = LAST_US) -> Iterator[str]:
        """The events of [start, end) as pieces of CSV, newest first, the first with the header."""
        return export.events_csv(self, deployment, start_us, end_us)


def _check(word: str, known: tuple[str, ...], what: str) -> None:
    if word not in known:
        raise ValueError(f"{word!r} is no {what}: {', '.join(known)}")
