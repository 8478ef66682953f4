"""Keeps the mode of the deployment: safe, normal, hibernating or at work with its payload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    F32,
    U8,
    U32,
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
    String,
    async_port,
    command,
    guarded_port,
    sync_port,
)
from kittiwake.model.fw import Sched, Signal, TimeInterval
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.recall import Recall
from kittiwake.storage.root import reason_of
from kittiwake_components.mode_manager.mode_record import COUNT_MAX, ModeRecord, ModeState
from kittiwake_components.mode_manager.reports import ModeReports
from kittiwake_components.mode_manager.watches import Debounce, Silence
from kittiwake_components.ports.device import VoltageGet
from kittiwake_components.ports.file import PATH_SIZE
from kittiwake_components.ports.lifecycle import BootLoop
from kittiwake_components.ports.link import PacketRouted
from kittiwake_components.ports.mode import (
    ForceSafeMode,
    GetSystemMode,
    ModeWanted,
    SafeModeReason,
    SystemMode,
    SystemModeChanged,
)
from kittiwake_components.ports.sequence import CmdSeqIn, SequenceDone
from kittiwake_components.save_schedule import SaveSchedule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.storage.finding import Finding

SWITCHES = 8
LISTENERS = 8
STATE_FILE = "/mode_state.bin"
LONGEST_SAVE_INTERVAL_S = 600
"""At most so much of the ground's silence is forgotten by a kill."""
SILENCE_WORTH_FORGETTING_US = 60_000_000
"""A saved silence that is shorter is not worth a write when somebody was heard."""
CLEAN_END_HOLDS_S = 300
"""A reboot that was announced and has not come by then is not coming."""
NAN = float("nan")


def _check_loads(loads: list[int]) -> None:
    if len(set(loads)) < len(loads):
        raise ValueError(f"different numbers are wanted, not {loads}")


class ModeSignal(IntEnum):
    """What the modes heed."""

    FORCED = 0
    """Somebody wants safe mode, for a reason that comes with it."""
    BATTERY_LOW = 1
    BATTERY_RECOVERED = 2
    COMMANDS_LOST = 3
    NORMAL_ASKED = 4
    HIBERNATE_ASKED = 5
    PAYLOAD_ASKED = 6
    ENERGY_ENOUGH = 7


_ASKED = {
    SystemMode.NORMAL: ModeSignal.NORMAL_ASKED,
    SystemMode.HIBERNATE: ModeSignal.HIBERNATE_ASKED,
    SystemMode.PAYLOAD: ModeSignal.PAYLOAD_ASKED,
}


class ModeManager(ModeReports):
    """The modes (PROVES ModeManager), with hibernation and payload work, as one declared state machine.

    The mode and why it is safe outlive restarts. What cannot be read, an end that was not announced and a boot loop
    lead to safe mode; the loads are then off before anything else runs.
    """

    mode = StateMachine(
        SystemMode,
        ModeSignal,
        State(
            SystemMode.SAFE_MODE,
            On(ModeSignal.FORCED, do="ignore_request"),
            On(ModeSignal.BATTERY_LOW),
            On(ModeSignal.BATTERY_RECOVERED, SystemMode.NORMAL, guard="is_safe_for_battery", do="tell_recovery"),
            On(ModeSignal.COMMANDS_LOST, do="force_power_cycle"),
            On(ModeSignal.NORMAL_ASKED, SystemMode.NORMAL, do="exiting_safe_mode"),
            On(ModeSignal.HIBERNATE_ASKED, SystemMode.HIBERNATE, do="exiting_safe_mode"),
            entry="make_safe",
        ),
        State(
            SystemMode.NORMAL,
            On(ModeSignal.HIBERNATE_ASKED, SystemMode.HIBERNATE),
            On(ModeSignal.PAYLOAD_ASKED, SystemMode.PAYLOAD, guard="has_power"),
            entry="switch_loads",
        ),
        State(
            SystemMode.HIBERNATE,
            On(ModeSignal.NORMAL_ASKED, SystemMode.NORMAL),
            On(ModeSignal.ENERGY_ENOUGH, SystemMode.NORMAL, guard="was_wanted"),
            entry="switch_loads",
        ),
        State(
            SystemMode.PAYLOAD,
            On(ModeSignal.NORMAL_ASKED, SystemMode.NORMAL),
            On(ModeSignal.HIBERNATE_ASKED, SystemMode.HIBERNATE),
            entry="switch_loads",
        ),
        anywhere=[
            On(ModeSignal.FORCED, SystemMode.SAFE_MODE, do="take_reason"),
            On(ModeSignal.BATTERY_LOW, SystemMode.SAFE_MODE, do="tell_low_battery"),
            On(ModeSignal.COMMANDS_LOST, SystemMode.SAFE_MODE, do="lose_commands"),
        ],
        initial=SystemMode.NORMAL,
        changed="keep_and_tell",
        doc="The modes, and what leads from one to another.",
    )

    mode_changed = OutputPortArray(SystemModeChanged, LISTENERS, doc="Whoever acts by the mode; all of them are told.")
    run_sequence = OutputPort(CmdSeqIn, doc="To the sequencer that runs the safe mode sequence.")
    load_switch_turn_on = OutputPortArray(Signal, SWITCHES, doc="Switches a load on.")
    load_switch_turn_off = OutputPortArray(Signal, SWITCHES, doc="Switches a load off.")
    voltage_get = OutputPort(VoltageGet, doc="The battery's voltage; left open, the battery is not watched.")
    stop_watchdog = OutputPort(Signal, doc="Lets the watchdog expire, so that the power is cycled.")

    current_mode = Channel(U8, on_change=True, doc="The mode in force, by its number.")
    safe_mode_entry_count = Channel(U32, on_change=True, doc="How often safe mode was entered, over all starts.")
    current_safe_mode_reason = Channel(SafeModeReason, on_change=True, doc="Why safe mode is in force; else NONE.")
    unintended_reboots = Channel(U32, on_change=True, doc="Starts after an end that was not announced.")
    command_loss_remaining = Channel(U32, unit="s", doc="What is left until commands count as lost; 0: they never do.")

    safe_mode_entry_voltage = Parameter(
        F32, default=6.7, low=0.0, high=100.0, unit="V", name="SafeModeEntryVoltage", doc="A lower voltage is too low."
    )
    safe_mode_recovery_voltage = Parameter(
        F32, default=8.0, low=0.0, high=100.0, unit="V", name="SafeModeRecoveryVoltage",
        doc="A higher one is enough again.",
    )  # fmt: skip
    safe_mode_debounce_seconds = Parameter(
        U32, default=10, low=0, high=3600, unit="s", name="SafeModeDebounceSeconds", doc="How long either must last."
    )
    safemode_sequence_file = Parameter(
        String(PATH_SIZE), default="/seq/enter_safe.bin", doc="The sequence to run whenever safe mode is entered."
    )
    comm_loss_time = Parameter(
        TimeInterval,
        default=TimeInterval(3 * 86_400, 0),
        doc="So long without authenticated traffic means that commands are lost; 0: they never are.",
    )

    normal_loads = Setting(
        list[int], default=[0, 1, 2, 3, 4, 5], low=0, high=SWITCHES - 1, check=_check_loads, doc="Loads on in NORMAL."
    )
    payload_loads = Setting(
        list[int], default=[0, 1, 2, 3, 4, 5, 6, 7], low=0, high=SWITCHES - 1, check=_check_loads,
        doc="Loads on in PAYLOAD.",
    )  # fmt: skip

    _record: ModeRecord

    def initialize(self) -> None:
        self._state = ModeState()
        self._found: tuple[ModeState | None, tuple[Finding, ...]] = None, ()
        self._recalled = Recall(self.clock, self._take)
        self._has_recalled = False
        self._has_begun = False
        self._was_entered = False
        self._was_unintended = False
        self._token = 0
        self._voltage = NAN
        self._low, self._recovered = Debounce(), Debounce()
        self._silence = Silence(0, 0)
        self._schedule = SaveSchedule(LONGEST_SAVE_INTERVAL_S)
        self._announced_ns = 0

    def start(self) -> None:
        now = self.clock.now_ns()
        self._record = ModeRecord(self.platform.files, self.root.resolve(STATE_FILE))
        self._state = self._recall()
        self._has_recalled = True
        if self._state.mode in (SystemMode.SAFE_MODE, SystemMode.HIBERNATE):
            self._switch(())
        self._silence = Silence(self._state.silence_us, now)
        self._schedule.begin(now)
        self._save(is_clean=False)

    def stop(self) -> None:
        self._save(is_clean=self._state.is_clean or not self._context.deployment.exit_status)

    def parameter_updated(self, name: str) -> None:
        if self.safe_mode_recovery_voltage <= self.safe_mode_entry_voltage:
            raise CommandError(CommandResponse.VALIDATION_ERROR, "the recovery voltage must be above the entry voltage")

    def evidence(self) -> dict[str, Any]:
        lasted_ns = self.clock.now_ns() - self.mode.entered_ns
        return {"mode": self.mode.state, "reason": self._state.reason, "for_s": lasted_ns / NS_PER_S}

    # The start

    def _recall(self) -> ModeState:
        """The mode to go on in: what was saved, or safe mode where that cannot be known or the end was no good one."""
        try:
            self._recalled.ensure()
        except OSError as fault:
            self.state_persistence_failure("read", reason_of(fault))
            return self._unsafe(ModeState())
        saved, findings = self._found
        if saved is None:
            return self._unsafe(ModeState()) if findings else ModeState()
        self._was_unintended = not saved.is_clean
        if self._was_unintended:
            saved = saved._replace(unintended=min(saved.unintended + 1, COUNT_MAX))
        return self._unsafe(saved) if findings or not saved.is_clean else saved

    def _take(self, last_try: bool) -> None:
        """Reads what was saved. Read late, it adds to what is counted: the mode of this start stands."""
        saved, findings = self._found = self._record.read(last_try=last_try)
        for finding in findings:
            self.state_recovered(self.root.name_of(finding.path), finding.detail)
        if self._has_recalled and saved is not None:
            state = self._state
            self._state = state._replace(
                entries=min(state.entries + saved.entries, COUNT_MAX),
                unintended=min(state.unintended + saved.unintended + (not saved.is_clean), COUNT_MAX),
            )
            self._silence.add(saved.silence_us)

    def _unsafe(self, state: ModeState) -> ModeState:
        if state.mode is SystemMode.SAFE_MODE:
            return state
        self._was_entered = True
        entries = min(state.entries + 1, COUNT_MAX)
        return state._replace(mode=SystemMode.SAFE_MODE, reason=SafeModeReason.SYSTEM_FAULT, entries=entries)

    def _begin(self) -> None:
        """The first message: all others have started by now, and can be told."""
        if self._has_begun:
            return
        if self._was_unintended:
            self.unintended_reboot_detected()
        if self._was_entered:
            self.entering_safe_mode(self._state.reason.name)
        self.unintended_reboots = self._state.unintended
        self.mode.start(self._state.mode)
        self._has_begun = True

    # What the state machine does

    def is_safe_for_battery(self) -> bool:
        """Only what the battery began does the battery end."""
        return self._state.reason is SafeModeReason.LOW_BATTERY

    def was_wanted(self) -> bool:
        """Only a hibernation that a component wanted is over when it says so: a commanded one is the ground's."""
        return self._state.is_wanted

    def has_power(self) -> bool:
        """Whether the payload's loads may be switched on."""
        if not self.is_connected(ModeManager.voltage_get):
            return True
        self._voltage = self.voltage_get()
        return self._voltage >= self.safe_mode_entry_voltage

    def ignore_request(self, reason: SafeModeReason) -> None:
        """Safe mode is in force."""
        self.safe_mode_request_ignored()

    def take_reason(self, reason: SafeModeReason) -> None:
        """Somebody wants safe mode."""
        self._enter_for(reason)

    def tell_low_battery(self) -> None:
        """The battery is low."""
        self.auto_safe_mode_entry(SafeModeReason.LOW_BATTERY, self._voltage)
        self._enter_for(SafeModeReason.LOW_BATTERY)

    def tell_recovery(self) -> None:
        """The battery is well again."""
        self.auto_safe_mode_exit(self._voltage)

    def lose_commands(self) -> None:
        """Nobody commands any more: perhaps a power cycle brings the radio back."""
        self._enter_for(SafeModeReason.COMMAND_LOSS)
        self.force_power_cycle()

    def force_power_cycle(self) -> None:
        """Stops the watchdog; the silence begins anew, so that the next start does not do the same at once."""
        now = self.clock.now_ns()
        self.command_loss_detected(min(self._silence.lasted_us(now) // 1_000_000, 0xFFFFFFFF))
        self._silence.heard(now)
        self._save()
        if self.is_connected(ModeManager.stop_watchdog):
            self.stop_watchdog()

    def keep_and_tell(self, before: SystemMode, after: SystemMode) -> None:
        """A mode came into force: it is saved, and all are told."""
        self._state = self._state._replace(
            mode=after,
            reason=self._state.reason if after is SystemMode.SAFE_MODE else SafeModeReason.NONE,
            is_wanted=self._state.is_wanted and after is SystemMode.HIBERNATE,
        )
        if after is SystemMode.SAFE_MODE and self._has_begun:
            self._state = self._state._replace(entries=min(self._state.entries + 1, COUNT_MAX))
            self.entering_safe_mode(self._state.reason.name)
        self._low.begin_anew()
        self._recovered.begin_anew()
        self._save()
        self._show()
        for index, tell in enumerate(self.mode_changed):
            if self.is_connected(ModeManager.mode_changed, index):
                tell(after)

    def make_safe(self) -> None:
        """Loads off, then the safe mode sequence."""
        self._switch(())
        if self.is_connected(ModeManager.run_sequence):
            self._token += 1
            self.run_sequence(self.safemode_sequence_file, self._token)

    def switch_loads(self) -> None:
        """Switches the loads on that the mode has, and all others off."""
        loads = {SystemMode.NORMAL: self.normal_loads, SystemMode.PAYLOAD: self.payload_loads}
        self._switch(loads.get(self._state.mode, ()))

    def _switch(self, on: Iterable[int]) -> None:
        wanted = set(on)
        for index in range(SWITCHES):
            if index not in wanted and self.is_connected(ModeManager.load_switch_turn_off, index):
                self.load_switch_turn_off[index]()
        for index in sorted(wanted):
            if self.is_connected(ModeManager.load_switch_turn_on, index):
                self.load_switch_turn_on[index]()

    def _enter_for(self, reason: SafeModeReason) -> None:
        self._state = self._state._replace(reason=reason)

    def _show(self) -> None:
        self.current_mode = int(self._state.mode)
        self.current_safe_mode_reason = self._state.reason
        self.safe_mode_entry_count = self._state.entries

    # Ports

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Once a second: the battery, the ground's silence, and what is due to be saved."""
        self._begin()
        now = self.clock.now_ns()
        self._watch_silence(now)
        if self.is_connected(ModeManager.voltage_get):
            self._watch_battery(now)
        if self._state.is_clean and now - self._announced_ns >= CLEAN_END_HOLDS_S * NS_PER_S:
            self._save(is_clean=False)
        elif self._schedule.is_due(now):
            self._save()

    def _watch_battery(self, now_ns: int) -> None:
        self._voltage = voltage = self.voltage_get()
        limit_s = self.safe_mode_debounce_seconds
        # A comparison with NaN is false: a reading that is no number is a low one.
        is_low = not voltage >= self.safe_mode_entry_voltage
        if self.mode.state is SystemMode.SAFE_MODE:
            is_enough = voltage > self.safe_mode_recovery_voltage
            if self._recovered.has_lasted(holds=is_enough, now_ns=now_ns, limit_s=limit_s):
                self.mode.send(ModeSignal.BATTERY_RECOVERED)
        elif self._low.has_lasted(holds=is_low, now_ns=now_ns, limit_s=limit_s):
            self.mode.send(ModeSignal.BATTERY_LOW)

    def _watch_silence(self, now_ns: int) -> None:
        limit_us = self.comm_loss_time.in_ns() // 1000
        silence_us = self._silence.lasted_us(now_ns)
        if silence_us < self._state.silence_us and self._state.silence_us >= SILENCE_WORTH_FORGETTING_US:
            self._save()
        if not limit_us:
            self.command_loss_remaining = 0
            return
        if silence_us >= limit_us + self.safe_mode_debounce_seconds * 1_000_000:
            self.mode.send(ModeSignal.COMMANDS_LOST)
            silence_us = self._silence.lasted_us(now_ns)
        self.command_loss_remaining = min(max(limit_us - silence_us, 0) // 1_000_000, 0xFFFFFFFF)

    @sync_port(PacketRouted)
    def packet_routed(self, apid: int, authenticated: bool) -> None:
        """A packet came from the ground; only one with a valid signature ends the silence."""
        if authenticated:
            self._silence.heard(self.clock.now_ns())

    @async_port(ForceSafeMode, priority=5, full="drop")
    def force_safe_mode_in(self, reason: SafeModeReason) -> None:
        """Another component asks for safe mode."""
        self._begin()
        wanted = SafeModeReason.EXTERNAL_REQUEST if reason is SafeModeReason.NONE else reason
        self.external_fault_detected(wanted)
        self.mode.send(ModeSignal.FORCED, wanted)

    @async_port(ModeWanted, full="drop")
    def mode_wanted(self, mode: SystemMode) -> None:
        """Somebody wants less to be done, to save energy, or takes that back; what does less already stays as it is."""
        self._begin()
        if mode is SystemMode.NORMAL:
            self.mode.send(ModeSignal.ENERGY_ENOUGH)
        elif mode is SystemMode.SAFE_MODE and self.mode.state is not SystemMode.SAFE_MODE:
            self.mode.send(ModeSignal.FORCED, SafeModeReason.EXTERNAL_REQUEST)
        elif mode is SystemMode.HIBERNATE and self.mode.state in (SystemMode.NORMAL, SystemMode.PAYLOAD):
            self._state = self._state._replace(is_wanted=True)
            self.mode.send(ModeSignal.HIBERNATE_ASKED)

    @async_port(BootLoop, priority=5, full="drop")
    def boot_loop(self, boots: int) -> None:
        """The last starts each ended early."""
        self._begin()
        self.boot_loop_safe(boots)
        if self.mode.state is not SystemMode.SAFE_MODE:
            self.mode.send(ModeSignal.FORCED, SafeModeReason.BOOT_LOOP)
        elif self._state.reason is SafeModeReason.SYSTEM_FAULT:
            self._enter_for(SafeModeReason.BOOT_LOOP)
            self._save()
            self._show()

    @sync_port(GetSystemMode)
    def get_mode(self) -> SystemMode:
        """The mode in force."""
        return self._state.mode

    @guarded_port(Signal)
    def prepare_for_reboot(self) -> None:
        """The next end is intended: the start after it goes on in this mode."""
        self._announced_ns = self.clock.now_ns()
        self._save(is_clean=True)
        self.preparing_for_reboot()

    @async_port(SequenceDone, full="drop")
    def complete_sequence(self, token: int, response: CommandResponse) -> None:
        """A run of the sequencer has ended; whether it is ours the token says."""
        if token != self._token or not self._token:
            return
        if response is CommandResponse.OK:
            self.safe_mode_sequence_completed()
        else:
            self.safe_mode_sequence_failed(response)

    # Commands

    @command
    def force_safe_mode(self) -> None:
        """Enters safe mode; OK where it is in force already."""
        self._begin()
        if self.mode.state is not SystemMode.SAFE_MODE:
            self.manual_safe_mode_entry()
        self.mode.send(ModeSignal.FORCED, SafeModeReason.GROUND_COMMAND)

    @command
    def exit_safe_mode(self) -> None:
        """Leaves safe mode for NORMAL, whatever its reason; OK where it is not in force."""
        self._begin()
        if self.mode.state is SystemMode.SAFE_MODE:
            self.mode.send(ModeSignal.NORMAL_ASKED)

    @command
    def get_current_mode(self) -> None:
        """Reports the mode in force."""
        self._begin()
        self.current_mode_reading(self.mode.state)

    @command
    def get_safe_mode_reason(self) -> None:
        """Reports why safe mode is in force; NONE where it is not."""
        self._begin()
        self.current_safe_mode_reason_reading(self._state.reason)

    @command
    def set_mode(self, mode: SystemMode) -> None:
        """Goes over to a mode; PAYLOAD only from NORMAL, and with enough voltage."""
        self._begin()
        current = self.mode.state
        if mode is current:
            if self._state.is_wanted:  # from now on it is the ground's wish
                self._state = self._state._replace(is_wanted=False)
                self._save()
            return
        if mode is SystemMode.SAFE_MODE:
            self.manual_safe_mode_entry()
            self.mode.send(ModeSignal.FORCED, SafeModeReason.GROUND_COMMAND)
        elif not self.mode.send(_ASKED[mode]):
            is_near = bool(ModeManager.mode.at(current, _ASKED[mode]))
            why = f"{self._voltage:.2f} V are too little" if is_near else f"no way leads there from {current.name}"
            self.mode_change_refused(mode, current, why)
            raise CommandError(CommandResponse.EXECUTION_ERROR, why)

    # The record

    def _save(self, is_clean: bool | None = None) -> None:
        """Saves what is known now; what cannot be saved holds in memory, and is tried again at the next turn."""
        try:
            self._recalled.ensure()
        except OSError as fault:
            self.state_persistence_failure("read", reason_of(fault))
        self._state = self._state._replace(
            is_clean=self._state.is_clean if is_clean is None else is_clean,
            silence_us=self._silence.lasted_us(self.clock.now_ns()),
        )
        if not self._recalled.is_done:
            return
        try:
            self._record.write(self._state)
        except OSError as fault:
            self.state_persistence_failure("written", reason_of(fault))


__all__ = ["ModeManager", "ModeSignal"]
