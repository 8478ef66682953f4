"""Leads a battery device through its cycle: wake, work, report, sleep."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from kittiwake.model import (
    F32,
    U32,
    After,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    On,
    OutputPort,
    OutputPortArray,
    Parameter,
    Setting,
    State,
    StateMachine,
    async_port,
    command,
    guarded_port,
    wire_array,
)
from kittiwake.model.fw import Sched, TimeValue
from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.recovery import InstanceQuarantined
from kittiwake.storage.recall import Recall
from kittiwake.wire.power_link import PowerMode
from kittiwake_components.deployment_time import NO_TIME, US_PER_S, time_value
from kittiwake_components.ports.power import (
    PowerdownAnswer,
    PowerdownRequest,
    PowerModeRequest,
    PowerReady,
    WatchdogRenewal,
)
from kittiwake_components.ports.service import CallService, ServiceFault, failed, succeeded
from kittiwake_components.ports.supervision import (
    CycleStep,
    DueWork,
    EnergyGet,
    NextWake,
    StepBegin,
    StepDone,
)
from kittiwake_components.supervisor.cycle_record import CycleRecord, Progress, Summary
from kittiwake_components.supervisor.reports import SupervisorReports
from kittiwake_components.supervisor.states import WORK, CycleSignal, CycleState

if TYPE_CHECKING:
    from collections.abc import Callable

A = TypeVar("A")

STEPS = 3
WORKERS = 4
MAX_STEP_STARTS = 2
"""A step in whose midst the device went dark so often is left out: it may be what drains or breaks it."""

POWERDOWN_TRIES = 3
WATCHDOG_SHARE = 3
"""The watchdog is renewed so often within its limit."""

U32_MAX = 0xFFFFFFFF

StepTimes = wire_array("Components.StepTimes", U32, 8)
"""The milliseconds of each step of the last cycle, in the order of the states."""


class Supervisor(SupervisorReports):
    """The cycle of a battery device (RustiqIOT's supervisor), as one declared state machine.

    Every step has a deadline, and one that fails, hangs or raises never keeps the next from its turn. The watchdog is
    renewed while the cycle goes on within its limits, and released by nothing but an acknowledged powerdown.
    """

    cycle = StateMachine(
        CycleState,
        CycleSignal,
        State(CycleState.BOOT, On(CycleSignal.BEGIN, CycleState.ENROLL)),
        State(
            CycleState.ENROLL, On(CycleSignal.DONE, CycleState.POWER), On(CycleSignal.FAILED, CycleState.POWER),
            On(CycleSignal.SKIPPED, CycleState.POWER), After("enroll_timeout_s", do="time_out"), entry="do_enroll",
        ),
        State(
            CycleState.POWER,
            On(CycleSignal.DONE, CycleState.COMMANDS, guard="is_enrolled"), On(CycleSignal.DONE, CycleState.PLAN_WAKE),
            On(CycleSignal.FAILED, CycleState.COMMANDS, guard="is_enrolled"),
            On(CycleSignal.FAILED, CycleState.PLAN_WAKE),
            On(CycleSignal.SKIPPED, CycleState.COMMANDS, guard="is_enrolled"),
            On(CycleSignal.SKIPPED, CycleState.PLAN_WAKE),
            After("power_timeout_s", do="time_out"), entry="do_power",
        ),
        State(
            CycleState.COMMANDS, On(CycleSignal.DONE, CycleState.JOBS), On(CycleSignal.FAILED, CycleState.JOBS),
            On(CycleSignal.SKIPPED, CycleState.JOBS), After("commands_timeout_s", do="time_out"), entry="do_commands",
        ),
        State(
            CycleState.JOBS, On(CycleSignal.DONE, CycleState.REPORT), On(CycleSignal.FAILED, CycleState.REPORT),
            On(CycleSignal.SKIPPED, CycleState.REPORT), After("jobs_timeout_s", do="time_out"), entry="do_jobs",
        ),
        State(
            CycleState.REPORT, On(CycleSignal.DONE, CycleState.PLAN_WAKE),
            On(CycleSignal.FAILED, CycleState.PLAN_WAKE), On(CycleSignal.SKIPPED, CycleState.PLAN_WAKE),
            After("report_timeout_s", do="time_out"), entry="do_report",
        ),
        State(
            CycleState.PLAN_WAKE,
            On(CycleSignal.DONE, CycleState.POWERDOWN, guard="is_to_sleep"),
            On(CycleSignal.DONE, CycleState.POWERED_IDLE),
            On(CycleSignal.FAILED, CycleState.POWERDOWN, guard="is_to_sleep"),
            On(CycleSignal.FAILED, CycleState.POWERED_IDLE),
            After("plan_timeout_s", do="time_out"), entry="do_plan_wake",
        ),
        State(
            CycleState.POWERDOWN, On(CycleSignal.DONE, do="release_watchdog"),
            On(CycleSignal.REFUSED, CycleState.POWERDOWN, guard="may_ask_again"),
            On(CycleSignal.REFUSED, CycleState.FAULT),
            After("powerdown_timeout_s", CycleState.FAULT), entry="do_powerdown",
        ),
        State(
            CycleState.POWERED_IDLE, On(CycleSignal.BEGIN, CycleState.ENROLL),
            After("powered_pause_s", CycleState.ENROLL),
        ),
        State(CycleState.FAULT, After(60.0, CycleState.POWERDOWN), entry="do_fault"),
        channel="cycle_state",
        changed="step_changed",
        doc="One cycle, from wake to sleep.",
    )  # fmt: skip

    step_begin = OutputPortArray(StepBegin, STEPS, doc="Who enrols (0), fetches commands (1) and reports (2).")
    watchdog_out = OutputPort(WatchdogRenewal, doc="Renews the power unit's watchdog.")
    powerdown_out = OutputPort(PowerdownRequest, doc="Asks for the powerdown.")
    power_ready = OutputPort(PowerReady, doc="Whether the power unit answers.")
    power_mode_out = OutputPort(PowerModeRequest, doc="Sees to it that the power unit is in the mode that is wanted.")
    due_work = OutputPortArray(DueWork, WORKERS, doc="How much work is due or under way, such as jobs and transfers.")
    next_wake = OutputPort(NextWake, doc="When the next job is due.")
    energy_get = OutputPort(EnergyGet, doc="The energy consumed so far.")

    cycle_state = Channel(CycleState, doc="Where the cycle stands.")
    cycle_count = Channel(U32, on_change=True, doc="Cycles so far, over all starts.")
    last_cycle_ms = Channel(U32, on_change=True, unit="ms", doc="How long the last whole cycle took.")
    last_cycle_energy = Channel(F32, on_change=True, unit="mWh", doc="What the last whole cycle consumed.")
    last_error = Channel(CycleState, on_change=True, doc="The step that failed last; BOOT if none has.")
    failed_steps = Channel(U32, on_change=True, doc="Steps that failed since the start.")
    next_wake_time = Channel(TimeValue, on_change=True, doc="When the next cycle is to begin; zero if not planned.")
    step_ms = Channel(StepTimes, on_change=True, unit="ms", doc="How long each step took last, by state.")
    watchdog_released = Channel(Bool, on_change=True, doc="Whether a powerdown was acknowledged.")

    force_powered = Parameter(Bool, default=False, doc="Whether the device stays on between its cycles.")
    powered_pause_s = Parameter(U32, default=60, low=1, high=86400, unit="s", doc="From cycle to cycle while it does.")
    enroll_timeout_s = Parameter(U32, default=900, low=1, high=86400, unit="s", doc="The longest enrolment.")
    power_timeout_s = Parameter(U32, default=5, low=1, high=600, unit="s", doc="The longest wait for the power unit.")
    commands_timeout_s = Parameter(
        U32, default=120, low=1, high=86400, unit="s", doc="For what the administration wants."
    )
    jobs_timeout_s = Parameter(U32, default=600, low=1, high=86400, unit="s", doc="For all jobs of a cycle together.")
    report_timeout_s = Parameter(U32, default=120, low=1, high=86400, unit="s", doc="For the report.")
    plan_timeout_s = Parameter(U32, default=5, low=1, high=600, unit="s", doc="For the plan of the next wake.")
    powerdown_timeout_s = Parameter(
        U32, default=10, low=1, high=600, unit="s", doc="From the request for a powerdown to the cut."
    )
    watchdog_s = Parameter(
        U32,
        default=60,
        low=6,
        high=3600,
        unit="s",
        doc="Not renewed for so long, it cuts the power.",
    )
    cycle_limit_s = Parameter(
        U32, default=1200, low=10, high=86400, unit="s", doc="After so long in one cycle the watchdog is not renewed."
    )
    default_sleep_s = Parameter(U32, default=86_400, low=60, high=2_592_000, unit="s", doc="Without any job ahead.")
    max_sleep_s = Parameter(U32, default=172_800, low=60, high=2_592_000, unit="s", doc="The longest sleep.")
    min_sleep_s = Parameter(U32, default=30, low=1, high=86400, unit="s", doc="The shortest sleep.")
    enroll_retry_s = Parameter(
        U32, default=3600, low=60, high=2_592_000, unit="s", doc="The sleep before an enrolment is tried again."
    )

    file = Setting(str, default="/cycle", doc="Record of the cycle.")

    def initialize(self) -> None:
        self._record = CycleRecord(self.platform.files, self.root.resolve(self.file))
        self._cycle = 0
        self._recall = Recall(self.clock, self._take)
        self._resume_at = CycleState.BOOT
        self._resume_starts = 0
        self._cut_off: Progress | None = None
        self._last: Summary | None = None
        self._workers = [index for index in range(WORKERS) if self.is_connected(Supervisor.due_work, index)]
        self._is_reported = False
        self._work_before_report = 0
        self._token = 0
        self._enrolled = True
        self._degraded = False
        self._is_released = False
        self._asked_mode = False
        self._began_ns = self._began_us = self._step_began_ns = 0
        self._began_mwh = 0.0
        self._cycle_failures = self._failures = 0
        self._step_times = [0] * 8
        self._wake_us = 0
        self._powerdown_tries = 0
        self._renew_ns = 0
        self._said_too_long = False

    def start(self) -> None:
        self._remember()
        self.cycle_count = self._cycle
        self.last_error = CycleState.BOOT
        self.next_wake_time = NO_TIME
        self.watchdog_released = False
        self.cycle.start()

    def stop(self) -> None:
        self.cycle.stop()

    # Commands

    @command
    def run_cycle(self) -> None:
        """Begins a cycle now, where the device pauses between two."""
        if not self.cycle.send(CycleSignal.BEGIN):
            raise CommandError(CommandResponse.BUSY, f"a cycle is under way: {self.cycle.state.name}")

    @command
    def set_force_powered(self, on: Bool) -> None:
        """Sets FORCE_POWERED until the next start. On battery the power unit's hard limit holds all the same."""
        self.force_powered = on

    @command
    def skip_step(self) -> None:
        """Leaves the present step of the cycle out."""
        if not self.cycle.send(CycleSignal.SKIPPED):
            raise CommandError(CommandResponse.EXECUTION_ERROR, f"{self.cycle.state.name} cannot be left out")

    @command
    def get_last_cycle(self) -> None:
        """Reports the last whole cycle, over restarts too."""
        if self._last is None:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "there was none")
        self.last_cycle(self._last.cycle, self._last.duration_ms, self._last.energy_mwh, self._last.failed_steps)

    # Ports

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Renews the watchdog, begins the first cycle, and looks whether the work is done."""
        self._renew_watchdog()
        state = self.cycle.state
        if state is CycleState.BOOT:
            self._resume()
        elif (state is CycleState.JOBS and not self._due_work()) or self._is_report_sent():
            self._step_done()
        elif state is CycleState.POWER and self._power_is_ready():
            self._ask_power_mode()

    @async_port(StepDone, full="drop")
    def step_done_in(self, token: int, ok: bool, reason: str) -> None:
        """Somebody has done a part of the cycle. An answer to an earlier step or cycle is not heeded."""
        if token != self._token:
            return
        if self.cycle.state is CycleState.ENROLL:
            self._enrolled = ok
        self._is_reported = ok and self.cycle.state is CycleState.REPORT
        if self._is_reported and self._workers:
            return  # who got something to do by it has taken that in by the next cycle of the rate group
        if ok:
            self._step_done()
        else:
            self._step_failed(reason)

    @async_port(PowerdownAnswer, full="drop")
    def powerdown_answer_in(self, token: int, accepted: bool, sleep_s: int) -> None:
        """The power unit has acknowledged a powerdown, or not."""
        if token == self._token:
            self.cycle.send(CycleSignal.DONE if accepted else CycleSignal.REFUSED)

    @guarded_port(CallService)
    def call(self, method: str, arguments: bytes) -> bytes:
        """`get_last_cycle`: the last whole cycle, for reports."""
        if method != "get_last_cycle":
            return failed(f"the supervisor has no method {method}")
        try:
            return succeeded(None if self._last is None else self._last._asdict())
        except ServiceFault as fault:
            return failed(fault)

    # The machine's guards and actions

    def is_enrolled(self) -> bool:
        """Whether there is anything to do but to enrol again."""
        return self._enrolled

    def is_to_sleep(self) -> bool:
        """Whether the cycle ends with a powerdown."""
        return not self.force_powered and not self._degraded

    def may_ask_again(self) -> bool:
        """Whether a refused powerdown is asked for once more."""
        return self._powerdown_tries < POWERDOWN_TRIES

    def step_changed(self, before: CycleState, after: CycleState) -> None:
        """Notes each step before it does anything, so that a brown-out in it is known of."""
        if before in WORK:
            self._step_times[before] = self._elapsed_ms()
        self._step_began_ns = self.clock.now_ns()
        if after is CycleState.BOOT:
            return
        if after is CycleState.ENROLL:
            self._begin_cycle()
        if after < self._resume_at:
            return  # on the way back to where the last start was cut off
        starts = self._resume_starts if after is self._resume_at else 1
        self._resume_at = CycleState.BOOT
        self._enter(after, starts)

    def do_enroll(self) -> None:
        """Asks whether the device is enrolled; without anybody to ask it is."""
        self._enrolled = not self._ask(CycleStep.ENROLL)

    def do_power(self) -> None:
        """Sees whether the power unit is there, and has it in the mode that is wanted."""
        self._degraded = self._asked_mode = False
        if not self.is_connected(Supervisor.power_ready):
            self._step_done()
        elif self._power_is_ready():
            self._ask_power_mode()

    def do_commands(self) -> None:
        """Has the administration's wishes fetched and done."""
        if self._resume_at:
            self.cycle.send(CycleSignal.SKIPPED)
        else:
            self._ask(CycleStep.COMMANDS)

    def do_jobs(self) -> None:
        """Waits until no work is due or under way."""
        if self._resume_at:
            self.cycle.send(CycleSignal.SKIPPED)
        elif not self._due_work():
            self._step_done()

    def do_report(self) -> None:
        """Has the device's state reported, and waits while that gives others something to do, such as sending it."""
        self._is_reported = False
        self._work_before_report = self._due_work()
        self._ask(CycleStep.REPORT)

    def do_plan_wake(self) -> None:
        """Plans the next cycle: at the next job, and within what a sleep may last."""
        now_us = self.clock.wall_ns() // 1000
        if not self._enrolled:
            wake_us = now_us + self.enroll_retry_s * US_PER_S
        else:
            wake_us = _answer(self.next_wake, 0) if self.is_connected(Supervisor.next_wake) else 0
            if not wake_us:
                wake_us = now_us + self.default_sleep_s * US_PER_S
        earliest, latest = now_us + self.min_sleep_s * US_PER_S, now_us + self.max_sleep_s * US_PER_S
        self._wake_us = min(max(wake_us, earliest), max(latest, earliest))
        self.next_wake_time = time_value(self._tags, self._wake_us)
        self._finish_cycle()
        self.cycle.send(CycleSignal.DONE)

    def do_powerdown(self) -> None:
        """Asks for the powerdown."""
        self._powerdown_tries += 1
        if not self._wake_us:
            self._wake_us = self.clock.wall_ns() // 1000 + self.default_sleep_s * US_PER_S
        self.wake_planned(min(max(0, self._wake_us - self.clock.wall_ns() // 1000) // US_PER_S, U32_MAX))
        self._token = self._token % U32_MAX + 1
        if self.is_connected(Supervisor.powerdown_out):
            self.powerdown_out(self._wake_us, self._token)
        else:
            self.cycle.send(CycleSignal.REFUSED)

    def release_watchdog(self) -> None:
        """The cut is certain: the watchdog need not be renewed any more."""
        self._is_released = self.watchdog_released = True

    def do_fault(self) -> None:
        """Lets the watchdog expire: it cuts the power where a powerdown was not to be had."""
        self._powerdown_tries = 0
        self._is_released = False
        self.supervisor_fault()

    def time_out(self) -> None:
        """A step has lasted too long: the next one has its turn."""
        state = self.cycle.state
        if self._is_reported and state is CycleState.REPORT:
            self._step_done()  # what is still to be sent goes on at the next wake
            return
        if state is CycleState.POWER:
            self._degraded = True
            self.degraded_cycle()
        else:
            self.cycle_step_timeout(state, self._elapsed_ms() // 1000)
        self._count_failure(state)
        self.cycle.send(CycleSignal.FAILED)

    # Steps

    def _ask(self, step: CycleStep) -> bool:
        """Has a step done by whoever is connected; without anybody it is done. Whether somebody was asked."""
        self._token = self._token % U32_MAX + 1
        if not self.is_connected(Supervisor.step_begin, step):
            self._step_done()
            return False
        self.step_begin[step](step, self._token)
        return True

    def _ask_power_mode(self) -> None:
        if not self.is_connected(Supervisor.power_mode_out):
            self._step_done()
        elif not self._asked_mode:
            self._asked_mode = True
            self._token = self._token % U32_MAX + 1
            self.power_mode_out(PowerMode.POWERED if self.force_powered else PowerMode.BATTERY, self._token)

    def _power_is_ready(self) -> bool:
        return self.is_connected(Supervisor.power_ready) and _answer(self.power_ready, False)

    def _is_report_sent(self) -> bool:
        return (
            self.cycle.state is CycleState.REPORT and self._is_reported and self._due_work() <= self._work_before_report
        )

    def _due_work(self) -> int:
        return sum([_answer(self.due_work[worker], 0) for worker in self._workers])

    def _step_done(self) -> None:
        if self.cycle.state in WORK:
            self.cycle_step_done(self.cycle.state, self._elapsed_ms())
            self.cycle.send(CycleSignal.DONE)

    def _step_failed(self, reason: str) -> None:
        if self.cycle.state not in WORK:
            return
        self.cycle_step_failed(self.cycle.state, reason)
        self._count_failure(self.cycle.state)
        self.cycle.send(CycleSignal.FAILED)

    def _count_failure(self, state: CycleState) -> None:
        self._cycle_failures += 1
        self._failures += 1
        self.failed_steps = self._failures & U32_MAX
        self.last_error = state

    # The cycle

    def _resume(self) -> None:
        """Begins the first cycle of this start, or goes on with the one that the last start was cut off in."""
        cut_off, self._cut_off = self._cut_off, None
        if cut_off is not None:
            self._cycle -= 1  # it is the same one
            self.cycle_restarted(cut_off.cycle, cut_off.step, cut_off.starts)
            self._resume_at, self._resume_starts = cut_off.step, cut_off.starts + 1
            if cut_off.starts >= MAX_STEP_STARTS:
                self.step_left_out(cut_off.step, cut_off.starts)
                self._resume_at, self._resume_starts = CycleState(cut_off.step + 1), 1
        self.cycle.send(CycleSignal.BEGIN)

    def _begin_cycle(self) -> None:
        self._cycle = (self._cycle + 1) & U32_MAX
        self._cycle_failures = self._powerdown_tries = self._wake_us = 0
        self._is_released = self._said_too_long = False
        self._began_ns, self._began_us = self.clock.now_ns(), max(0, self.clock.wall_ns() // 1000)
        self._began_mwh = self._consumed_mwh()
        self.cycle_count = self._cycle
        self.watchdog_released = False
        self.cycle_started(self._cycle)

    def _finish_cycle(self) -> None:
        duration_ms = min((self.clock.now_ns() - self._began_ns) // 1_000_000, U32_MAX)
        energy_mwh = max(0.0, self._consumed_mwh() - self._began_mwh)
        summary = Summary(self._cycle, self._began_us, duration_ms, energy_mwh, min(self._cycle_failures, 255))
        self._last = summary
        self.last_cycle_ms, self.last_cycle_energy = duration_ms, energy_mwh
        self.step_ms = tuple(self._step_times)
        self.cycle_finished(summary.cycle, duration_ms, energy_mwh, summary.failed_steps)
        if self._recall.is_done:
            self._keep(lambda: self._record.end(summary))

    def _enter(self, step: CycleState, starts: int) -> None:
        if self._remember():
            self._keep(lambda: self._record.enter(Progress(self._cycle, step, starts)))

    def _remember(self) -> bool:
        """Reads how far the last start came, unless that was done; whether it is."""
        self._keep(self._recall.ensure)
        return self._recall.is_done

    def _take(self, last_try: bool) -> None:
        """Read late, it adds to the count of cycles; where the last start was cut off is past then."""
        progress, last, findings = self._record.read(last_try=last_try)
        self._last = self._last or last
        self.report_findings(self.file, findings)
        if progress is None:
            return
        if not self._cycle:
            self._cut_off = progress if progress.step in WORK else None
        self._cycle = self.cycle_count = (self._cycle + progress.cycle) & U32_MAX

    def _keep(self, step: Callable[[], None]) -> None:
        try:
            step()
        except OSError as fault:
            self.report_fault(self.file, fault)

    def _renew_watchdog(self) -> None:
        """Renews it while the cycle goes on within its limits."""
        now = self.clock.now_ns()
        if self._is_released or self.cycle.state is CycleState.FAULT or now < self._renew_ns:
            return
        in_cycle = self.cycle.state not in (CycleState.BOOT, CycleState.POWERED_IDLE)
        if in_cycle and now - self._began_ns > self.cycle_limit_s * NS_PER_S:
            if not self._said_too_long:
                self._said_too_long = True
                self.cycle_too_long(self.cycle_limit_s)
            return
        self._renew_ns = now + self.watchdog_s * NS_PER_S // WATCHDOG_SHARE
        if self.is_connected(Supervisor.watchdog_out):
            self.watchdog_out(self.watchdog_s)

    def _consumed_mwh(self) -> float:
        return _answer(self.energy_get, 0.0) if self.is_connected(Supervisor.energy_get) else 0.0

    def _elapsed_ms(self) -> int:
        return min((self.clock.now_ns() - self._step_began_ns) // 1_000_000, U32_MAX)


def _answer(ask: Callable[[], A], otherwise: A) -> A:
    """What an instance answers; one that Health has set aside is as one that is not there, and no step's fault."""
    try:
        return ask()
    except InstanceQuarantined:
        return otherwise
