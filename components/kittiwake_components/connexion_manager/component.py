"""Brings up the bearers that are needed, the best first, and leaves those alone for a while that fail."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.model import (
    F32,
    I16,
    U32,
    U64,
    Bool,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    OutputPortArray,
    Parameter,
    Setting,
    String,
    async_port,
    command,
    guarded_port,
    internal_port,
    sync_port,
)
from kittiwake.model.fw import Enabled, Sched, Signal
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.recall import Recall
from kittiwake.storage.root import reason_of
from kittiwake_components.connexion_manager.configuration import (
    CONFIGURATION_SIZE,
    Configuration,
    ConfigurationFault,
    ConfigurationRecords,
    parse_configuration,
)
from kittiwake_components.connexion_manager.managed_bearers import U32_MAX, ManagedBearers
from kittiwake_components.connexion_manager.reports import NAME_SIZE, Name
from kittiwake_components.connexion_manager.states import BearerSignal, BearerState
from kittiwake_components.connexion_manager.strategy import (
    JOULES_A_MWH,
    Bearer,
    Budget,
    Demand,
    LinkStrategy,
    obstacle,
    ranked,
)
from kittiwake_components.connexion_manager.trial import ConfigurationTrial
from kittiwake_components.connexion_manager.usage_record import COUNT_MAX, Usage, UsageRecord
from kittiwake_components.mode_manager.watches import Silence
from kittiwake_components.ports.bearer import (
    BEARERS,
    NO_BEARER,
    UNKNOWN_RSSI,
    BearerChanged,
    BearerCondition,
    BearerOrder,
    BearerStatus,
    BearerTraffic,
    EnergyLeft,
    LinkPurpose,
    LinkRequest,
)
from kittiwake_components.ports.file import FileName
from kittiwake_components.ports.link import LinkState, LinkStatus, PacketRouted
from kittiwake_components.ports.mode import GetSystemMode, SystemMode, SystemModeChanged
from kittiwake_components.save_schedule import SaveSchedule

if TYPE_CHECKING:
    from collections.abc import Callable

LISTENERS = 4
NONE = -1
ANY_DEMAND = Demand(0, 0.0)
LONGEST_SAVE_INTERVAL_S = 600
"""At most so much of the silence is forgotten by a kill."""
SILENCE_WORTH_FORGETTING_US = 60_000_000
"""A saved silence that is shorter is not worth a write when somebody was heard."""
_CARRYING = (BearerState.UP, BearerState.DEGRADED)


def check_figures(figures: dict[str, float]) -> None:
    """Raises `ValueError` for a figure of a bearer that is below 0."""
    if any(not 0.0 <= figure < float("inf") for figure in figures.values()):
        raise ValueError(f"figures of at least 0 are wanted, not {figures}")


class ConnexionManager(ManagedBearers):
    """Chooses among the bearers of a device, and sees to it that somebody can be reached at last.

    A bearer that is up is no evidence of anything: contact is a packet with a valid signature, or a transfer that was
    acknowledged. Without contact a candidate configuration is given up, and the recovery bearer comes up.
    """

    link_up = OutputPortArray(BearerChanged, LISTENERS, doc="A bearer came into use.")
    link_down = OutputPortArray(BearerChanged, LISTENERS, doc="A bearer went out of use.")
    status_out = OutputPortArray(LinkStatus, LISTENERS, doc="Whether any bearer is in use.")
    get_mode = OutputPort(GetSystemMode, doc="The mode at the start; without it that is NORMAL.")
    energy_left = OutputPort(EnergyLeft, doc="What may still be spent; without it there is no limit.")

    current_bearer = Channel(String(NAME_SIZE), on_change=True, doc="The bearer in use; empty: none.")
    rssi = Channel(I16, on_change=True, unit="dBm", doc="The signal of the bearer in use; -32768: unknown.")
    link_uptime = Channel(U32, unit="s", doc="How long the bearer in use has been so.")
    bytes_up = Channel(U64, on_change=True, unit="B", doc="Sent over all bearers since the start.")
    bytes_down = Channel(U64, on_change=True, unit="B", doc="Received over all bearers since the start.")
    silence = Channel(U32, unit="s", doc="How long there was no contact, over restarts.")
    in_recovery = Channel(Bool, on_change=True, doc="Whether the recovery bearer is wanted.")
    on_trial = Channel(Bool, on_change=True, doc="Whether a candidate configuration is on trial.")

    keep_up = Parameter(Bool, default=True, doc="A bearer is kept up, though nobody asks for one.")
    order = Parameter(String(120), default="", doc="Bearers, best first, comma between; empty: the configuration's.")
    strategy = Parameter(LinkStrategy, default=LinkStrategy.ORDER, doc="What makes one bearer better than another.")
    cost_per_joule = Parameter(F32, default=0.0, low=0.0, high=1e6, doc="What a joule costs, in the costs' currency.")
    recovery_after_s = Parameter(
        U32, default=86400, low=60, high=2_592_000, unit="s", doc="Without contact for so long the recovery begins."
    )
    trial_s = Parameter(U32, default=900, low=60, high=604_800, unit="s", doc="For a candidate to lead to contact.")

    recovery = Setting(str, default="", doc="The bearer for recovery; empty: the last one.")
    safe_bearers = Setting(list[str], default=[], doc="What may be up in safe mode, besides the one for recovery.")
    hibernate_bearers = Setting(list[str], default=[], doc="What may be up in hibernation.")
    cost_per_byte = Setting(dict[str, float], default={}, check=check_figures, doc="What a byte costs, by bearer.")
    rates_bps = Setting(dict[str, float], default={}, check=check_figures, doc="How fast each bearer is.")
    power_mw = Setting(dict[str, float], default={}, check=check_figures, doc="What each draws while it sends.")
    volume_bytes = Setting(
        dict[str, float], default={}, check=check_figures, doc="What each may carry until RESET_VOLUME; 0: nothing."
    )
    configuration_file = Setting(str, default="/link_configuration", doc="Records of the configurations.")
    usage_file = Setting(str, default="/link_usage", doc="Record of the silence and the volumes.")

    # Life

    def initialize(self) -> None:
        files = self.platform.files
        count = len(self.bearers)
        self._attempts, self._wait_s, self._is_review_queued = 0, 1.0, False
        self._mode = SystemMode.NORMAL
        self._has_begun = False
        self._current = NONE
        self._current_since_ns = self._contact_ns = 0
        self._preferred = NONE
        self._recovery = self.bearers.index(self.recovery) if self.recovery in self.bearers else count - 1
        self._is_recovering = self._must_reset = self._were_all_down = False
        self._disabled: set[int] = set()
        self._demands: dict[LinkPurpose, tuple[Demand, int]] = {}
        self.failures, self.strengths_dbm = [0] * count, [UNKNOWN_RSSI] * count
        self._scanning: set[int] = set()
        self._volume = [0] * BEARERS
        self._sent = self._received = 0
        self._silence = Silence(0, 0)
        self._schedule = SaveSchedule(LONGEST_SAVE_INTERVAL_S)
        self._usage_record = UsageRecord(files, self.root.resolve(self.usage_file))
        self._usage_recall = Recall(self.clock, self._take_usage)
        self._saved = Usage()
        records = ConfigurationRecords(files, self.root.resolve(self.configuration_file), self.bearers)
        self._trial = ConfigurationTrial(records, Configuration(tuple(self.bearers), {}))

    def start(self) -> None:
        now = self.clock.now_ns()
        self._saving(self.configuration_file, self._recall_configuration)
        self._silence = Silence(0, now)
        self._saving(self.usage_file, self._usage_recall.ensure)
        self._schedule.begin(now)
        self._tell_status(LinkState.DOWN)

    def _recall_configuration(self) -> None:
        self.report_findings(self.configuration_file, self._trial.recall(self.clock.now_ns()))

    def _take_usage(self, last_try: bool) -> None:
        self._saved, findings = self._usage_record.read(last_try=last_try)
        self._volume = [one + before for one, before in zip(self._volume, self._saved.volume_bytes, strict=True)]
        self._silence.add(self._saved.silence_us)
        self.report_findings(self.usage_file, findings)

    def stop(self) -> None:
        now = self.clock.now_ns()
        self._save_usage()
        self._saving(self.configuration_file, lambda: self._trial.save(now))

    def _begin(self) -> None:
        """The first message: all adapters have started by now, and can be told."""
        if self._has_begun:
            return
        self._has_begun = True
        if self.is_connected(ConnexionManager.get_mode):
            self._mode = self.get_mode()
        for machine in self.bearer[: len(self.bearers)]:
            machine.start()

    def parameter_updated(self, name: str) -> None:
        if unknown := set(self._names_in_order()) - set(self.bearers):
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"there is no bearer {min(unknown)!r}")
        if self.backoff_max_s < self.backoff_min_s:
            raise CommandError(CommandResponse.VALIDATION_ERROR, "the longest wait is shorter than the first")

    # What the machines ask for

    def setup_of(self, index: int) -> str:
        """By the configuration in force; for recovery what the adapter has by itself."""
        if self._is_recovering and index == self._recovery:
            return ""
        return self._trial.in_force.setups.get(self.bearers[index], "")

    def bearer_came_up(self) -> None:
        """From here on contact speaks for the configuration in force."""
        self._trial.bearer_came_up()

    # The choice

    @internal_port(full="drop")
    def review(self) -> None:
        """Wants the best bearer, and lets go of those that are not needed."""
        self._is_review_queued = False
        if not self._has_begun:
            return
        now = self.clock.now_ns()
        choices = self._choices(now)
        usable = [one for one in choices if self.bearer[one].state is not BearerState.BACKOFF]
        carrying = [one for one in usable if self.bearer[one].state in _CARRYING]
        # The one that carries now goes on until the better one is up.
        kept = {self._next_to_carry(usable, carrying), *carrying[:1]} - {NONE}
        for index in range(len(self.bearers)):
            if index not in kept:
                self.bearer[index].send(BearerSignal.UNWANTED)
        for index in kept:
            self.bearer[index].send(BearerSignal.WANTED)
        up = [one for one in usable if self.bearer[one].state in _CARRYING]
        self._use(up[0] if up else NONE)
        self._tell_if_all_failed(choices, usable)

    def _next_to_carry(self, usable: list[int], carrying: list[int]) -> int:
        """Which one is to come up, of those that are better than the one that carries; none if that is the best.

        One that is coming up is let do so. Else those that failed least often have their turn first: with the best
        alone the others would never have one, while it fails and comes back from its waits.
        """
        better = usable[: usable.index(carrying[0])] if carrying else usable
        coming = [one for one in better if self.bearer[one].state is BearerState.BRINGUP]
        return min(coming or better, key=lambda one: self.failures[one], default=NONE)

    def _choices(self, now_ns: int) -> list[int]:
        """The bearers that may be up now, the best first; none where nobody wants one."""
        self._demands = {purpose: one for purpose, one in self._demands.items() if one[1] > now_ns}
        if not (self.keep_up or self._demands or self._is_recovering):
            return []
        demand = max([one for one, _ in self._demands.values()], default=ANY_DEMAND)
        bearers, budget = self._bearers(), self._budget(demand)
        found = ranked(bearers, demand, budget, self.strategy, self._preferred)
        if not found and self.keep_up:
            found = ranked(bearers, ANY_DEMAND, budget, self.strategy, self._preferred)
        choices = [one.number for one in found]
        if self._is_recovering and self._is_mode_right(self._recovery):
            choices = [self._recovery, *[one for one in choices if one != self._recovery]]
        return choices

    def _names_in_order(self) -> list[str]:
        return [name.strip() for name in self.order.split(",")] if self.order.strip() else []

    def _bearers(self) -> list[Bearer]:
        names = self._names_in_order() or list(self._trial.in_force.order)
        indices = [self.bearers.index(name) for name in names if name in self.bearers]
        allowed = [index for index in indices if index not in self._disabled and self._is_mode_right(index)]
        return [self._figures(index, place) for place, index in enumerate(allowed)]

    def _is_mode_right(self, index: int) -> bool:
        name = self.bearers[index]
        if self._mode is SystemMode.HIBERNATE:
            return name in self.hibernate_bearers
        return self._mode is not SystemMode.SAFE_MODE or name in self.safe_bearers or index == self._recovery

    def _figures(self, index: int, place: int) -> Bearer:
        name = self.bearers[index]
        limit = self.volume_bytes.get(name)
        left = None if limit is None else int(limit) - self._volume[index]
        rate, power = self.rates_bps.get(name, 0.0), self.power_mw.get(name, 0.0)
        is_degraded = self.bearer[index].state is BearerState.DEGRADED
        return Bearer(index, place, self.cost_per_byte.get(name, 0.0), rate, power, left, is_degraded)

    def _budget(self, demand: Demand) -> Budget:
        """What is left to spend; who wants nothing sent need not ask."""
        if not demand.size_bytes or not self.is_connected(ConnexionManager.energy_left):
            return Budget(self.cost_per_joule, None)
        left_mwh = self.energy_left()
        return Budget(self.cost_per_joule, None if left_mwh != left_mwh else left_mwh * JOULES_A_MWH)

    def _use(self, index: int) -> None:
        """Takes a bearer into use, or none."""
        before, self._current = self._current, index
        if index == before:
            return
        self._current_since_ns = self.clock.now_ns()
        self.current_bearer = "" if index == NONE else self.bearers[index]
        if before != NONE and index != NONE:
            self.bearer_switched(self.bearers[index], self.bearers[before])
        self._show_rssi()
        for listener in range(LISTENERS):
            if before != NONE and self.is_connected(ConnexionManager.link_down, listener):
                self.link_down[listener](before)
            if index != NONE and self.is_connected(ConnexionManager.link_up, listener):
                self.link_up[listener](index)
        if before == NONE or index == NONE:
            self._tell_status(LinkState.DOWN if index == NONE else LinkState.UP)

    def _tell_status(self, state: LinkState) -> None:
        for listener in range(LISTENERS):
            if self.is_connected(ConnexionManager.status_out, listener):
                self.status_out[listener](state)

    def _tell_if_all_failed(self, choices: list[int], usable: list[int]) -> None:
        have_failed = bool(choices) and not usable
        if have_failed and not self._were_all_down:
            self.all_links_down(len(choices))
        # All of them have their turn again before it is worth telling once more.
        self._were_all_down = have_failed or (self._were_all_down and self._current == NONE)

    def _show_rssi(self) -> None:
        self.rssi = UNKNOWN_RSSI if self._current == NONE else self.strengths_dbm[self._current]

    # Ports

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Once a second: the silence, the trial, what is due to be saved, and the choice."""
        self._begin()
        now = self.clock.now_ns()
        self._saving(self.configuration_file, lambda: self._trial.save_if_due(now))
        if self._trial.is_on and self._trial.lasted_s(now) >= self.trial_s:
            self.config_rolled_back(self.trial_s)
            self._saving(self.configuration_file, self._trial.roll_back)
            self._must_reset = True
        self._watch_silence(now)
        if self._must_reset:
            self._must_reset = False
            for machine in self.bearer[: len(self.bearers)]:
                machine.send(BearerSignal.RESET)
        self.review()
        if self._schedule.is_due(now):
            self._save_usage()
        self.on_trial = self._trial.is_on
        self.in_recovery = self._is_recovering
        self.bytes_up, self.bytes_down = self._sent, self._received
        self.link_uptime = 0 if self._current == NONE else (now - self._current_since_ns) // NS_PER_S & U32_MAX

    def _watch_silence(self, now_ns: int) -> None:
        silence_s = self._silence.lasted_us(now_ns) // 1_000_000
        self.silence = min(silence_s, U32_MAX)
        if silence_s >= self.recovery_after_s:
            self._recover(silence_s)
        if self._current == NONE or not self.silence_limit_s:
            return
        if now_ns - max(self._current_since_ns, self._contact_ns) >= self.silence_limit_s * NS_PER_S:
            self.bearer[self._current].send(BearerSignal.SILENT)

    def _recover(self, silence_s: int) -> None:
        if self._is_recovering:
            return
        self._is_recovering = True
        self.recovery_link_used(self.bearers[self._recovery], min(silence_s, U32_MAX))
        # It may be up or waiting under a setup that is the very reason for the silence.
        self.failures[self._recovery] = 0
        self.bearer[self._recovery].send(BearerSignal.RESET)

    @async_port(BearerStatus, size=BEARERS, priority=5, full="drop_oldest")
    def status_in(self, index: int, condition: BearerCondition, rssi_dbm: int, reason: str) -> None:
        """How a bearer is."""
        self._begin()
        if index >= len(self.bearers):
            return
        self.strengths_dbm[index] = rssi_dbm
        if index in self._scanning:
            self._scanning.discard(index)
            self.bearer_scanned(self.bearers[index], rssi_dbm)
        if index == self._current:
            self._show_rssi()
        if condition is BearerCondition.DOWN:
            self.bearer[index].send(BearerSignal.LOST, reason)
        else:
            is_good = condition is BearerCondition.UP
            self.bearer[index].send(BearerSignal.CAME_UP if is_good else BearerSignal.WORSENED)

    @async_port(BearerTraffic, size=BEARERS, full="drop")
    def traffic_in(self, index: int, sent_bytes: int, received_bytes: int) -> None:
        """So much went over a bearer; it counts against its volume."""
        self._sent = min(self._sent + sent_bytes, COUNT_MAX)
        self._received = min(self._received + received_bytes, COUNT_MAX)
        self._volume[index] = min(self._volume[index] + sent_bytes + received_bytes, COUNT_MAX)

    @guarded_port(LinkRequest)
    def request(self, purpose: LinkPurpose, size_bytes: int, deadline_s: int) -> int:
        """Has a bearer brought up for so many bytes; its number once it is up, 255 until then or where none may."""
        self._begin()
        now = self.clock.now_ns()
        demand = Demand(size_bytes, float(deadline_s))
        budget = self._budget(demand)
        bearers = self._bearers()
        able = ranked(bearers, demand, budget, self.strategy, self._preferred)
        if not able:
            reasons = [f"{self.bearers[one.number]}: {obstacle(one, demand, budget)}" for one in bearers]
            self.budget_exceeded(purpose, size_bytes, "; ".join(reasons) or "none is allowed now")
            return NO_BEARER
        self._demands[purpose] = demand, now + deadline_s * NS_PER_S
        self.ask_for_review()
        return next((one.number for one in able if self.bearer[one.number].state in _CARRYING), NO_BEARER)

    @sync_port(PacketRouted)
    def packet_routed(self, apid: int, authenticated: bool) -> None:
        """A packet came from the ground; one with a valid signature is contact."""
        if authenticated:
            self.hear()

    @async_port(Signal, full="drop")
    def transfer_done(self) -> None:
        """A transfer was acknowledged by the other side: that is contact."""
        self._note_contact()

    @internal_port(full="drop")
    def hear(self) -> None:
        """Contact that was noticed on the way of a packet, which goes on meanwhile."""
        self._note_contact()

    def _note_contact(self) -> None:
        now = self.clock.now_ns()
        self._silence.heard(now)
        self._contact_ns = now
        self._is_recovering = False
        if self._current != NONE:
            self.failures[self._current] = 0
        if self._saved.silence_us >= SILENCE_WORTH_FORGETTING_US:
            self._save_usage()
        if self._trial.has_proved():
            self._keep_candidate()

    def _keep_candidate(self) -> bool:
        if not self._saving(self.configuration_file, self._trial.confirm):
            return False
        self.config_kept()
        self.on_trial = False
        return True

    @async_port(SystemModeChanged, priority=5, full="drop_oldest")
    def mode_in(self, mode: SystemMode) -> None:
        """A mode came into force: what it does not allow goes down."""
        self._begin()
        self._mode = mode
        self.review()

    # Commands

    @command
    def link_enable(self, bearer: Name) -> None:
        """Lets a bearer be used, and forgets that it failed."""
        index = self._index(bearer)
        self._begin()
        self._disabled.discard(index)
        self.failures[index] = 0
        if self.bearer[index].state is BearerState.BACKOFF:
            self.bearer[index].send(BearerSignal.RESET)
        self.review()

    @command
    def link_disable(self, bearer: Name) -> None:
        """Keeps a bearer down until LINK_ENABLE or a restart; recovery uses it all the same."""
        self._disabled.add(self._index(bearer))
        self.review()

    @command
    def link_prefer(self, bearer: Name) -> None:
        """Puts a bearer first until a restart; an empty name takes that back."""
        self._preferred = self._index(bearer) if bearer else NONE
        self.review()

    @command
    def scan(self) -> None:
        """Has every bearer's signal measured and reported."""
        for index in range(len(self.bearers)):
            self._scanning.add(index)
            self.order_adapter(index, BearerOrder.SCAN, "")

    @command
    def recovery_link(self, recover: Enabled) -> None:
        """Brings up the recovery bearer, or ends the recovery; the silence then begins anew."""
        self._begin()
        now = self.clock.now_ns()
        if recover is Enabled.ENABLED:
            self._recover(self._silence.lasted_us(now) // 1_000_000)
        else:
            self._is_recovering = False
            self._silence.heard(now)
        self.review()

    @command
    def apply_config(self, file: FileName) -> None:
        """Puts a configuration on trial: without contact over it, it is given up after TRIAL_S."""
        try:
            data = self.platform.files.read(self.root.resolve(file), CONFIGURATION_SIZE)
            self._trial.begin(parse_configuration(data, self.bearers), self.clock.now_ns())
        except (OSError, ConfigurationFault) as fault:
            self.file_fault(file, reason_of(fault))
            is_wrong = isinstance(fault, ConfigurationFault)
            raise CommandError(
                CommandResponse.VALIDATION_ERROR if is_wrong else CommandResponse.EXECUTION_ERROR, reason_of(fault)
            ) from None
        # Not before the answer to this has gone out.
        self._must_reset = self.on_trial = True
        self.config_on_trial(file, self.trial_s)

    @command
    def confirm_config(self) -> None:
        """Keeps the configuration on trial without waiting for contact."""
        if not self._trial.is_on:
            raise CommandError(CommandResponse.EXECUTION_ERROR, "no configuration is on trial")
        if not self._keep_candidate():
            raise CommandError(CommandResponse.EXECUTION_ERROR, "it could not be saved")

    @command
    def reset_volume(self, bearer: Name) -> None:
        """Begins a bearer's volume anew."""
        if not self._saving(self.usage_file, self._usage_recall.ensure):
            raise CommandError(CommandResponse.EXECUTION_ERROR, "the volume of before this start cannot be read yet")
        self._volume[self._index(bearer)] = 0
        if not self._save_usage():
            raise CommandError(CommandResponse.EXECUTION_ERROR, "it is 0 until a restart, but could not be saved so")

    def _index(self, bearer: str) -> int:
        if bearer not in self.bearers:
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"there is no bearer {bearer!r}")
        return self.bearers.index(bearer)

    # The records

    def _save_usage(self) -> bool:
        if not self._saving(self.usage_file, self._usage_recall.ensure):
            return False
        usage = Usage(self._silence.lasted_us(self.clock.now_ns()), tuple(self._volume))
        if self._saving(self.usage_file, lambda: self._usage_record.write(usage)):
            self._saved = usage
            return True
        return False

    def _saving(self, file: str, step: Callable[[], object]) -> bool:
        """Does something with a record, and reports where that fails."""
        try:
            step()
        except OSError as fault:
            self.file_fault(file, reason_of(fault))
            return False
        return True


__all__ = ["ConnexionManager"]
