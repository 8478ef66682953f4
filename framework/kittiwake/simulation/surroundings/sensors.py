"""Sensors in processes of their own, as a hive has them: they record, publish, and fail as told.

Their side of the line is that of `kittiwake_components.sensors`; here it needs no process, and no time of its own.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from kittiwake.simulation.machine import ROOT
from kittiwake.simulation.surroundings.base import Part, instances_of, own_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.platform.simulated import SimulatedPlatform
    from kittiwake.platform.simulated_children import Life, SimulatedProcess
    from kittiwake.runtime.image import Image
    from kittiwake.simulation.machine import Machine

SENSORS = ("audio", "temp", "scale")
WAYS = ("hang", "die", "fail")
CONFIGURATION = """\
[global]
pytz_time_zone = "UTC"
capture_window_start_time = "0000"
capture_window_end_time = "2359"
capture_duration_seconds = 5
capture_interval_seconds = 20
""" + "".join([f'[{name}]\ndevice = "simulated"\n' for name in SENSORS])
CAPTURES_CHECKED = 40


class SensorsPart(Part):
    """Configures three sensors that record every 20 s. What they have published stays, while nobody uploads it."""

    def __init__(self, image: Image, random: Any) -> None:
        super().__init__(image, random)
        self.failing: set[str] = set()
        self._published: dict[str, bytes] = {}
        self._orchestrator = instances_of(image, "SensorOrchestrator")[0]
        self._is_uploaded = bool(instances_of(image, "Uploader"))

    @classmethod
    def fits(cls, image: Image) -> bool:
        return bool(instances_of(image, "SensorOrchestrator"))

    def install(self, machine: Machine) -> None:
        machine.place(
            own_settings(self.image, self._orchestrator).get("configuration") or "hive.toml", CONFIGURATION.encode()
        )

    def meet(self, platform: SimulatedPlatform) -> None:
        platform.children.install("python", self._live)

    def devices(self) -> list[str]:
        return [f"{name}:{way}" for name in SENSORS for way in WAYS]

    def fail(self, device: str) -> None:
        self.failing.add(device)

    def mend(self, device: str) -> None:
        self.failing.discard(device)

    def kept(self) -> Mapping[str, bytes]:
        return {} if self._is_uploaded else self._published

    def commands(self) -> list[str]:
        name = self._orchestrator
        return [f"{name}.START all", f"{name}.STOP all, FINISH", f"{name}.STOP audio, DISCARD", f"{name}.START audio"]

    # A sensor's process

    def _live(self, process: SimulatedProcess) -> Life:
        import json

        name = posixpath.basename(process.command[process.command.index("--folder") + 1])
        if f"{name}:die" in self.failing:
            return 1
        yield None  # its configuration
        _say(process, {"is": "ready", "sensor": name, "extension": "bin", "safe_to_kill": True, "channels": []})
        while line := (yield None):
            order = json.loads(line)
            if order["do"] == "end":
                break
            if order["do"] == "record":
                status = yield from self._record(process, name, order)
                if status is not None:
                    return status
        return 0

    def _record(self, process: SimulatedProcess, name: str, order: dict[str, Any]) -> Life:
        import json

        capture = order["capture"]
        while f"{name}:hang" in self.failing:
            yield 1.0
        if f"{name}:fail" in self.failing:
            _say(process, {"is": "failed", "capture": capture, "why": "the device does not answer"})
            return None
        _say(process, {"is": "recording", "capture": capture})
        end_ns = process.clock.now_ns() + round(order["duration_s"] * 1e9)
        policy = "finish"
        while policy == "finish" and (left_ns := end_ns - process.clock.now_ns()) > 0:
            line = yield left_ns / 1e9
            if line == b"":
                break
            heard = {} if line is None else json.loads(line)
            policy = heard.get("policy", policy)
        if f"{name}:die" in self.failing:
            return 1
        if policy == "discard":
            _say(process, {"is": "discarded", "capture": capture})
            return None
        data = f"{name} {order['start']}".encode() * 20
        try:
            self._publish(process, order["path"], data)
        except OSError as fault:
            _say(process, {"is": "failed", "capture": capture, "why": str(fault)})
            return None
        message = {
            "is": "done",
            "capture": capture,
            "bytes": len(data),
            "sha256": "",
            "truncated": policy == "truncate",
        }
        if _say(process, message):
            self._published[order["path"].removeprefix(ROOT)] = data
            for path in list(self._published)[:-CAPTURES_CHECKED]:
                del self._published[path]
        return None

    def _publish(self, process: SimulatedProcess, path: str, data: bytes) -> None:
        """The file is durable before it has its name, and its name before anybody is told."""
        files = process.files
        folder = posixpath.dirname(path)
        missing = []
        while not files.exists(folder):
            missing.append(folder)
            folder = posixpath.dirname(folder)
        for made in reversed(missing):
            files.make_folder(made)
            files.sync_folder(posixpath.dirname(made))
        for name, content in ((f"{path}.part", data), (f"{path}.json", b"{}")):
            with files.open(name, "w") as file:
                file.truncate(0)
                file.write_at(0, content)
                file.sync()
        files.rename(f"{path}.part", path)
        files.sync_folder(posixpath.dirname(path))


def _say(process: SimulatedProcess, message: dict[str, Any]) -> bool:
    """Sends a message; without an orchestrator nobody hears it."""
    import json

    try:
        process.write(json.dumps(message).encode() + b"\n")
    except BrokenPipeError:
        return False
    return True


__all__ = ["SensorsPart"]
