"""A hive for tests: the orchestrator in virtual time, with sensors whose processes a script lives."""

from __future__ import annotations

import posixpath
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.testing import ComponentTester
from kittiwake_components.sensor_orchestrator.component import SensorOrchestrator
from tests.components.sensor_orchestrator.scripted_sensor import Script

if TYPE_CHECKING:
    from kittiwake.platform.simulated_children import SimulatedProcess
    from kittiwake_components.ports.hive import SensorReport

Sensors: TypeAlias = "dict[str, dict[str, Any]]"
NS = 1_000_000_000
DEFAULTS = {
    "capture_window_start_time": "0800",
    "capture_window_end_time": "2000",
    "capture_duration_seconds": "60",
    "capture_interval_seconds": "300",
    "pytz_time_zone": "US/Eastern",
}


def utc_ns(text: str) -> int:
    """A time as ISO 8601 has it, with its offset, in nanoseconds since the epoch."""
    moment = datetime.fromisoformat(text)
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()) * NS


def ini(sensors: dict[str, dict[str, Any]], **defaults: Any) -> bytes:
    """The original's file."""
    lines = []
    for name, section in {"global": {**DEFAULTS, **defaults}, **sensors}.items():
        lines += [f"[{name}]", *[f"{key} = {value}" for key, value in section.items()]]
    return "\n".join(lines).encode() + b"\n"


class Hive(ComponentTester[SensorOrchestrator]):
    """The orchestrator, its configuration and its sensors."""

    def __init__(
        self, sensors: dict[str, dict[str, Any]] | None = None, *, now: str = "2026-06-01T07:00:00-04:00",
        platform: SimulatedPlatform | None = None, script: Script | None = None, settings: dict[str, Any] | None = None,
        parameters: dict[str, Any] | None = None, open_ports: tuple[str, ...] = (), **defaults: Any,
    ) -> None:  # fmt: skip
        platform = platform or SimulatedPlatform(wall_start_ns=utc_ns(now))
        self.script = script or Script()
        self._uploaded = 0
        platform.children.install("python", self.script.live)
        content = ini({"audio": {}} if sensors is None else sensors, **defaults)
        if not platform.files.exists("/kittiwake/beemon-config.ini"):
            place(platform, content)
        super().__init__(
            SensorOrchestrator, platform=platform, settings=settings, parameters=parameters, queue=50,
            open_ports=open_ports,
        )  # fmt: skip
        self.ticks()

    def ticks(self, seconds: float = 0.0) -> None:
        """Lets time pass, with a cycle of the rate group at its end."""
        self.advance(seconds)
        self.call.run(0)

    def configure(self, sensors: dict[str, dict[str, Any]], **defaults: Any) -> None:
        """Puts another configuration there."""
        self.write_file("/beemon-config.ini", ini(sensors, **defaults))

    def step_wall_clock(self, seconds: float) -> None:
        """Sets the wall clock further."""
        clock = self.platform.clock
        clock.set_machine_wall_ns(clock.wall_ns() + round(seconds * NS))

    def wall_text(self) -> str:
        """The wall time, UTC."""
        return datetime.fromtimestamp(self.platform.clock.wall_ns() / NS, UTC).strftime("%Y-%m-%dT%H:%M:%S")

    @property
    def processes(self) -> list[SimulatedProcess]:
        """Those that run."""
        processes: list[SimulatedProcess] = self.platform.children.processes
        return processes

    def report(self, name: str) -> SensorReport:
        """How a sensor is, as its channels were told last."""
        reports = [report for (report,) in self.ports.sensor_out[0] if report.sensor == name]
        latest: SensorReport = reports[-1]
        return latest

    def state(self, name: str = "audio") -> str:
        """The state of a sensor."""
        state: str = self.report(name).state.name
        return state

    def starts(self, name: str = "audio") -> list[str]:
        """The starts that the processes of a sensor were given."""
        return [order["start"] for order in self.script.orders if order["sensor"] == name]

    def upload(self) -> None:
        """Takes the recordings away, with their folders, while none is made."""
        paths = [order["path"] for order in self.script.orders[self._uploaded :]]
        self._uploaded = len(self.script.orders)
        for path in paths:
            self.platform.files.remove(path)
            self.platform.files.remove(path + ".json")
        for folder in sorted({posixpath.dirname(path) for path in paths}):
            self.platform.files.sync_folder(folder)
            self.platform.files.remove_folder(folder)
            self.platform.files.sync_folder(posixpath.dirname(folder))

    def recordings(self) -> list[str]:
        """All files below the folder of the recordings."""
        return list(files_below(self.platform, "/kittiwake/captures"))


def place(platform: SimulatedPlatform, content: bytes) -> None:
    """Puts the configuration onto a disk, durably."""
    platform.files.make_folders("/kittiwake")
    with platform.files.open("/kittiwake/beemon-config.ini", "w") as file:
        file.truncate(0)
        file.write_at(0, content)
        file.sync()
    platform.files.sync_folder("/kittiwake")
    platform.files.sync_folder("/")


def files_below(platform: SimulatedPlatform, folder: str) -> list[str]:
    """The files below a folder, by the rest of their paths."""
    found = []
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        for name in platform.files.list(here):
            path = f"{here}/{name}"
            if platform.files.is_folder(path):
                waiting.append(path)
            else:
                found.append(path.removeprefix(folder + "/"))
    return sorted(found)
