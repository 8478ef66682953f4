"""Runs jobs when they are due: once, at intervals, by cron or in daily windows, with a record of every run."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model import (
    U32,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    OutputPortArray,
    Parameter,
    Setting,
    Size,
    String,
    async_port,
    command,
    guarded_port,
    sync_port,
)
from kittiwake.model.fw import CmdResponse, Com, Enabled, Sched, TimeValue
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.database import ConstraintBroken
from kittiwake.storage.root import reason_of
from kittiwake_components.daily_window import US_PER_S, find_zone
from kittiwake_components.deployment_time import NO_TIME, time_is_known, time_value
from kittiwake_components.expressions import SERVICES, Expressions, check_services
from kittiwake_components.ports.mode import SystemMode, SystemModeChanged
from kittiwake_components.ports.sequence import CmdSeqIn, SequenceDone
from kittiwake_components.ports.service import CallService, ServiceFault, failed
from kittiwake_components.ports.supervision import DueWork, NextWake
from kittiwake_components.scheduler.api import SchedulerApi
from kittiwake_components.scheduler.job_reader import JobReader
from kittiwake_components.scheduler.job_store import MAX_JOBS, JobStore
from kittiwake_components.scheduler.jobs import (
    EXPRESSION_SIZE,
    SCHEDULE_SIZE,
    ZONE_SIZE,
    Job,
    JobAction,
    JobGuarantee,
    MissedPolicy,
    Run,
    RunState,
)
from kittiwake_components.scheduler.live_runs import LiveRuns
from kittiwake_components.scheduler.planning import plan
from kittiwake_components.scheduler.reports import Guard, JobName, SchedulerReports
from kittiwake_components.scheduler.schedules import is_relative

MAX_LISTED = 16
MAX_CONCURRENT = 16
STEP_LIMIT_US = US_PER_S // 2
"""A smaller difference between the wall clock and the clock since boot is drift and no step."""

REWIND_LIMIT_US = 86_400 * US_PER_S
"""After a greater backward step the slots ahead are those of another time, and are worked out anew."""

PRUNE_EVERY = 64
_OK = CommandResponse.OK
_FAILED = CommandResponse.EXECUTION_ERROR
_U32_MAX = 0xFFFFFFFF


class Scheduler(SchedulerReports):
    """Jobs and their times (the scheduler of a battery device, RustiqIOT's `scheduler-1.0`).

    A run is written down before it begins and when it has ended, so that a restart finds what it cut off. Slots are
    kept on the wall clock; those of elapsed time move along when it is set, so that no delay changes.
    """

    com_cmd_out = OutputPort(Com, doc="Commands of jobs; `context` comes back in the answer.")
    run_sequence = OutputPort(CmdSeqIn, doc="Sequences of jobs.")
    call_service = OutputPortArray(CallService, SERVICES, doc="The services that the setting `services` names.")

    job_count = Channel(U32, on_change=True, doc="Jobs in the database.")
    next_job_time = Channel(TimeValue, on_change=True, doc="When the next job is due; zero without one.")
    jobs_run = Channel(U32, on_change=True, doc="Runs that were begun since the start.")
    jobs_failed = Channel(U32, on_change=True, doc="Runs that failed since the start, each try counted.")
    jobs_running = Channel(U32, on_change=True, doc="Runs under way.")
    late_ms = Channel(U32, on_change=True, unit="ms", doc="How long after its slot the last run began.")
    held = Channel(Bool, on_change=True, doc="Whether no job begins: safe mode, or AUTO_RUN off.")

    missed_policy = Parameter(MissedPolicy, default=MissedPolicy.ONCE, doc="For jobs that have no policy of their own.")
    missed_after_s = Parameter(
        U32, default=300, low=0, high=86400, unit="s", doc="A slot that is later counts as missed under SKIP."
    )
    retry_max = Parameter(U32, default=3, low=0, high=100, doc="How often a failed at-least-once run is tried again.")
    retry_backoff_s = Parameter(
        U32, default=60, low=1, high=86400, unit="s", doc="From the first try to the second; it doubles each time."
    )
    retry_backoff_max_s = Parameter(U32, default=3600, low=1, high=604800, unit="s", doc="The longest such pause.")
    log_keep = Parameter(U32, default=1000, low=0, high=1_000_000, doc="How many finished runs are kept on record.")
    tz = Parameter(String(ZONE_SIZE), default="UTC", doc="The zone of jobs that name none.")
    jitter_s = Parameter(
        U32, default=0, low=0, high=3600, unit="s", doc="Up to so much later, at random, a job begins."
    )
    concurrent = Parameter(U32, default=4, low=1, high=MAX_CONCURRENT, doc="The most runs under way at a time.")
    job_timeout_s = Parameter(
        U32, default=3600, low=0, high=604800, unit="s", doc="A run without an answer for so long has failed; 0: never."
    )
    auto_run = Parameter(Bool, default=True, doc="Off: jobs are run by somebody else, who commits them.")
    hold_in_safe_mode = Parameter(Bool, default=True, doc="Whether jobs wait in safe mode and in hibernation.")

    database = Setting(str, default="/scheduler.sqlite", doc="The database of jobs, inside the root.")
    services = Setting(list[str], default=[], check=check_services, doc="Names of the services at `call_service`.")

    def initialize(self) -> None:
        self._store: JobStore | None = None
        self._live = LiveRuns()
        self._guard = Guard(self.database_fault)
        self._runs = self._failures = 0
        self._mode = SystemMode.NORMAL
        self._offset_ns = 0
        self._time_was_known = False
        self._not_before_ns: dict[int, int] = {}
        self._expressions = Expressions(self._context.deployment.instances, self.services)
        self._reader = JobReader(self._expressions, self.root)
        self._api = SchedulerApi(self.waiting, self.committed)

    def start(self) -> None:
        self._offset_ns = self._present_offset_ns()
        self._time_was_known = self.time_is_known()
        # The database is opened by whoever needs it first: the first tick need not wait for that.

    def stop(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def parameter_updated(self, name: str) -> None:
        try:
            if name == "tz":
                find_zone(self.tz)
        except ValueError as fault:
            raise CommandError(CommandResponse.VALIDATION_ERROR, str(fault)) from None
        if name == "missed_policy" and self.missed_policy is MissedPolicy.DEFAULT:
            raise CommandError(CommandResponse.VALIDATION_ERROR, "ONCE, ALL or SKIP is wanted")

    # Commands

    @command
    def job_add(
        self, name: JobName, schedule: Annotated[str, Size(SCHEDULE_SIZE)], zone: Annotated[str, Size(ZONE_SIZE)],
        action: JobAction, expression: Annotated[str, Size(EXPRESSION_SIZE)], missed: MissedPolicy,
        guarantee: JobGuarantee,
    ) -> None:  # fmt: skip
        """Adds a job. An empty zone is that of TZ; what makes no sense is refused, and the event says why.

        A schedule is `once TIME`, `every LENGTH`, `cron FIELDS` or `window FROM-TO every LENGTH`.
        """
        now = self.wall_us()
        zone = zone or self.tz
        with self._guard:
            store = self._opened()
            try:
                times = self._reader.checked(name, schedule, zone, action, expression, now)
                if store.count() >= MAX_JOBS:
                    raise ValueError(f"there are {MAX_JOBS} jobs already")
                next_us = times.after(now)
                if next_us is None:
                    raise ValueError(f"{schedule}: that is past")
                relative = is_relative(times)
                store.add(
                    Job(0, name, schedule, zone, action, expression, missed, guarantee, True, relative, now, next_us)
                )
            except ConstraintBroken:
                raise self._refused(f"there is a job {name} already") from None
            except ValueError as fault:
                raise self._refused(str(fault)) from None
            self.job_added(name, schedule)
            self._show(now)

    @command
    def job_remove(self, name: JobName) -> None:
        """Removes a job and its record. A run that is under way goes on, and nobody hears of its end."""
        with self._guard:
            store, job = self._found(name)
            store.remove(job.id)
            self._live.forget_job(job.id)
            self.job_removed(name)
            self._show(self.wall_us())

    @command
    def job_enable(self, name: JobName, enabled: Enabled) -> None:
        """Switches a job on or off. One that is switched on is next due at the first slot from now."""
        with self._guard:
            store, job = self._found(name)
            now = self.wall_us()
            is_on = enabled is Enabled.ENABLED
            next_us = job.next_us
            if is_on and not job.enabled:
                next_us = self._reader.schedule_of(job, now).after(now)
            store.set_enabled(job.id, is_on, next_us)
            self._show(now)

    @command
    def job_run_now(self, name: JobName) -> None:
        """Runs a job now, whether it is enabled or not, as a slot of its own; its other slots stay as they are."""
        with self._guard:
            store, job = self._found(name)
            if len(self._live) >= self.concurrent:
                raise CommandError(CommandResponse.BUSY, f"{len(self._live)} jobs run already")
            now = self.wall_us()
            self._begin(job, store.begin(job, now, job.next_us, now), now)

    @command
    def job_list(self, offset: U32) -> None:
        """Reports up to 16 jobs from `offset` on, the next one due first."""
        with self._guard:
            store = self._opened()
            now = self.wall_us()
            jobs = store.listed(MAX_LISTED, offset)
            for job in jobs:
                ahead_us = 0 if job.next_us is None else max(0, job.next_us - now)
                state = Enabled.ENABLED if job.enabled else Enabled.DISABLED
                self.job_listed(job.name, state, job.schedule, min(ahead_us // US_PER_S, _U32_MAX), job.expression)
            self.jobs_listed(len(jobs), store.count())

    @command
    def log_prune(self, keep: U32) -> None:
        """Forgets the oldest finished runs, all but `keep`."""
        with self._guard:
            self.log_pruned(self._opened().prune(keep))

    def _refused(self, reason: str) -> CommandError:
        self.job_refused(reason)
        return CommandError(CommandResponse.VALIDATION_ERROR, reason)

    def _opened(self) -> JobStore:
        if not self._is_open():
            raise CommandError(_FAILED, f"{self.database} cannot be used")
        assert self._store is not None
        return self._store

    def _found(self, name: str) -> tuple[JobStore, Job]:
        store = self._opened()
        job = store.named(name)
        if job is None:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"there is no job {name}")
        return store, job

    # Ports

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Begins what is due, gives up what has not answered in time, and updates the channels."""
        now = self.wall_us()
        try:
            if not self._is_open():
                return
            self._follow_clock()
            self._give_up_late()
            if not self._is_held():
                self._begin_due(now)
            self._show(now)
        except OSError as fault:
            self.database_fault(reason_of(fault))

    @sync_port(CmdResponse)
    def cmd_response_in(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """The answer to a job's command; `sequence` is what was sent as its context."""
        self._answered(sequence, response is _OK, response.name)

    @sync_port(SequenceDone)
    def sequence_done(self, token: int, response: CommandResponse) -> None:
        """A job's sequence has ended."""
        self._answered(token, response is _OK, response.name)

    @sync_port(SystemModeChanged)
    def mode_in(self, mode: SystemMode) -> None:
        """In safe mode and in hibernation jobs wait, if HOLD_IN_SAFE_MODE says so."""
        self._mode = mode

    @guarded_port(NextWake)
    def next_wake(self) -> int:
        """When the next job, or the next try of one, is due, in microseconds since the epoch; 0 without one."""
        try:
            return max(0, self._store.next_us() or 0) if self._is_open() and self._store is not None else 0
        except OSError as fault:
            self.database_fault(reason_of(fault))
            return 0

    @guarded_port(DueWork)
    def due_work(self) -> int:
        """How many jobs are under way, or due and about to begin."""
        waiting = 0
        try:
            if not self._is_held() and self._is_open() and self._store is not None:
                waiting = self._store.due_count(self.wall_us(), MAX_LISTED)
        except OSError as fault:
            self.database_fault(reason_of(fault))
        return len(self._live) + waiting

    @guarded_port(CallService)
    def call(self, method: str, arguments: bytes) -> bytes:
        """The methods of the seed's scheduler service, by name."""
        try:
            return self._api.call(method, arguments)
        except (ServiceFault, OSError) as fault:
            return failed(fault)

    # Time

    def wall_us(self) -> int:
        """The wall time."""
        return self.clock.wall_ns() // 1000

    def time_is_known(self) -> bool:
        """Whether the wall clock can be trusted; until then only jobs of elapsed time run."""
        return time_is_known(self._tags)

    def _present_offset_ns(self) -> int:
        return self.clock.wall_ns() - self.clock.now_ns()

    def _follow_clock(self) -> None:
        """Slots of elapsed time move along with a step of the wall clock; after one far back all are looked at."""
        assert self._store is not None
        offset_ns = self._present_offset_ns()
        step_us = (offset_ns - self._offset_ns) // 1000
        was_known, self._time_was_known = self._time_was_known, self.time_is_known()
        if abs(step_us) < STEP_LIMIT_US:
            return  # drift adds up to a step, and is followed then
        self._offset_ns = offset_ns
        if was_known:
            self._store.shift_elapsed(step_us)
        self.clock_step(step_us / US_PER_S)
        if step_us < -REWIND_LIMIT_US:
            self._work_out_anew()

    def _work_out_anew(self) -> None:
        """Puts right the slots ahead that a clock has given which was far ahead: each is the next one from now."""
        assert self._store is not None
        now = self.wall_us()
        slots: list[tuple[int | None, int]] = []
        if self.time_is_known():
            for job in self._store.recurring_absolute():
                next_us = self._reader.schedule_of(job, now).after(now)
                if not job.schedule.startswith("once") and next_us != job.next_us:
                    slots.append((next_us, job.id))
        for job in self._store.relative_beyond(now):
            latest = self._reader.schedule_of(job, now).after(now)
            if latest is not None and job.next_us is not None and job.next_us > latest:
                slots.append((latest, job.id))
        if slots:
            self._store.set_slots(slots)

    # Runs

    def _is_open(self) -> bool:
        return self._store is not None or self._open()

    def _open(self) -> bool:
        try:
            store, findings = JobStore.open(self.platform, self.root.resolve(self.database))
            self._store = store
            self.report_findings(findings)
            self._settle_cut_off()
            if store.latest_us() > self.wall_us() + REWIND_LIMIT_US or not self.time_is_known():
                self._work_out_anew()
        except OSError as fault:
            self.database_fault(reason_of(fault))
            self.stop()
            return False
        return True

    def _settle_cut_off(self) -> None:
        """Decides what becomes of runs that the last restart cut off."""
        assert self._store is not None
        for run in self._store.cut_off():
            job = self._store.by_id(run.job_id)
            if job is not None:
                self._ended(job, run, False, "a restart cut it off", delay_s=0)

    def _is_held(self) -> bool:
        in_safe_mode = self._mode in (SystemMode.SAFE_MODE, SystemMode.HIBERNATE)
        return not self.auto_run or (in_safe_mode and self.hold_in_safe_mode)

    def _begin_due(self, now: int) -> None:
        store = self._store
        assert store is not None
        while len(self._live) < self.concurrent and store.is_due(now):
            run = store.due_retry(now)
            if run is not None:
                job = store.by_id(run.job_id)
                assert job is not None, "runs go with their jobs"
                self._begin(job, store.begin_again(run, now), now)
                continue
            job = store.due(now, relative_only=not self.time_is_known())
            if job is None or not self._begin_slot(job, now):
                return

    def _begin_slot(self, job: Job, now: int) -> bool:
        """Begins a job that is due, or gives its slots up; false if it is to wait a little longer."""
        assert self._store is not None
        assert job.next_us is not None
        if self.jitter_s and not self._jitter_is_over(job):
            return False
        policy = self.missed_policy if job.missed is MissedPolicy.DEFAULT else job.missed
        schedule = self._reader.schedule_of(job, job.next_us)
        found = plan(schedule, job.next_us, now, policy, self.missed_after_s * US_PER_S)
        if found.missed:
            self.job_missed(job.name, found.missed)
        if found.slot_us is None:
            self._store.set_slots([(found.next_us, job.id)])
            return True
        run = self._store.begin(job, found.slot_us, found.next_us, now)
        self.late_ms = min(max(0, now - found.slot_us) // 1000, _U32_MAX)
        self._begin(job, run, now)
        return True

    def _jitter_is_over(self, job: Job) -> bool:
        now_ns = self.clock.now_ns()
        if job.id not in self._not_before_ns:
            delay_s = self.platform.random.uniform(0.0, self.jitter_s)
            self._not_before_ns[job.id] = now_ns + round(delay_s * NS_PER_S)
        if now_ns < self._not_before_ns[job.id]:
            return False
        del self._not_before_ns[job.id]
        return True

    def _begin(self, job: Job, run: Run, now: int) -> None:
        timeout_s = self.job_timeout_s
        token = self._live.add(job, run, self.clock.now_ns() + timeout_s * NS_PER_S if timeout_s else None)
        self._runs += 1
        self.job_started(job.name)
        try:
            self._send(job, token)
        except (ValueError, LookupError, OSError) as fault:
            self._answered(token, False, str(fault))

    def _send(self, job: Job, token: int) -> None:
        if job.action is JobAction.COMMAND:
            self.com_cmd_out(self._expressions.packet_of(job.expression), token)
        elif job.action is JobAction.SEQUENCE:
            self.run_sequence(job.expression, token)
        else:
            self._answered(token, True, str(self._expressions.call_text(self.call_service, job.expression)))

    def _answered(self, token: int, is_ok: bool, text: str) -> None:
        live = self._live.take(token)
        if live is None:
            return  # it was given up, or its job removed
        try:
            self._ended(live.job, live.run, is_ok, text)
        except OSError as fault:
            self.database_fault(reason_of(fault))

    def _ended(self, job: Job, run: Run, is_ok: bool, text: str, delay_s: int | None = None) -> None:
        store = self._store
        if store is None:
            return
        now = self.wall_us()
        if is_ok:
            store.end(run, RunState.OK, text, now)
            self.job_succeeded(job.name)
        else:
            self._failures += 1
            self.job_failed(job.name, text)
            self._after_failure(store, job, run, text, now, delay_s)
        if run.id % PRUNE_EVERY == 0:
            store.prune(self.log_keep)

    def _after_failure(self, store: JobStore, job: Job, run: Run, text: str, now: int, delay_s: int | None) -> None:
        if job.guarantee is JobGuarantee.AT_MOST_ONCE:
            store.end(run, RunState.FAILED, text, now)
        elif run.attempt <= self.retry_max:
            if delay_s is None:
                delay_s = min(self.retry_backoff_s << (run.attempt - 1), self.retry_backoff_max_s)
            store.end(run, RunState.RETRY, text, now, now + delay_s * US_PER_S)
            self.job_retried(job.name, run.attempt + 1, delay_s)
        else:
            store.end(run, RunState.DEAD, text, now)
            self.job_dead(job.name, run.attempt)

    def _give_up_late(self) -> None:
        for token in self._live.late(self.clock.now_ns()):
            self._answered(token, False, f"no answer within {self.job_timeout_s} s")

    def committed(self, job_id: int, time_us: int, is_error: bool, result: str) -> None:
        """Somebody else has run a job's due slot. Raises `ServiceFault` for a job that there is not."""
        if self._store is None:
            raise ServiceFault("the database cannot be used")
        job = self._store.by_id(job_id)
        if job is None:
            raise ServiceFault(f"there is no job {job_id}")
        now = self.wall_us()
        anchor_us = now if job.next_us is None else job.next_us
        following = self._reader.schedule_of(job, anchor_us).after(max(anchor_us, now))
        state = RunState.FAILED if is_error else RunState.OK
        self._store.commit(job, following, state, result, time_us)
        self._runs += 1
        if is_error:
            self._failures += 1
            self.job_failed(job.name, result)
        else:
            self.job_succeeded(job.name)

    def waiting(self, limit: int) -> list[Job]:
        """Enabled jobs with a slot ahead, the next one first. Raises `ServiceFault` without a database."""
        if self._store is None:
            raise ServiceFault("the database cannot be used")
        return self._store.waiting(limit)

    def _show(self, now: int) -> None:
        store = self._store
        assert store is not None
        next_us = store.next_us()
        self.job_count = store.count()
        self.next_job_time = NO_TIME if next_us is None else time_value(self._tags, next_us)
        self.jobs_run = self._runs & _U32_MAX
        self.jobs_failed = self._failures & _U32_MAX
        self.jobs_running = len(self._live)
        self.held = self._is_held()
