"""A sensor's process that a test scripts, in virtual time: it does as the real ones do, or what they should not."""

from __future__ import annotations

import hashlib
import json
import posixpath
from typing import TYPE_CHECKING, Any

from kittiwake.storage.copying import make_folders_durably
from kittiwake_components.sensors.protocol import encode_line

if TYPE_CHECKING:
    from kittiwake.platform.simulated_children import Life, SimulatedProcess


class Script:
    """How the sensors behave: an attribute of this is a fault, by the name of the sensor that has it.

    `silent` has the stage (`start`, `begin`, `record`, `stop`) at which a sensor hangs, `dies` that at which its
    process ends with status 1. `orders` and `stops` are what the processes were told.
    """

    def __init__(self) -> None:
        self.silent: dict[str, str] = {}
        self.dies: dict[str, str] = {}
        self.stuck: set[str] = set()
        self.deaf_to_term: set[str] = set()
        self.unsafe: set[str] = set()
        self.refuses: dict[str, str] = {}
        self.fails: set[str] = set()
        self.lies: set[str] = set()
        self.says: dict[str, bytes] = {}
        self.grumbles: dict[str, bytes] = {}
        self.readings: dict[str, list[float | None]] = {}
        self.channels: dict[str, list[str]] = {}
        self.slow_start_s = 0.0
        self.leftovers: list[bytes] = []
        self.options: dict[str, Any] = {}
        self.orders: list[dict[str, Any]] = []
        self.stops: list[tuple[int, dict[str, Any]]] = []

    def live(self, process: SimulatedProcess) -> Life:
        """The life of one process."""
        sensor = Sensor(self, process)
        return (yield from sensor.live())


class Sensor:
    """One process of a sensor."""

    def __init__(self, script: Script, process: SimulatedProcess) -> None:
        self.script = script
        self.process = process
        self.name = posixpath.basename(process.command[process.command.index("--folder") + 1])
        self.ending = False

    def say(self, **message: Any) -> None:
        """Sends a message; without an orchestrator nobody hears it."""
        try:
            self.process.write(encode_line(message))
        except BrokenPipeError:
            return

    def hangs(self, stage: str) -> bool:
        """Whether it hangs at a stage; it dies there instead if the script says so."""
        self.process.is_stuck = self.name in self.script.stuck and self.script.silent.get(self.name) == stage
        return self.script.silent.get(self.name) == stage

    def live(self) -> Life:
        """Its life: it gets ready, and serves until it is to end; its exit status."""
        script = self.script
        self.process.ignores_term = self.name in script.deaf_to_term
        if script.dies.get(self.name) == "start":
            return 1
        if self.hangs("start"):
            while True:
                yield 3600.0
        self.process.write_errors(script.grumbles.get(self.name, b""))
        script.options[self.name] = json.loads((yield None) or b"{}").get("options")
        if self.name in script.refuses:
            self.say(**{"is": "refused", "why": script.refuses[self.name]})
            return 2
        yield from self._start_slowly()
        for line in script.leftovers:
            self.process.write(line)
        names = script.channels.get(self.name, ["level"] if self.name in script.readings else [])
        safe = self.name not in script.unsafe
        self.say(**{"is": "ready", "sensor": self.name, "extension": "wav", "safe_to_kill": safe, "channels": names})
        return (yield from self._serve())

    def _start_slowly(self) -> Any:
        end_ns = self.process.clock.now_ns() + round(self.script.slow_start_s * 1e9)
        while (left_ns := end_ns - self.process.clock.now_ns()) > 0:
            line = yield left_ns / 1e9
            self.ending = self.ending or (line is not None and b"end" in line)

    def _serve(self) -> Life:
        while not self.ending and (line := (yield None)):
            order = json.loads(line)
            if order["do"] == "end":
                break
            if order["do"] == "record":
                status = yield from self.record(order)
                if status is not None:
                    return status
        return 0

    def record(self, order: dict[str, Any]) -> Life:
        """One capture."""
        script, capture = self.script, order["capture"]
        script.orders.append({**order, "sensor": self.name, "at_ns": self.process.clock.now_ns()})
        if self.hangs("begin"):
            while True:
                yield 3600.0
        if script.dies.get(self.name) == "begin":
            return 1
        if self.name in script.fails:
            self.say(**{"is": "failed", "capture": capture, "why": "the microphone does not answer"})
            return None
        self.say(**{"is": "recording", "capture": capture})
        for value in script.readings.get(self.name, ()):
            values = [value] * len(script.channels.get(self.name, ["level"]))
            self.say(**{"is": "reading", "capture": capture, "values": values})
        if self.name in script.says:
            self.process.write(script.says[self.name])
        part = order["path"] + ".part"
        self._write(part, b"half")
        policy = yield from self._wait(order)
        if policy == "dies":
            return 1
        if policy == "discard":
            self.process.files.remove(part)
            self.say(**{"is": "discarded", "capture": capture})
            return None
        if self.name not in script.lies:
            self._publish(order["path"])
        self.say(**{"is": "done", "capture": capture, "bytes": 9, "sha256": "", "truncated": policy == "truncate"})
        return None

    def _wait(self, order: dict[str, Any]) -> Any:
        end_ns = self.process.clock.now_ns() + round(order["duration_s"] * 1e9)
        policy = "finish"
        while (left_ns := end_ns - self.process.clock.now_ns()) > 0:
            line = yield left_ns / 1e9
            if line is None:
                continue
            if line == b"":
                self.ending = True
                continue
            heard = json.loads(line)
            self.ending = self.ending or heard["do"] == "end"
            if heard["do"] == "stop":
                self.script.stops.append((self.process.clock.now_ns(), heard))
                policy = heard["policy"]
                if self.hangs("stop"):
                    while True:
                        yield 3600.0
                if policy != "finish":
                    return policy
        if self.script.dies.get(self.name) == "record":
            return "dies"
        if self.hangs("record"):
            while True:
                yield 3600.0
        return policy

    def _write(self, path: str, data: bytes) -> None:
        files = self.process.files
        make_folders_durably(files, posixpath.dirname(path))
        with files.open(path, "w") as file:
            file.write_at(0, data)
            file.sync()

    def _publish(self, path: str) -> None:
        data = b"recording"
        self._write(path + ".part", data)
        manifest = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "sensor": self.name}
        self._write(path + ".json.new", json.dumps(manifest).encode())
        files = self.process.files
        files.rename(path + ".json.new", path + ".json")
        files.sync_folder(posixpath.dirname(path))
        files.rename(path + ".part", path)
        files.sync_folder(posixpath.dirname(path))
