"""Keeps account of the processor time, the awake time and the energy, and says when less is to be done."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Annotated, Any

from kittiwake.model import (
    F32,
    U8,
    U32,
    U64,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    Range,
    Setting,
    async_port,
    command,
    guarded_port,
)
from kittiwake.model.codec import clip
from kittiwake.model.fw import Sched, Signal
from kittiwake.storage.copying import make_folders_durably, place_file
from kittiwake.storage.recall import Recall
from kittiwake.storage.root import reason_of
from kittiwake_components.energy_ledger.board import US_PER_DAY, Board, Spent, days_left, energy_mwh
from kittiwake_components.energy_ledger.ledger_record import NO_CHARGE, NOTHING_WANTED, Ledger, LedgerRecord
from kittiwake_components.energy_ledger.processor import Processor
from kittiwake_components.energy_ledger.reports import (
    CONSUMERS,
    NAME_SIZE,
    Consumer,
    Consumers,
    EnergyReports,
)
from kittiwake_components.ports.bearer import BEARERS, BearerChanged, EnergyLeft
from kittiwake_components.ports.lifecycle import Slept
from kittiwake_components.ports.mode import ModeWanted, SystemMode
from kittiwake_components.save_schedule import SaveSchedule

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_SAVE_INTERVAL_S = 600
LONGEST_SLEEP_US = 31 * US_PER_DAY
"""A wall clock that says more between two starts is not believed."""

US_PER_S = 1_000_000
MOST_CHARGE_MWH = 1e9
LEAST_HISTORY_US = 3_600_000_000
"""The days left are told, and acted on, once the ledger covers an hour."""

F32_MAX = 3.4e38
U32_MAX = 0xFFFFFFFF
_NOBODY = Consumer("", 0, 0)


def _check_power(milliwatts: float) -> None:
    if not 0.0 <= milliwatts < 1e9:
        raise ValueError(f"milliwatts of at least 0 are wanted, not {milliwatts}")


def _check_radios(milliwatts: list[float]) -> None:
    if len(milliwatts) > BEARERS:
        raise ValueError(f"there are at most {BEARERS} radios, not {len(milliwatts)}")
    for one in milliwatts:
        _check_power(one)


class EnergyLedger(EnergyReports):
    """Turns what the software does into milliwatt-hours and days, by a model of the board.

    It is an estimate from the settings, and measures no current. A wake cycle is from the start of the process to its
    end; what went before it was sleep, by the power unit's account, or without one since the last save by the wall
    clock.
    """

    mode_wanted = OutputPort(
        ModeWanted, doc="Hibernation or safe mode is wanted, to save energy; NORMAL takes that back."
    )
    battery_left_get = OutputPort(
        EnergyLeft, doc="What the battery holds, where that is measured; open, or NaN: it is reckoned from the charge."
    )

    cycle = Channel(U64, on_change=True, doc="Wake cycles since RESET_LEDGER, this one included.")
    awake_seconds = Channel(U32, unit="s", doc="How long this cycle has lasted.")
    cpu_us = Channel(U64, unit="us", doc="Processor time of this cycle.")
    wakes = Channel(U32, doc="Times that the process was woken in this cycle.")
    cycle_energy = Channel(F32, unit="mWh", format="{:.3f}", doc="What this cycle has taken.")
    total_energy = Channel(F32, unit="mWh", format="{:.1f}", doc="What was taken since RESET_LEDGER, sleep included.")
    asleep_share = Channel(F32, unit="%", format="{:.2f}", doc="Share of the time since RESET_LEDGER that was sleep.")
    battery_left = Channel(F32, unit="mWh", format="{:.0f}", doc="What the battery still holds, by this account.")
    time_left = Channel(F32, unit="d", format="{:.1f}", name="DaysLeft", doc="So long it lasts if all goes on so.")
    budget_left = Channel(F32, unit="mWh", format="{:.1f}", doc="What is left of the day's budget; -1: there is none.")
    consumers = Channel(Consumers, doc="The active components that used most of the processor in this cycle.")

    daily_budget_mwh = Parameter(
        F32, default=0.0, low=0.0, high=1e9, unit="mWh", doc="For 24 h, sleep included; 0: there is no budget."
    )
    hibernate_days = Parameter(
        F32,
        default=0.0,
        low=0.0,
        high=3650.0,
        unit="d",
        doc="Hibernation is wanted if the battery lasts no longer (0: never).",
    )
    safe_days = Parameter(
        F32,
        default=0.0,
        low=0.0,
        high=3650.0,
        unit="d",
        doc="Safe mode is wanted if the battery lasts no longer (0: never).",
    )

    recovery_percent = Parameter(
        U8, default=20, low=1, high=100, unit="%",
        doc="What was wanted is taken back if the battery lasts longer by so much, and of the budget so much is left.",
    )  # fmt: skip

    asleep_mw = Setting(float, default=5.0, check=_check_power, doc="What the board draws asleep.")
    idle_mw = Setting(float, default=800.0, check=_check_power, doc="Awake, with the processor idle.")
    busy_mw = Setting(float, default=1800.0, check=_check_power, doc="Awake, with one processor busy.")
    radio_mw = Setting(list[float], default=[], check=_check_radios, doc="What each bearer adds while it is in use.")
    battery_mwh = Setting(float, default=38_000.0, check=_check_power, doc="What a full battery holds.")
    ledger_file = Setting(str, default="/energy_ledger", doc="Record of the ledger.")
    report_file = Setting(str, default="/status/energy.json", doc="The report of the last cycle.")

    def initialize(self) -> None:
        self._record = LedgerRecord(self.platform.files, self.root.resolve(self.ledger_file))
        self._before = Ledger()
        self._recall = Recall(self.clock, self._take)
        self._processor = Processor(self.platform.files, self._context.deployment)
        self._board = Board(self.asleep_mw, self.idle_mw, self.busy_mw, self.radio_mw)
        self._schedule = SaveSchedule(LONGEST_SAVE_INTERVAL_S)
        self._radio_since_ns: list[int | None] = [None] * BEARERS
        self._radio_us = [0] * BEARERS
        self._told: SystemMode | None = None
        self._began_ns = self._cpu_before_ns = self._wakes_before = 0
        self._slept_us = 0
        self._is_counted = self._is_sleep_told = False

    def start(self) -> None:
        self._began_ns = self.clock.now_ns()
        self._cpu_before_ns, self._wakes_before = self._processor.used_ns(), self._processor.wakes()
        self._schedule.begin(self._began_ns)
        self._saving(self.ledger_file, self._recall.ensure)

    def _take(self, last_try: bool) -> None:
        """The ledger so far; read late, what was set or wanted in this start counts for more."""
        found, findings = self._record.read(last_try=last_try)
        since = self._before
        used_mwh = energy_mwh(self._board, self._total(self._cycle())) - since.charged_at_mwh
        self._before = found
        self.report_findings(self.ledger_file, findings)
        if since.charge_mwh != NO_CHARGE:
            total_mwh = energy_mwh(self._board, self._total(self._cycle()))
            self._before = self._before._replace(
                charge_mwh=since.charge_mwh, charged_at_mwh=max(total_mwh - used_mwh, 0.0)
            )
        if since.wanted != NOTHING_WANTED:
            self._before = self._before._replace(wanted=since.wanted)

    def stop(self) -> None:
        self._begin()
        self._report()
        self._save()

    def _begin(self) -> None:
        """The first message: the wall clock is set by now, if it can be."""
        if self._is_counted:
            return
        self._is_counted = True
        if self._before.saved_us and not self._is_sleep_told:
            awake_us = (self.clock.now_ns() - self._began_ns) // 1000
            gap_us = self.clock.wall_ns() // 1000 - awake_us - self._before.saved_us
            self._slept_us = gap_us if 0 < gap_us <= LONGEST_SLEEP_US else 0

    # The account

    def _cycle(self) -> Spent:
        """What this cycle has taken so far."""
        now = self.clock.now_ns()
        radio_us = list(self._radio_us)
        for index, since_ns in enumerate(self._radio_since_ns):
            if since_ns is not None:
                radio_us[index] += (now - since_ns) // 1000
        cpu_us = max(self._processor.used_ns() - self._cpu_before_ns, 0) // 1000
        return Spent((now - self._began_ns) // 1000, cpu_us, 0, 1, tuple(radio_us))

    def _total(self, cycle: Spent) -> Spent:
        return self._before.total.plus(cycle).plus(Spent(asleep_us=self._slept_us))

    def _battery_left_mwh(self, total_mwh: float) -> float:
        charge = self.battery_mwh if self._before.charge_mwh == NO_CHARGE else self._before.charge_mwh
        return max(charge - (total_mwh - self._before.charged_at_mwh), 0.0)

    def _budget_left_mwh(self, total_mwh: float) -> float:
        return self.daily_budget_mwh - (total_mwh - self._before.day_mwh)

    def _begin_day(self, total: Spent, total_mwh: float) -> None:
        """After 24 h, sleep included, the budget begins anew."""
        if total.lasted_us - self._before.day_us >= US_PER_DAY:
            self._before = self._before._replace(day_us=total.lasted_us, day_mwh=total_mwh)

    def _consumers(self, most: int | None = None) -> list[Consumer]:
        """The active components, those first that used most."""
        queues = sorted(self._context.deployment.queues(), key=lambda queue: (-queue.busy_ns, queue.name))[:most]
        return [Consumer(clip(queue.name, NAME_SIZE), queue.busy_ns // 1000, queue.served) for queue in queues]

    # Ports

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Once a second: the account, and whether less is to be done."""
        self._begin()
        cycle = self._cycle()
        total = self._total(cycle)
        total_mwh = energy_mwh(self._board, total)
        self._measure(total_mwh)
        self._begin_day(total, total_mwh)
        self._show(cycle, total, total_mwh)
        self._judge(total, total_mwh)
        if self._schedule.is_due(self.clock.now_ns()):
            self._save()

    def _measure(self, total_mwh: float) -> None:
        """What is measured counts from now on, and what is used is taken from it until it is measured again."""
        if self.is_connected(EnergyLedger.battery_left_get):
            measured = self.battery_left_get()
            if 0.0 <= measured < MOST_CHARGE_MWH:
                self._before = self._before._replace(charge_mwh=measured, charged_at_mwh=total_mwh)

    def _show(self, cycle: Spent, total: Spent, total_mwh: float) -> None:
        left = self._battery_left_mwh(total_mwh)
        self.cycle = total.wakes
        self.awake_seconds = min(cycle.awake_us // 1_000_000, U32_MAX)
        self.cpu_us = cycle.cpu_us
        self.wakes = self._wakes()
        self.cycle_energy = energy_mwh(self._board, cycle)
        self.total_energy = min(total_mwh, F32_MAX)
        self.asleep_share = 100.0 * total.asleep_us / max(total.lasted_us, 1)
        self.battery_left = left
        self.time_left = min(days_left(left, total_mwh, total.lasted_us), F32_MAX)
        self.budget_left = self._budget_left_mwh(total_mwh) if self.daily_budget_mwh else -1.0
        most = self._consumers(CONSUMERS)
        self.consumers = tuple(most + [_NOBODY] * (CONSUMERS - len(most)))

    def _wakes(self) -> int:
        return max(self._processor.wakes() - self._wakes_before, 0) & U32_MAX

    def _judge(self, total: Spent, total_mwh: float) -> None:
        """Says that less is to be done, or not any more; safe mode goes before hibernation."""
        days = days_left(self._battery_left_mwh(total_mwh), total_mwh, total.lasted_us)
        is_known = total.lasted_us >= LEAST_HISTORY_US
        if is_known and 0.0 < self.safe_days >= days and self._want(SystemMode.SAFE_MODE):
            self.battery_will_not_last(SystemMode.SAFE_MODE, days)
        elif is_known and 0.0 < self.hibernate_days >= days and self._want(SystemMode.HIBERNATE):
            self.battery_will_not_last(SystemMode.HIBERNATE, days)
        elif self.daily_budget_mwh and self._budget_left_mwh(total_mwh) <= 0.0 and self._want(SystemMode.HIBERNATE):
            self.budget_spent(SystemMode.HIBERNATE, total_mwh - self._before.day_mwh, self.daily_budget_mwh)
        elif self._before.wanted and self._has_recovered(days, total_mwh, is_known=is_known):
            self.energy_enough(SystemMode(self._before.wanted), min(days, F32_MAX))
            self._keep_wanted(NOTHING_WANTED)
            self._tell(SystemMode.NORMAL)

    def _has_recovered(self, days: float, total_mwh: float, *, is_known: bool) -> bool:
        """Whether there is so much more than what led to it that it will not be wanted again at once."""
        limit_days = max(self.hibernate_days, self.safe_days) * (1.0 + self.recovery_percent / 100.0)
        share = self._budget_left_mwh(total_mwh) / self.daily_budget_mwh if self.daily_budget_mwh else 1.0
        lasts = not limit_days or (is_known and days > limit_days)
        return lasts and share >= self.recovery_percent / 100.0

    def _want(self, mode: SystemMode) -> bool:
        """Whether that is news. Whoever keeps the mode is told in each start: it may know nothing of the last."""
        if self._told not in (mode, SystemMode.SAFE_MODE):
            self._tell(mode)
        if self._before.wanted in (mode, SystemMode.SAFE_MODE):
            return False
        self._keep_wanted(mode)
        return True

    def _tell(self, mode: SystemMode) -> None:
        self._told = mode
        if self.is_connected(EnergyLedger.mode_wanted):
            self.mode_wanted(mode)

    def _keep_wanted(self, mode: int) -> None:
        self._before = self._before._replace(wanted=int(mode))
        self._save()

    @async_port(Slept, full="drop_oldest")
    def slept_in(self, seconds: int) -> None:
        """The power unit's own account of the last sleep: it counts instead of the wall clock's."""
        if seconds * US_PER_S <= LONGEST_SLEEP_US:
            self._is_sleep_told = True
            self._slept_us = seconds * US_PER_S

    @async_port(BearerChanged, full="drop_oldest")
    def radio_on(self, bearer: int) -> None:
        """A bearer came into use: its radio draws current."""
        if bearer < BEARERS and self._radio_since_ns[bearer] is None:
            self._radio_since_ns[bearer] = self.clock.now_ns()

    @async_port(BearerChanged, full="drop_oldest")
    def radio_off(self, bearer: int) -> None:
        """A bearer went out of use."""
        since_ns = self._radio_since_ns[bearer] if bearer < BEARERS else None
        if since_ns is not None:
            self._radio_us[bearer] += (self.clock.now_ns() - since_ns) // 1000
            self._radio_since_ns[bearer] = None

    @async_port(Signal, priority=5, full="drop")
    def cycle_ends(self) -> None:
        """The power is about to be cut: the cycle is reported, and the ledger saved."""
        self._begin()
        self._report()
        self._save()

    @guarded_port(EnergyLeft)
    def energy_left(self) -> float:
        """What may still be spent: of the day's budget, and of the battery."""
        total_mwh = energy_mwh(self._board, self._total(self._cycle()))
        left = self._battery_left_mwh(total_mwh)
        return max(min(left, self._budget_left_mwh(total_mwh)), 0.0) if self.daily_budget_mwh else left

    # Commands

    @command(name="REPORT_ENERGY")
    def report_now(self) -> None:
        """Reports this cycle so far, as an event and as a file."""
        self._begin()
        if not self._report():
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the report could not be written")

    @command
    def set_charge(self, charge_mwh: Annotated[F32, Range(0.0, MOST_CHARGE_MWH)]) -> None:
        """Says what the battery holds now, after it was charged or changed; where it is measured the measure counts."""
        total_mwh = energy_mwh(self._board, self._total(self._cycle()))
        self._before = self._before._replace(charge_mwh=charge_mwh, charged_at_mwh=total_mwh)
        self._told = None
        self._keep()
        self.charge_set(charge_mwh)

    @command
    def reset_ledger(self) -> None:
        """Begins the totals anew; what the battery holds is kept."""
        if not self._saving(self.ledger_file, self._recall.ensure):
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the ledger of before this start cannot be read yet")
        left = self._battery_left_mwh(energy_mwh(self._board, self._total(self._cycle())))
        self._began_ns = self.clock.now_ns()
        self._cpu_before_ns, self._wakes_before = self._processor.used_ns(), self._processor.wakes()
        self._radio_us = [0] * BEARERS
        self._radio_since_ns = [None if since is None else self._began_ns for since in self._radio_since_ns]
        self._is_counted, self._slept_us, self._told = True, 0, None
        self._before = Ledger(charge_mwh=left, wanted=self._before.wanted)
        self._keep()
        self.ledger_reset()

    def _keep(self) -> None:
        if not self._save():
            raise CommandError(CommandResponse.EXECUTION_ERROR, "it holds until a restart, but could not be saved")

    # Files

    def _save(self) -> bool:
        """Saves the ledger as it would be if the process ended now."""
        if not self._saving(self.ledger_file, self._recall.ensure):
            return False
        total = self._total(self._cycle())
        ledger = self._before._replace(total=total, saved_us=max(self.clock.wall_ns() // 1000, 0))
        return self._saving(self.ledger_file, lambda: self._record.write(ledger))

    def _report(self) -> bool:
        cycle = self._cycle()
        cycle_mwh, wakes, total = energy_mwh(self._board, cycle), self._wakes(), self._total(cycle)
        self.energy_report(total.wakes, cycle.awake_us / 1e6, cycle.cpu_us / 1e3, wakes, cycle_mwh)
        return self._saving(self.report_file, lambda: self._write_report(cycle, cycle_mwh, wakes, total))

    def _write_report(self, cycle: Spent, cycle_mwh: float, wakes: int, total: Spent) -> None:
        import json

        total_mwh = energy_mwh(self._board, total)
        left = self._battery_left_mwh(total_mwh)
        days = days_left(left, total_mwh, total.lasted_us)
        content: dict[str, Any] = {
            "cycle": total.wakes,
            "awake_s": cycle.awake_us / 1e6,
            "slept_s": self._slept_us / 1e6,
            "cpu_us": cycle.cpu_us,
            "wakes": wakes,
            "energy_mwh": round(cycle_mwh, 6),
            "total_mwh": round(total_mwh, 6),
            "battery_left_mwh": round(left, 3),
            "days_left": None if days == float("inf") else round(days, 3),
            "components": [
                {"name": one.name, "cpu_us": one.cpu_us, "messages": one.messages} for one in self._consumers()
            ],
        }
        path = self.root.resolve(self.report_file)
        folder = posixpath.dirname(path)
        make_folders_durably(self.platform.files, folder)
        place_file(self.platform.files, path, (json.dumps(content, separators=(",", ":")).encode(),))
        self.platform.files.sync_folder(folder)

    def _saving(self, file: str, step: Callable[[], object]) -> bool:
        """Does something with a file, and reports where that fails."""
        try:
            step()
        except OSError as fault:
            self.file_fault(file, reason_of(fault))
            return False
        return True


__all__ = ["EnergyLedger"]
