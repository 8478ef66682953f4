"""Looks after the sensors of a hive: each in a process of its own, recording at the times of its window."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from kittiwake.model import (
    U8,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    OutputPortArray,
    Setting,
    async_port,
    command,
    guarded_port,
)
from kittiwake.model.codec import clip
from kittiwake.model.fw import Sched, Severity
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.copying import make_folders_durably
from kittiwake.wire.calendar import S_PER_DAY
from kittiwake_components.deployment_time import NO_TIME, time_value
from kittiwake_components.ports.hive import (
    HiveConfigured,
    SensorName,
    SensorReport,
    SensorReported,
    SensorState,
    SensorStatus,
)
from kittiwake_components.ports.text_log import TextLogLimits
from kittiwake_components.sensor_orchestrator.configured_sensors import ConfiguredSensors
from kittiwake_components.sensor_orchestrator.hearing import LISTENERS, U32_MAX
from kittiwake_components.sensor_orchestrator.log_levels import LEVELS
from kittiwake_components.sensor_orchestrator.reports import REASON_SIZE
from kittiwake_components.sensor_orchestrator.states import ElapsedStarts, StopPolicy
from kittiwake_components.sensor_orchestrator.supervision import POWER_SWITCHES

if TYPE_CHECKING:
    from kittiwake_components.sensor_orchestrator.configuration import LogSettings
    from kittiwake_components.sensor_orchestrator.supervised import Supervised

MB = 1_000_000
MAX_HOST = 63
HOST_NAME_FILE = "/proc/sys/kernel/hostname"
NAMELESS = "hive"
"""A machine that says no name."""

_FAILED = CommandResponse.EXECUTION_ERROR
_RUNNING = (SensorState.WAITING, SensorState.BEGINNING, SensorState.RECORDING)


def check_switches(names: list[str]) -> None:
    """The check of the setting `switched`. Raises `ValueError`."""
    if len(names) > POWER_SWITCHES or len(set(names)) < len(names):
        raise ValueError(f"at most {POWER_SWITCHES} different names are wanted")


def is_host(name: str) -> bool:
    """Whether it is a host's name without a domain."""
    return name.replace("-", "").isalnum() and name.isascii() and len(name) <= MAX_HOST


def check_host(name: str) -> None:
    """The check of the setting `host`. Raises `ValueError`."""
    if name and not is_host(name):
        raise ValueError("a host's name has letters, digits and hyphens, at most 63")


class SensorOrchestrator(ConfiguredSensors):
    """The sensors of a hive (AppMAIS' Beemon orchestrator).

    Each sensor that its configuration names has a process of its own, which waits on its input and is told when to
    record. A stop that a command gave outlives restarts; all else is as the configuration says.
    """

    sensor_out = OutputPortArray(SensorReported, LISTENERS, doc="How each sensor is, at each change, for channels.")

    configured_out = OutputPortArray(HiveConfigured, 2, doc="A configuration has come into force, for the uploader.")

    log_out = OutputPort(TextLogLimits, doc="What the configuration says of the text log.")

    sensors_known = Channel(U8, name="Sensors", on_change=True, doc="Sensors in the configuration.")
    running = Channel(U8, on_change=True, doc="Sensors that wait for their next start, or record.")
    recording = Channel(U8, on_change=True, doc="Sensors that record.")
    quarantined = Channel(U8, on_change=True, doc="Sensors that are left alone.")

    output = Setting(
        str, default="/captures", doc="Where recordings go, in the root, if no local_output_directory says it."
    )
    host = Setting(
        str, default="", check=check_host, doc="The first part of the names of recordings; empty: the machine's name."
    )
    switched = Setting(
        list[str],
        default=[],
        check=check_switches,
        doc="The sensors whose power the places of `power_cycle` switch.",
    )

    # Life

    def initialize(self) -> None:
        self.sensors = {}
        self._last_capture = 0
        self.recordings = self.root.resolve(self.output)
        self.host_name = self.host or self._machine_name()
        self.open_records()

    def _machine_name(self) -> str:
        """The name of the machine without its domain, as the original has it: two hives must not share their files."""
        try:
            name = self.platform.files.read(HOST_NAME_FILE, 256).decode("ascii", "replace").strip().partition(".")[0]
        except OSError:
            name = ""
        return name if is_host(name) else NAMELESS

    def start(self) -> None:
        self.start_schedule()
        for machine in self.sensor:
            machine.start()
        self.read_records()
        self.start_configured()
        if not self.sensors:
            self._make_output()
        self._show()

    def stop(self) -> None:
        self.stop_schedule()
        for machine in self.sensor:
            machine.stop()
        for one in self.sensors.values():
            if one.process is not None:
                one.process.close()  # the end of its input: it finishes its recording, publishes it and leaves

    # Commands

    @command(name="START")
    def start_sensors(self, target: SensorName, elapsed: ElapsedStarts) -> None:
        """Starts a sensor, all if none is named; one that runs already goes on. It clears a quarantine."""
        wanted = self._targets(target)
        held = [one.name for index, one in wanted.items() if self._is_held(index)]
        for index in wanted:
            self.start_sensor(index, elapsed)
        self.note_stopped_by_command(set(), {one.name for one in wanted.values()})
        if held:
            raise CommandError(_FAILED, f"the process of {', '.join(held)} hangs, and may not be killed")

    @command(name="STOP")
    def stop_sensors(self, target: SensorName, policy: StopPolicy) -> None:
        """Stops a sensor, all if none is named. It stays so, over restarts too, until it is started by command."""
        wanted = self._targets(target)
        for index in wanted:
            self.stop_sensor(index, policy)
        self.note_stopped_by_command({one.name for one in wanted.values()}, set())

    @command
    def take_now(self, target: SensorName) -> None:
        """Has a sensor that waits make a recording now, all that wait if none is named."""
        wanted = self._targets(target)
        reasons = {one.name: self._hindrance(index) for index, one in wanted.items()}
        if all(reasons.values()):
            raise CommandError(CommandResponse.BUSY, "; ".join([f"{name} {why}" for name, why in reasons.items()]))
        for index, one in wanted.items():
            if not reasons[one.name]:
                self.capture_now(index, self.wall_us())

    @command
    def status(self, target: SensorName) -> None:
        """Reports how a sensor is, all if none is named."""
        for index in self._targets(target):
            self.sensor_status(self._status_text(index))

    @command
    def reload_config(self) -> None:
        """Reads the configuration anew. One with faults is refused whole, and the one in force stays."""
        if not self.load_configuration():
            raise CommandError(CommandResponse.VALIDATION_ERROR, "the events say what is wrong with it")
        self._show()

    # Ports

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Looks after steps of the wall clock, and takes in sensors that had to wait for a place."""
        self.follow_clock()
        self.make_room()

    @guarded_port(SensorStatus)
    def status_in(self, target: str, place: int) -> str:
        """How a sensor is, for people."""
        meant = [index for index, one in self.sensors.items() if target in ("", one.name)]
        return self._status_text(meant[place]) if place < len(meant) else ""

    # Sensors

    def _targets(self, target: str) -> dict[int, Supervised]:
        """The sensors that a command is for, by the number of their machine."""
        wanted = {index: one for index, one in self.sensors.items() if one.is_kept and target in ("", one.name)}
        if target and not wanted:
            from kittiwake.faults import did_you_mean

            names = [one.name for one in self.sensors.values() if one.is_kept]
            hint = did_you_mean(target, names) or f"there are {', '.join(names) or 'none'}"
            raise CommandError(CommandResponse.VALIDATION_ERROR, f"there is no sensor {target}; {hint}")
        return wanted

    def _is_held(self, index: int) -> bool:
        """Whether a sensor is left alone, and its process is still there."""
        return self.sensor[index].state is SensorState.QUARANTINED and not self.has_no_process(index)

    def _hindrance(self, index: int) -> str:
        """Why a sensor makes no recording now, if there is a reason."""
        one, state = self.sensors[index], self.sensor[index].state
        if state is not SensorState.WAITING:
            return f"is {state.name}"
        next_us = one.times.next_us
        if next_us is not None and self.wall_us() + one.settings.window.duration_us > next_us:
            return "would not have ended at its next start"
        return ""

    # What the sensors need to know

    def command_of(self, one: Supervised) -> list[str]:
        """The command that starts a sensor's process."""
        folder = posixpath.join(self.recordings, one.name)
        own = ["--sensors", self.root.resolve(self.sensors_folder)] if self.sensors_folder else []
        interpreter = self.platform.children.interpreter
        return [interpreter, "-m", "kittiwake_components.sensors", one.settings.kind, "--folder", folder, *own]

    def power_switch_of(self, one: Supervised) -> int | None:
        """The place of a sensor's switch."""
        return self.switched.index(one.name) if one.name in self.switched else None

    def use_output(self, folder: str) -> None:
        """Has recordings go to a folder; where there are sensors already, they stay with theirs until the next start.

        Processes hold a lock in their folder, and what they record has its place in there.
        """
        wanted = self.root.resolve(folder or self.output)
        if not self.sensors:
            self.recordings = wanted
            self._make_output()
        elif wanted != self.recordings:
            self.output_stays(self.root.name_of(self.recordings), self.root.name_of(wanted))

    def _make_output(self) -> None:
        try:
            make_folders_durably(self.platform.files, self.recordings)
        except OSError as fault:
            self.report_fault(self.root.name_of(self.recordings), fault)

    def tell_configured(self, log: LogSettings) -> None:
        """Tells the uploader where recordings are, and that the file may say other things to it; and the log its own.

        What the file does not say of the log stays as its settings have it.
        """
        for listener, tell in enumerate(self.configured_out):
            if self.is_connected(SensorOrchestrator.configured_out, listener):
                tell(self.root.name_of(self.recordings))
        if self.is_connected(SensorOrchestrator.log_out):
            least = LEVELS.get(log.logging_level, Severity.DIAGNOSTIC)
            limit_bytes, limit_age_s = round(log.max_file_size_megabytes * MB), round(log.log_cycle_days * S_PER_DAY)
            self.log_out(least, limit_bytes, limit_age_s, log.max_archived_files)

    def recording_name(self, path: str) -> str:
        """A recording's name relative to the folder of the recordings."""
        inside = self.recordings.rstrip("/") + "/"
        return path[len(inside) :] if path.startswith(inside) and posixpath.normpath(path) == path else ""

    def sensor_changed(self, index: int) -> None:
        """Shows how a sensor is, and sets the timer: it may be free for its next capture."""
        self.report_sensor(index)
        self._show()
        self.arm()

    # What is shown

    def _show(self) -> None:
        states = [self.sensor[index].state for index, one in self.sensors.items() if one.is_kept]
        self.sensors_known = len(states)
        self.running = sum([state in _RUNNING for state in states])
        self.recording = states.count(SensorState.RECORDING)
        self.quarantined = states.count(SensorState.QUARANTINED)

    def report_sensor(self, index: int) -> None:
        """Tells the channels of a sensor how it is."""
        one = self.sensors[index]
        next_us = one.times.next_us
        next_start = NO_TIME if next_us is None else time_value(self._tags, next_us)
        counts = [min(count, U32_MAX) for count in (one.captures, one.misses, one.restarts)]
        report = SensorReport(one.name, self.sensor[index].state, next_start, *counts)
        for listener, tell in enumerate(self.sensor_out):
            if self.is_connected(SensorOrchestrator.sensor_out, listener):
                tell(report)

    def _status_text(self, index: int) -> str:
        """How a sensor is: at most STATUS_SIZE bytes, as the names and the number of its readings have limits."""
        one = self.sensors[index]
        state = self.sensor[index].state
        text = f"{one.name}: {state.name}"
        if reason := self.why_stopped(one) if state is SensorState.STOPPED else one.reason:
            text += f" ({clip(reason, REASON_SIZE)})"
        if one.times.next_us is not None:
            from kittiwake_components.daily_window import local_time

            text += f", next {local_time(one.times.next_us, one.settings.window.zone):%Y-%m-%dT%H:%M:%S%z}"
        text += f", {one.captures} captures, {one.misses} missed, {one.restarts} restarts"
        now_ns = self.clock.now_ns()
        for reading, (value, since_ns) in one.latest.items():
            text += f", {reading} {value:.7g} {(now_ns - since_ns) // NS_PER_S} s ago"
        return text
