"""The sensors of a configuration: which there are, which run, and what becomes of them when it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.model import CommandError, CommandResponse, Setting
from kittiwake.storage.root import reason_of
from kittiwake_components.ports.hive import MAX_SENSORS, SensorState
from kittiwake_components.sensor_orchestrator.accepted_configuration import AcceptedConfiguration
from kittiwake_components.sensor_orchestrator.configuration import (
    FILE_NAMES,
    MAX_SIZE,
    SensorSettings,
    find_configuration,
    read_configuration,
)
from kittiwake_components.sensor_orchestrator.schedule import SensorSchedule
from kittiwake_components.sensor_orchestrator.states import ElapsedStarts, SensorSignal, StopPolicy
from kittiwake_components.sensor_orchestrator.stopped_sensors import StoppedSensors
from kittiwake_components.sensor_orchestrator.supervised import Supervised

if TYPE_CHECKING:
    from kittiwake_components.sensor_orchestrator.configuration import HiveConfiguration, LogSettings

MAX_FAULTS = 8


class ConfiguredSensors(SensorSchedule):
    """Reads the configuration and starts, stops and changes the sensors that it names."""

    _new: list[SensorSettings]
    _stopped: StoppedSensors
    _accepted: AcceptedConfiguration

    configuration = Setting(
        str, default="", doc="The configuration, in the root; empty: hive.toml, or else beemon-config.ini."
    )
    sensors_folder = Setting(str, default="", doc="A folder with sensors of one's own, in the root.")
    stopped_file = Setting(str, default="/stopped_sensors", doc="Record of the sensors that a command has stopped.")
    accepted_file = Setting(str, default="/accepted_configuration", doc="Record of the configuration in force.")

    def use_output(self, folder: str) -> None:
        """Has recordings go to a folder of the root, empty for that of the settings. Raises `PathRefused`."""
        raise NotImplementedError

    def tell_configured(self, log: LogSettings) -> None:
        """Tells those who work with the recordings, and the log, that a configuration has come into force."""
        raise NotImplementedError

    def start_sensor(self, index: int, elapsed: ElapsedStarts) -> None:
        """Has a sensor run; one that does goes on."""
        one = self.sensors[index]
        if self.sensor[index].state in (SensorState.QUARANTINED, SensorState.STOPPED):
            one.budget.clear()
        is_new = not one.is_wanted
        one.is_wanted = True
        include = one.settings.include_elapsed_times
        if elapsed is not ElapsedStarts.CONFIGURED:
            include = elapsed is ElapsedStarts.INCLUDE
        self.sensor[index].send(SensorSignal.START)
        if is_new:
            self.begin_times(index, include_elapsed=include)

    def stop_sensor(self, index: int, policy: StopPolicy) -> None:
        """Has a sensor stop, as the policy says."""
        one = self.sensors[index]
        one.is_wanted = False
        one.policy = one.settings.stop_policy if policy is StopPolicy.CONFIGURED else policy.name.lower()
        self.end_times(index)
        self.sensor[index].send(SensorSignal.STOP)

    def open_records(self) -> None:
        """Takes the records of what commands have stopped and of what was in force."""
        files = self.platform.files
        self._new = []
        self._stopped = StoppedSensors(files, self.root.resolve(self.stopped_file))
        self._accepted = AcceptedConfiguration(files, self.root.resolve(self.accepted_file))

    def read_records(self) -> None:
        """Reads them, and reports what is wrong with them."""
        for name, record in ((self.stopped_file, self._stopped), (self.accepted_file, self._accepted)):
            try:
                self.report_findings(record.read())
            except OSError as fault:
                self.report_fault(name, fault)

    def start_configured(self) -> None:
        """Puts the configuration in force, or the one that was so last where the file is bad or gone."""
        if not self.load_configuration() and self._accepted.found is not None:
            name, content = self._accepted.found
            if self._put_in_force(name, content):
                self.config_kept(name)

    def load_configuration(self) -> bool:
        """Reads the file and puts it in force, all of it or nothing; whether it did, else events say why."""
        files = self.platform.files
        name = self.configuration or " or ".join(FILE_NAMES)
        try:
            name = self.configuration or find_configuration(files.list(self.root.path)) or name
            content = files.read(self.root.resolve(name), MAX_SIZE)
        except FileNotFoundError:
            self.config_rejected(name, f"there is no such file; send RELOAD_CONFIG once it is in {self.root.path}")
            return False
        except OSError as fault:
            self.config_rejected(name, reason_of(fault))
            return False
        if not self._put_in_force(name, content):
            return False
        try:
            self.report_findings(self._accepted.keep(name, content))
        except (OSError, ValueError) as fault:
            self.report_fault(self.accepted_file, fault)
        return True

    def _put_in_force(self, name: str, content: bytes) -> bool:
        from kittiwake.faults import Faults
        from kittiwake_components.sensors.discovery import KnownSensors

        folder = self.root.resolve(self.sensors_folder) if self.sensors_folder else ""
        try:
            found = read_configuration(content, name, KnownSensors(self.platform.files, folder))
            self.use_output(found.local_output_directory)
        except Faults as faults:
            for fault in faults.faults[:MAX_FAULTS]:
                self.config_rejected(f"{fault.file}:{fault.line}:{fault.col}", f"{fault.message}; {fault.hint}")
            return False
        except OSError as fault:
            self.config_rejected(name, reason_of(fault))
            return False
        self.configure(found)
        self.config_loaded(name, len(found.sensors))
        for unused in found.unused:
            self.config_unused(f"{unused.file}:{unused.line}:{unused.col}", f"{unused.message}; {unused.hint}")
        self.tell_configured(found.log)
        return True

    def configure(self, configuration: HiveConfiguration) -> None:
        """Puts a configuration in force. Only sensors that it changes are stopped, and finish what they record."""
        wanted = {settings.name: settings for settings in configuration.sensors}
        for index, one in self.sensors.items():
            settings = wanted.pop(one.name, None)
            if settings is not None:
                self._reconfigure(index, settings)
            elif one.is_kept:
                one.is_kept = False
                self.stop_sensor(index, StopPolicy.FINISH)
        self._new = list(wanted.values())
        self.make_room()

    def make_room(self) -> None:
        """Drops sensors that the configuration no longer has, once they are stopped, and takes in those that wait."""
        for index, one in list(self.sensors.items()):
            if not one.is_kept and self.sensor[index].state is SensorState.STOPPED:
                del self.sensors[index]
        free = [index for index in range(MAX_SENSORS) if index not in self.sensors]
        for index in free[: len(self._new)]:
            self.sensors[index] = Supervised(self._new.pop(0))
            self._start_by_itself(index)
            self.report_sensor(index)

    def _start_by_itself(self, index: int) -> None:
        """Starts a sensor if the configuration says so, and no command has stopped it."""
        settings = self.sensors[index].settings
        if settings.name in self._stopped:
            self.sensor_stopped(settings.name)
        elif settings.auto_start:
            self.start_sensor(index, ElapsedStarts.CONFIGURED)

    def why_stopped(self, one: Supervised) -> str:
        """Why a sensor that is stopped does not run."""
        if one.name in self._stopped:
            return "by command"
        return one.reason or ("" if one.settings.auto_start else "auto_start is off")

    def _reconfigure(self, index: int, settings: SensorSettings) -> None:
        one = self.sensors[index]
        was_kept, one.is_kept = one.is_kept, True
        if not was_kept:
            one.configure(settings)
            self._start_by_itself(index)
        if settings == one.settings:
            return
        was_wanted, was_window = one.is_wanted, one.settings.window
        needs_restart = one.configure(settings)
        if needs_restart and was_wanted and one.process is not None:
            self.stop_sensor(index, StopPolicy.FINISH)
            one.is_wanted = True  # it starts again once it has ended
        elif needs_restart and was_wanted:
            one.budget.clear()
            self.sensor[index].send(SensorSignal.START)
        if was_wanted and (settings.window != was_window or one.times.next_us is None):
            self.begin_times(index, include_elapsed=False)
        self.report_sensor(index)

    def note_stopped_by_command(self, stopped: set[str], started: set[str]) -> None:
        """Makes durable what commands want, before they are answered. Raises `CommandError`."""
        known = {one.name for one in self.sensors.values() if one.is_kept}
        try:
            self.report_findings(self._stopped.change(stopped, started, known))
        except OSError as fault:
            self.report_fault(self.stopped_file, fault)
            reason = f"it is done, but a restart will not know: {reason_of(fault)}"
            raise CommandError(CommandResponse.EXECUTION_ERROR, reason) from None
