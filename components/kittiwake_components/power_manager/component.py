"""Speaks with the power unit: measures, time credit, watchdog, powerdown and the reason of the wake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model import (
    F32,
    U32,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    Limits,
    OutputPort,
    OutputPortArray,
    Parameter,
    Setting,
    async_port,
    command,
    guarded_port,
)
from kittiwake.model.fw import Sched, Signal
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.recall import Recall
from kittiwake.storage.root import reason_of
from kittiwake.wire.link_address import parse_link
from kittiwake.wire.power_link import (
    Credit,
    CutWarning,
    HardLimit,
    Kind,
    LowPower,
    Measures,
    Powerdown,
    PowerdownAccepted,
    PowerMode,
    Refusal,
    SetMode,
    Status,
    WakeReason,
    Watchdog,
    WatchdogLeft,
)
from kittiwake_components.ports.bearer import EnergyLeft
from kittiwake_components.ports.device import CurrentGet, PowerGet, VoltageGet
from kittiwake_components.ports.lifecycle import Slept
from kittiwake_components.ports.mode import ForceSafeMode, SafeModeReason
from kittiwake_components.ports.power import (
    PowerdownAnswer,
    PowerdownRequest,
    PowerModeRequest,
    PowerReady,
    SleepCredit,
    WatchdogRenewal,
)
from kittiwake_components.ports.supervision import EnergyGet, StepDone
from kittiwake_components.power_manager.battery_watch import BatteryLevel, BatteryWatch
from kittiwake_components.power_manager.pending_wake import PendingWake, Plan
from kittiwake_components.power_manager.reports import PowerReports
from kittiwake_components.power_manager.unit_link import UnitLink
from kittiwake_components.power_monitor.energy import EnergyRecord, RailEnergy

if TYPE_CHECKING:
    from kittiwake.runtime.tasks import Reply
    from kittiwake.simulation.power_unit import Change
    from kittiwake.wire.power_link import Message
    from kittiwake_components.power_manager.lines import Line

SIMULATED = "simulated"
F32_MAX = 3.4e38
NAN = float("nan")
NEVER_U32 = 0xFFFFFFFF
SAVE_INTERVAL_NS = 60 * NS_PER_S
LISTENERS = 4
STALE_AFTER_PERIODS = 3
"""A measure that is older than so many periods is none."""


def _check_url(url: str) -> None:
    if url not in ("", SIMULATED):
        parse_link(url)


class PowerManager(PowerReports):
    """The main unit's side of the power link.

    It holds no power: whatever happens here, the power unit's watchdog and hard limit end every awake time. A powerdown
    is reported, and answered to whoever asked, only once the power unit has acknowledged it.
    """

    powerdown_answer = OutputPort(PowerdownAnswer, doc="What became of a powerdown that was asked for.")
    low_power = OutputPort(ForceSafeMode, doc="The battery is low: safe mode is wanted.")
    mode_done = OutputPort(StepDone, doc="Whether the power unit is in the mode that was wanted.")
    slept_out = OutputPortArray(
        Slept, LISTENERS, doc="How long the device was without power, once for each sleep; all of them are told."
    )
    powerdown_soon = OutputPortArray(
        Signal, LISTENERS, doc="The power is about to be cut: what is to be kept is to be saved now."
    )

    battery_voltage = Channel(
        F32, unit="V", format="{:.2f}", limits=Limits(low_red=6.7, low_yellow=7.0), doc="At the battery, now."
    )
    battery_current = Channel(F32, unit="A", format="{:.3f}", doc="Out of the battery; negative while it is charged.")
    battery_power = Channel(F32, unit="W", format="{:.3f}", doc="Out of the battery; negative while it is charged.")
    battery_temperature = Channel(F32, unit="degC", format="{:.1f}", doc="At the battery.")
    supply_voltage = Channel(F32, unit="V", format="{:.2f}", doc="Of the supply or panel.")
    supply_power = Channel(F32, unit="W", format="{:.3f}", doc="From the supply or panel.")
    state_of_charge = Channel(F32, unit="%", format="{:.1f}", doc="Of the battery, as the power unit knows it.")
    battery_level = Channel(BatteryLevel, on_change=True, doc="How the battery stands.")
    time_credit = Channel(U32, on_change=True, unit="s", doc="So long it can sleep and still wake once.")
    awake_seconds = Channel(U32, unit="s", doc="Since the main unit got its power.")
    awake_left = Channel(U32, unit="s", doc="Until the hard limit cuts the power; 4294967295: it does not hold.")
    power_mode = Channel(PowerMode, on_change=True, doc="What the main unit lives on.")
    wake_reason = Channel(WakeReason, on_change=True, doc="Why the main unit got its power.")
    slept_seconds = Channel(U32, on_change=True, unit="s", doc="How long it had no power before.")
    module_ready = Channel(Bool, on_change=True, doc="Whether the power unit answers.")
    requests_repeated = Channel(U32, on_change=True, doc="Requests that were not answered at once.")
    total_power_consumption = Channel(F32, unit="mWh", doc="Energy consumed since the last reset.")
    total_power_generated = Channel(F32, unit="mWh", doc="Energy generated since the last reset.")

    low_v = Parameter(F32, default=6.7, low=0.0, high=1000.0, unit="V", doc="Below it the battery is low.")
    critical_v = Parameter(F32, default=6.2, low=0.0, high=1000.0, unit="V", doc="Below it the battery is critical.")
    recover_v = Parameter(F32, default=8.0, low=0.0, high=1000.0, unit="V", doc="Above it the battery has recovered.")
    debounce = Parameter(U32, default=10, low=0, high=3600, unit="s", doc="A voltage counts after so long.")
    max_awake_s = Parameter(
        U32, default=900, low=1, high=86400, unit="s", doc="Asks the power unit for no longer awake time than this."
    )
    min_sleep_s = Parameter(U32, default=30, low=1, high=86400, unit="s", doc="The shortest sleep that is asked for.")
    max_sleep_s = Parameter(U32, default=172_800, low=60, high=2_592_000, unit="s", doc="The longest one.")
    measure_every_s = Parameter(U32, default=5, low=1, high=3600, unit="s", doc="How often it is measured.")

    unit = Setting(
        str, default=SIMULATED, check=_check_url,
        doc="Where the power unit is: serial:///dev/NAME?baud=N, `simulated`, or empty for none.",
    )  # fmt: skip
    simulated_supply_w = Setting(float, default=0.0, doc="What the supply of a simulated power unit gives, in watts.")
    totals_file = Setting(str, default="/energy_totals", doc="Record of the totals.")
    wake_file = Setting(str, default="/pending_wake", doc="Record of the wake that was planned last.")

    def initialize(self) -> None:
        files = self.platform.files
        self._link: UnitLink | None = None
        self._measures: Measures | None = None
        self._measured_ns = 0
        self._credit: Credit | None = None
        self._credit_ns = 0
        self._ask_due_ns = 0
        self._save_due_ns = 0
        self._was_woken = False
        self._watch = BatteryWatch()
        self._consumed = RailEnergy()
        self._generated = RailEnergy()
        self._totals = EnergyRecord(files, self.root.resolve(self.totals_file))
        self._totals_recall = Recall(self.clock, self._take_totals)
        self._wake_record = PendingWake(files, self.root.resolve(self.wake_file))
        self._plan_recall = Recall(self.clock, self._take_plan)
        self._plan = Plan()

    def start(self) -> None:
        self._save_due_ns = self.clock.now_ns() + SAVE_INTERVAL_NS
        for file, recall in ((self.totals_file, self._totals_recall), (self.wake_file, self._plan_recall)):
            try:
                recall.ensure()
            except OSError as fault:
                self.file_fault(file, reason_of(fault))
        self.module_ready = False
        if self.unit:
            self._link = UnitLink(self._line(), self.clock, self._noticed, self._lost, self._back)
            self._link.open()
            self._link.ask(Kind.GET_STATUS, None, self._show_status)

    def _take_totals(self, last_try: bool) -> None:
        consumed, generated, findings = self._totals.read(last_try=last_try)
        self._consumed.mwh += consumed
        self._generated.mwh += generated
        self.report_findings(self.totals_file, findings)

    def _take_plan(self, last_try: bool) -> None:
        plan, findings = self._wake_record.read(last_try=last_try)
        self._plan = plan or self._plan
        self.report_findings(self.wake_file, findings)

    def stop(self) -> None:
        self._save_totals()
        if self._link is not None:
            self._link.close()
            self._link = None

    def _line(self) -> Line:
        from kittiwake_components.power_manager.lines import SimulatedLine, StreamLine

        if self.unit != SIMULATED:
            return StreamLine(parse_link(self.unit), self.platform, self.clock, self._context.loop.poller)
        from kittiwake.simulation.power import Battery
        from kittiwake.simulation.power_unit import PowerUnit

        battery = Battery(capacity_wh=38.0, charge=0.8, resistance_ohm=0.12)
        unit = PowerUnit(battery, supply_w=lambda _: self.simulated_supply_w, now_ns=self.clock.now_ns())
        return SimulatedLine(unit, self.clock, self._simulated_cut)

    def _simulated_cut(self, change: Change) -> None:
        """There is no power to cut: the deployment stops, as it would have been stopped."""
        self._context.deployment.request_stop(f"the simulated power unit cut the power: {change.reason.name}")

    # Commands

    @command
    async def set_mode(self, mode: PowerMode) -> None:
        """Says what the main unit is to live on. The power unit refuses POWERED without a supply."""
        reply = await self._asked(Kind.SET_MODE, SetMode(mode))
        self._expect(reply, Status, Kind.SET_MODE)
        self._show_status(reply)
        self.power_mode_set(mode)

    @command
    async def schedule_powerdown(self, sleep_s: U32) -> None:
        """Has the power cut now, for `sleep_s` seconds; answers OK once the power unit has acknowledged it."""
        reply = await self._power_down(sleep_s)
        self._expect(reply, PowerdownAccepted, Kind.POWERDOWN)

    @command
    async def cancel_powerdown(self) -> None:
        """Takes a powerdown back that the power unit has acknowledged and not yet carried out."""
        reply = await self._asked(Kind.CANCEL_POWERDOWN, None)
        self._expect(reply, Status, Kind.CANCEL_POWERDOWN)
        self.powerdown_cancelled()

    @command
    async def get_energy_budget(self) -> None:
        """Reports what is left in the battery, and for how long a sleep."""
        reply = await self._asked(Kind.GET_CREDIT, None)
        self._expect(reply, Credit, Kind.GET_CREDIT)
        self._show_credit(reply)
        self.energy_budget(reply.energy_mwh, reply.credit_s)

    @command
    def get_total_power(self) -> None:
        """Reports the energy consumed and generated."""
        self.total_power_reading(min(self._consumed.mwh, F32_MAX), min(self._generated.mwh, F32_MAX))

    @command
    def reset_total_power(self) -> None:
        """Sets the consumption to 0."""
        self._reset(self._consumed)
        self.total_power_reset()

    @command
    def reset_total_generation(self) -> None:
        """Sets the generation to 0."""
        self._reset(self._generated)
        self.total_generation_reset()

    def _reset(self, rail: RailEnergy) -> None:
        if not self._totals_recall.is_done and not self._save_totals():
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the total of before this start cannot be read yet")
        rail.mwh = 0.0
        self._show_totals()
        if not self._save_totals():
            raise CommandError(CommandResponse.EXECUTION_ERROR, "it is 0 until a restart, but could not be saved so")

    def _asked(self, kind: Kind, payload: Any) -> Reply[Any]:
        """The reply to come: what it carries, or `None` where none came."""
        reply: Reply[Any] = self.clock.reply()
        if self._link is None:
            reply.set(None)
        else:
            self._link.ask(kind, payload, reply.set)
        return reply

    def _expect(self, reply: Any, wanted: type, kind: Kind) -> None:
        if isinstance(reply, wanted):
            return
        if isinstance(reply, Refusal):
            self.request_refused(kind.name, reply.reason.name)
            raise CommandError(CommandResponse.EXECUTION_ERROR, f"the power unit refused: {reply.reason.name}")
        raise CommandError(CommandResponse.EXECUTION_ERROR, "the power unit does not answer")

    # Ports

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Asks for status, measures and credit each MEASURE_EVERY_S, and keeps the totals."""
        now = self.clock.now_ns()
        if self._link is not None and now >= self._ask_due_ns:
            self._ask_due_ns = now + self.measure_every_s * NS_PER_S
            self._link.ask(Kind.GET_STATUS, None, self._show_status)
            self._link.ask(Kind.GET_MEASURES, None, self._show_measures)
            self._link.ask(Kind.GET_CREDIT, None, self._show_credit)
            self.requests_repeated = self._link.repeats & NEVER_U32
        if now >= self._save_due_ns:
            self._save_totals()

    @async_port(WatchdogRenewal, priority=5, full="drop_oldest")
    def watchdog_in(self, limit_s: int) -> None:
        """Starts or renews the power unit's watchdog. Nothing here stops it: only an acknowledged powerdown ends it."""
        if self._link is not None:
            self._link.ask(Kind.WATCHDOG, Watchdog(min(max(limit_s, 1), 3600)), self._watchdog_renewed)

    @async_port(PowerdownRequest, priority=5, full="drop_oldest")
    async def powerdown_in(self, wake_us: int, token: int) -> None:
        """Has the power cut until a time; a time that is past becomes the shortest sleep."""
        sleep_s = (wake_us - self.clock.wall_ns() // 1000) // 1_000_000
        reply = await self._power_down(max(sleep_s, 0))
        accepted = isinstance(reply, PowerdownAccepted)
        if self.is_connected(PowerManager.powerdown_answer):
            self.powerdown_answer(token, accepted, reply.sleep_s if accepted else 0)

    @async_port(PowerModeRequest, priority=5, full="drop_oldest")
    async def mode_in(self, mode: PowerMode, token: int) -> None:
        """Sees to it that the power unit is in a mode."""
        reply = await self._asked(Kind.SET_MODE, SetMode(mode))
        is_done = isinstance(reply, Status)
        if is_done:
            self._show_status(reply)
        if self.is_connected(PowerManager.mode_done):
            refusal = reply.reason.name if isinstance(reply, Refusal) else "the power unit does not answer"
            self.mode_done(token, is_done, "" if is_done else f"{mode.name}: {refusal}")

    @guarded_port(PowerReady)
    def power_ready(self) -> bool:
        """Whether the power unit answers."""
        return self._link is not None and not self._link.is_lost

    @guarded_port(SleepCredit)
    def credit_get(self) -> int:
        """The time credit, as last heard."""
        return self.time_credit or 0

    @guarded_port(VoltageGet)
    def voltage_get(self) -> float:
        """The battery's voltage, as last measured; NaN if that is too long ago."""
        measures = self._fresh_measures()
        return NAN if measures is None else measures.battery_mv / 1000

    @guarded_port(CurrentGet)
    def current_get(self) -> float:
        """The current out of the battery."""
        measures = self._fresh_measures()
        return NAN if measures is None else measures.battery_ma / 1000

    @guarded_port(PowerGet)
    def power_get(self) -> float:
        """What the device draws, from the battery and the supply together."""
        measures = self._fresh_measures()
        return NAN if measures is None else max(0.0, _battery_w(measures) + _supply_w(measures))

    @guarded_port(PowerGet)
    def supply_power_get(self) -> float:
        """What the supply or panel gives."""
        measures = self._fresh_measures()
        return NAN if measures is None else max(0.0, _supply_w(measures))

    @guarded_port(EnergyGet)
    def energy_get(self) -> float:
        """The energy consumed since the last reset, in mWh."""
        return self._consumed.mwh

    @guarded_port(EnergyLeft)
    def battery_left_get(self) -> float:
        """What the battery holds, in mWh, as the power unit last said; NaN if that is too long ago."""
        credit = self._credit
        return NAN if credit is None or not self._is_fresh(self._credit_ns) else float(credit.energy_mwh)

    def _fresh_measures(self) -> Measures | None:
        return self._measures if self._is_fresh(self._measured_ns) else None

    def _is_fresh(self, heard_ns: int) -> bool:
        return self.clock.now_ns() - heard_ns <= STALE_AFTER_PERIODS * self.measure_every_s * NS_PER_S

    # Powerdown

    def _power_down(self, sleep_s: int) -> Reply[Any]:
        sleep_s = min(max(sleep_s, self.min_sleep_s), self.max_sleep_s)
        now_us = self.clock.wall_ns() // 1000
        # A fault of the disk is no reason to stay awake.
        self._keep_plan(wake_us=max(0, now_us + sleep_s * 1_000_000), sleep_s=sleep_s)
        for listener in range(LISTENERS):
            if self.is_connected(PowerManager.powerdown_soon, listener):
                self.powerdown_soon[listener]()
        self._save_totals()
        reply: Reply[Any] = self.clock.reply()

        def answered(payload: Any) -> None:
            if isinstance(payload, PowerdownAccepted):
                self.powerdown_scheduled(payload.cut_in_ms, payload.sleep_s)
            else:
                reason = payload.reason.name if isinstance(payload, Refusal) else "the power unit does not answer"
                self.powerdown_refused(reason)
            reply.set(payload)

        if self._link is None:
            answered(None)
        else:
            self._link.ask(Kind.POWERDOWN, Powerdown(sleep_s), answered)
        return reply

    # What the power unit says

    def _lost(self, reason: str) -> None:
        self.module_ready = False
        self.power_module_lost(reason)

    def _back(self) -> None:
        self.module_ready = True
        if self._was_woken:
            self.power_module_back()

    def _noticed(self, message: Message) -> None:
        if isinstance(message.payload, CutWarning):
            self.cut_warning(message.payload.left_s, message.payload.reason)
        elif isinstance(message.payload, LowPower) and self._watch.level is not BatteryLevel.CRITICAL:
            self._take_level(message.payload.battery_mv / 1000)

    def _watchdog_renewed(self, reply: Any) -> None:
        if isinstance(reply, Refusal):
            self.request_refused(Kind.WATCHDOG.name, reply.reason.name)
        elif not isinstance(reply, WatchdogLeft) and self._link is not None and not self._link.is_lost:
            self.request_refused(Kind.WATCHDOG.name, "no answer")

    def _show_status(self, status: Any) -> None:
        if not isinstance(status, Status):
            return
        self.power_mode = status.mode
        self.awake_seconds = status.awake_s
        self.awake_left = status.awake_left_s
        self.wake_reason = status.wake_reason
        self.slept_seconds = status.slept_s
        if not self._was_woken:
            self._was_woken = True
            self.woken(status.wake_reason, status.slept_s, self._plan.sleep_s)
            self._tell_sleep(status)
        wanted_s = max(self.max_awake_s, status.awake_s + 1)
        if status.awake_left_s != NEVER_U32 and status.awake_s + status.awake_left_s > wanted_s:
            assert self._link is not None
            self._link.ask(Kind.HARD_LIMIT, HardLimit(wanted_s), self._show_status)

    def _tell_sleep(self, status: Status) -> None:
        """Tells how long the sleep was, once: this program may be started again in the same awake time."""
        if not self._plan_recall.is_done:
            self._keep_plan()
        if not status.slept_s or status.wakes == self._plan.told_wake:
            return
        if self._keep_plan(told_wake=status.wakes):
            for listener in range(LISTENERS):
                if self.is_connected(PowerManager.slept_out, listener):
                    self.slept_out[listener](status.slept_s)

    def _keep_plan(self, **changes: int) -> bool:
        try:
            self._plan_recall.ensure()
            plan = self._plan._replace(**changes)
            self._wake_record.write(plan)
        except OSError as fault:
            self.file_fault(self.wake_file, reason_of(fault))
            return False
        self._plan = plan
        return True

    def _show_credit(self, credit: Any) -> None:
        if isinstance(credit, Credit):
            self.time_credit = credit.credit_s
            self._credit, self._credit_ns = credit, self.clock.now_ns()

    def _show_measures(self, measures: Any) -> None:
        if not isinstance(measures, Measures):
            return
        now = self.clock.now_ns()
        self._measures, self._measured_ns = measures, now
        self.battery_voltage = measures.battery_mv / 1000
        self.battery_current = measures.battery_ma / 1000
        self.battery_power = _battery_w(measures)
        self.battery_temperature = measures.temperature_cc / 100
        self.supply_voltage = measures.supply_mv / 1000
        self.supply_power = _supply_w(measures)
        if measures.charge_permille != 0xFFFF:
            self.state_of_charge = measures.charge_permille / 10
        self._consumed.sample(self.power_get(), now)
        self._generated.sample(self.supply_power_get(), now)
        self._show_totals()
        self._take_level(measures.battery_mv / 1000)

    def _take_level(self, voltage_v: float) -> None:
        is_new = self._watch.sample(
            voltage_v, self.clock.now_ns(), critical_v=self.critical_v, low_v=self.low_v, recover_v=self.recover_v,
            debounce_ns=self.debounce * NS_PER_S,
        )  # fmt: skip
        before, self.battery_level = self.battery_level, self._watch.level
        if not is_new:
            return
        if self._watch.level is BatteryLevel.NORMAL:
            if before in (BatteryLevel.LOW, BatteryLevel.CRITICAL):
                self.battery_recovered(voltage_v)
            return
        (self.critical_battery if self._watch.level is BatteryLevel.CRITICAL else self.low_battery)(voltage_v)
        if self.is_connected(PowerManager.low_power):
            self.low_power(SafeModeReason.LOW_BATTERY)

    # Totals

    def _show_totals(self) -> None:
        self.total_power_consumption = min(self._consumed.mwh, F32_MAX)
        self.total_power_generated = min(self._generated.mwh, F32_MAX)

    def _save_totals(self) -> bool:
        self._save_due_ns = self.clock.now_ns() + SAVE_INTERVAL_NS
        try:
            self._totals_recall.ensure()
            self._totals.write(self._consumed.mwh, self._generated.mwh)
        except OSError as fault:
            self.file_fault(self.totals_file, reason_of(fault))
            return False
        return True


def _battery_w(measures: Measures) -> float:
    return measures.battery_mv * measures.battery_ma / 1e6


def _supply_w(measures: Measures) -> float:
    return measures.supply_mv * measures.supply_ma / 1e6
