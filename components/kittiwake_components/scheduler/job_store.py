"""Jobs and their runs in a database, indexed by when they are due. One method is one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.storage.database import Database, open_database
from kittiwake_components.scheduler.jobs import RESULT_SIZE, Job, JobAction, JobGuarantee, MissedPolicy, Run, RunState

if TYPE_CHECKING:
    from kittiwake.platform.interface import Platform
    from kittiwake.storage.finding import Finding

MAX_JOBS = 100_000

LADDER = (
    (
        """CREATE TABLE job (
            id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, schedule TEXT NOT NULL,
            zone TEXT NOT NULL, action INTEGER NOT NULL, expression TEXT NOT NULL, missed INTEGER NOT NULL,
            guarantee INTEGER NOT NULL, enabled INTEGER NOT NULL, relative INTEGER NOT NULL, made_us INTEGER NOT NULL,
            next_us INTEGER)""",
        "CREATE INDEX job_due ON job (relative, next_us) WHERE enabled AND next_us IS NOT NULL",
        """CREATE TABLE run (
            id INTEGER PRIMARY KEY AUTOINCREMENT, job INTEGER NOT NULL REFERENCES job (id) ON DELETE CASCADE,
            slot_us INTEGER NOT NULL, attempt INTEGER NOT NULL, state INTEGER NOT NULL, began_us INTEGER NOT NULL,
            ended_us INTEGER, retry_us INTEGER, result TEXT NOT NULL DEFAULT '')""",
        "CREATE INDEX run_job ON run (job)",
        f"CREATE INDEX run_open ON run (state) WHERE state = {RunState.BEGUN:d}",
        f"CREATE INDEX run_retry ON run (retry_us) WHERE state = {RunState.RETRY:d}",
    ),
)

_JOB = "id, name, schedule, zone, action, expression, missed, guarantee, enabled, relative, made_us, next_us"
_DUE = "enabled AND next_us IS NOT NULL"
_FIRST_SLOTS = [f"SELECT min(next_us) FROM job WHERE {_DUE} AND relative = {relative}" for relative in (0, 1)]
_FIRST_TRY = f"SELECT min(retry_us) FROM run WHERE state = {RunState.RETRY:d}"
_FINISHED = f"state NOT IN ({RunState.BEGUN:d}, {RunState.RETRY:d})"


def _job(row: tuple[Any, ...]) -> Job:
    id, name, schedule, zone, action, expression, missed, guarantee, enabled, relative, made_us, next_us = row
    return Job(
        id, name, schedule, zone, JobAction(action), expression, MissedPolicy(missed), JobGuarantee(guarantee),
        bool(enabled), bool(relative), made_us, next_us,
    )  # fmt: skip


class JobStore:
    """The database of jobs. Methods raise `OSError` where the medium fails; nothing of the call was done then."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, platform: Platform, path: str) -> tuple[JobStore, tuple[Finding, ...]]:
        """Opens or makes the database, and what was found wrong with it. Raises `OSError`."""
        database, findings = open_database(platform, path, LADDER)
        return cls(database), findings

    def close(self) -> None:
        """Closes."""
        self._database.close()

    # Jobs

    def count(self) -> int:
        """How many jobs there are."""
        return int(self._database.standing_value("SELECT count(*) FROM job"))

    def add(self, job: Job) -> int:
        """Adds a job, whose `id` does not count, and gives its id. Raises `ConstraintBroken` for a name there is."""
        with self._database.transaction():
            [(id,)] = self._database.run(f"INSERT INTO job ({_JOB}) VALUES (NULL{', ?' * 11}) RETURNING id", *job[1:])
        return int(id)

    def remove(self, id: int) -> None:
        """Removes a job and the record of its runs."""
        with self._database.transaction():
            self._database.run("DELETE FROM job WHERE id = ?", id)

    def named(self, name: str) -> Job | None:
        """The job of a name."""
        return self._one("name = ?", name)

    def by_id(self, id: int) -> Job | None:
        """The job of an id."""
        return self._one("id = ?", id)

    def _one(self, where: str, value: Any) -> Job | None:
        rows = self._database.rows(f"SELECT {_JOB} FROM job WHERE {where}", value)
        return _job(rows[0]) if rows else None

    def listed(self, limit: int, offset: int = 0) -> list[Job]:
        """Jobs with a slot ahead, the next one first, then the others by name."""
        order = f"CASE WHEN {_DUE} THEN next_us END NULLS LAST, name"
        rows = self._database.rows(f"SELECT {_JOB} FROM job ORDER BY {order} LIMIT ? OFFSET ?", limit, offset)
        return [_job(row) for row in rows]

    def waiting(self, limit: int) -> list[Job]:
        """Enabled jobs with a slot ahead, the next one first."""
        rows = self._database.rows(f"SELECT {_JOB} FROM job WHERE {_DUE} ORDER BY next_us, id LIMIT ?", limit)
        return [_job(row) for row in rows]

    def recurring_absolute(self) -> list[Job]:
        """Enabled jobs that follow the wall clock and have a slot ahead."""
        return [_job(row) for row in self._database.rows(f"SELECT {_JOB} FROM job WHERE {_DUE} AND NOT relative")]

    def relative_beyond(self, time_us: int) -> list[Job]:
        """Enabled jobs of elapsed time whose slot is later than `time_us`."""
        where = f"{_DUE} AND relative = 1 AND next_us > ?"
        return [_job(row) for row in self._database.rows(f"SELECT {_JOB} FROM job WHERE {where}", time_us)]

    def set_enabled(self, id: int, enabled: bool, next_us: int | None) -> None:
        """Switches a job on or off, with the slot that is next."""
        with self._database.transaction():
            self._database.run("UPDATE job SET enabled = ?, next_us = ? WHERE id = ?", enabled, next_us, id)

    def set_slots(self, slots: list[tuple[int | None, int]]) -> None:
        """Sets the next slot of many jobs: (next_us, id)."""
        with self._database.transaction():
            self._database.run_many("UPDATE job SET next_us = ? WHERE id = ?", slots)

    def shift_elapsed(self, step_us: int) -> None:
        """Moves what waits for elapsed time along with a step of the wall clock."""
        with self._database.transaction():
            self._database.run("UPDATE job SET next_us = next_us + ? WHERE relative AND next_us IS NOT NULL", step_us)
            self._database.run(f"UPDATE run SET retry_us = retry_us + ? WHERE state = {RunState.RETRY:d}", step_us)

    # What is due

    def is_due(self, time_us: int) -> bool:
        """Whether a job or a try has come by `time_us`."""
        next_us = self.next_us()
        return next_us is not None and next_us <= time_us

    def due(self, time_us: int, *, relative_only: bool) -> Job | None:
        """The job whose slot came first of those that have come by `time_us`."""
        found: list[Job] = []
        for relative in (1,) if relative_only else (0, 1):
            rows = self._database.rows(
                f"SELECT {_JOB} FROM job WHERE {_DUE} AND relative = ? AND next_us <= ? ORDER BY next_us LIMIT 1",
                relative, time_us,
            )  # fmt: skip
            found += [_job(row) for row in rows]
        return min(found, key=lambda job: (job.next_us or 0, job.id), default=None)

    def due_retry(self, time_us: int) -> Run | None:
        """The run whose next try came first of those that have come by `time_us`."""
        where = f"state = {RunState.RETRY:d} AND retry_us <= ?"
        rows = self._database.rows(
            f"SELECT id, job, slot_us, attempt FROM run WHERE {where} ORDER BY retry_us, id LIMIT 1", time_us
        )
        return Run(*rows[0]) if rows else None

    def next_us(self) -> int | None:
        """When the next job or the next try is due."""
        times = [self._database.standing_value(first) for first in (*_FIRST_SLOTS, _FIRST_TRY)]
        return min([time for time in times if time is not None], default=None)

    def due_count(self, time_us: int, limit: int) -> int:
        """How many jobs and tries are due by `time_us`, counted up to `limit`."""
        if not self.is_due(time_us):
            return 0
        jobs = f"SELECT 1 FROM job WHERE {_DUE} AND next_us <= ?"
        tries = f"SELECT 1 FROM run WHERE state = {RunState.RETRY:d} AND retry_us <= ?"
        counted = f"SELECT count(*) FROM ({jobs} UNION ALL {tries} LIMIT ?)"
        return int(self._database.value(counted, time_us, time_us, limit))

    # Runs

    def begin(self, job: Job, slot_us: int, next_us: int | None, now_us: int) -> Run:
        """Writes down that a job is about to run for a slot, and which slot is next: the slot is spent from now on."""
        with self._database.transaction():
            self._database.run("UPDATE job SET next_us = ? WHERE id = ?", next_us, job.id)
            [(id,)] = self._database.run(
                f"INSERT INTO run (job, slot_us, attempt, state, began_us) VALUES (?, ?, 1, {RunState.BEGUN:d}, ?) "
                "RETURNING id", job.id, slot_us, now_us,
            )  # fmt: skip
        return Run(id, job.id, slot_us, 1)

    def begin_again(self, run: Run, now_us: int) -> Run:
        """Writes down that a run is about to be tried again."""
        again = run._replace(attempt=run.attempt + 1)
        with self._database.transaction():
            self._database.run(
                f"UPDATE run SET state = {RunState.BEGUN:d}, attempt = ?, began_us = ?, retry_us = NULL WHERE id = ?",
                again.attempt, now_us, run.id,
            )  # fmt: skip
        return again

    def end(self, run: Run, state: RunState, result: str, now_us: int, retry_us: int | None = None) -> None:
        """Writes down how a run, or one try of it, ended."""
        with self._database.transaction():
            self._database.run(
                "UPDATE run SET state = ?, result = ?, ended_us = ?, retry_us = ? WHERE id = ?",
                state, result[:RESULT_SIZE], now_us, retry_us, run.id,
            )  # fmt: skip

    def commit(self, job: Job, next_us: int | None, state: RunState, result: str, time_us: int) -> None:
        """Writes down a run that somebody else has made for the job's next slot, at once whole."""
        slot_us = time_us if job.next_us is None else job.next_us
        with self._database.transaction():
            self._database.run("UPDATE job SET next_us = ? WHERE id = ?", next_us, job.id)
            self._database.run(
                "INSERT INTO run (job, slot_us, attempt, state, began_us, ended_us, result) "
                "VALUES (?, ?, 1, ?, ?, ?, ?)", job.id, slot_us, state, time_us, time_us, result[:RESULT_SIZE],
            )  # fmt: skip

    def cut_off(self) -> list[Run]:
        """The runs that a restart has cut off."""
        rows = self._database.rows(f"SELECT id, job, slot_us, attempt FROM run WHERE state = {RunState.BEGUN:d}")
        return [Run(*row) for row in rows]

    def latest_us(self) -> int:
        """The latest time at which a run began or ended; 0 without one."""
        return int(self._database.value("SELECT max(max(began_us), max(coalesce(ended_us, 0))) FROM run") or 0)

    def prune(self, keep: int) -> int:
        """Forgets the oldest finished runs, all but `keep`; how many those were."""
        cut = self._database.value(f"SELECT id FROM run WHERE {_FINISHED} ORDER BY id DESC LIMIT 1 OFFSET ?", keep)
        if cut is None:
            return 0
        with self._database.transaction():
            gone = self._database.run(f"DELETE FROM run WHERE {_FINISHED} AND id <= ? RETURNING id", cut)
        return len(gone)
