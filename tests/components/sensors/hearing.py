"""A sensor's process in virtual time, and a script that is its orchestrator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake_components.sensors.process import SensorProcess
from kittiwake_components.sensors.protocol import encode_line

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from kittiwake.platform.simulated_children import SimulatedProcess
    from kittiwake_components.sensors.sensor import Sensor

    Steps = Generator[float | None, bytes | None, None]

FOLDER = "/out/temp"
START = "2026-11-27T08:00:00-05:00"
PATH = f"{FOLDER}/2026-11-27/hive@2026-11-27@08-00-00.csv"


class Orchestrator:
    """What the script has heard: messages with the second at which they came."""

    def __init__(self, process: SimulatedProcess) -> None:
        self._process = process
        self.heard: list[tuple[float, dict[str, Any]]] = []

    def write(self, data: bytes) -> None:
        """Writes bytes as they are."""
        self._process.write(data)

    def freeze(self) -> None:
        """Does nothing any more, and reads nothing."""
        self._process.is_stuck = True

    def say(self, **message: Any) -> None:
        """Sends a message."""
        self._process.write(encode_line(message))

    def record(self, capture: int = 1, duration_s: float = 60, path: str = PATH, start: str = START) -> None:
        """Orders a capture."""
        self.say(do="record", capture=capture, duration_s=duration_s, path=path, start=start)

    def hear(self, *kinds: str) -> Steps:
        """Waits until a message of one of these kinds comes."""
        while True:
            line = yield None
            if not line:
                return
            self.heard.append((self._process.clock.now_ns() / 1e9, json.loads(line)))
            if self.heard[-1][1]["is"] in kinds:
                return

    def pause(self, seconds: float) -> Steps:
        """Lets time go by; what is said meanwhile is heard."""
        end_s = self._process.clock.now_ns() / 1e9 + seconds
        while (left_s := end_s - self._process.clock.now_ns() / 1e9) > 1e-9:
            line = yield left_s
            if line:
                self.heard.append((self._process.clock.now_ns() / 1e9, json.loads(line)))

    def kinds(self) -> list[str]:
        """The kinds of messages, readings aside."""
        return [message["is"] for _, message in self.heard if message["is"] != "reading"]

    def last(self, kind: str) -> dict[str, Any]:
        """The last message of a kind."""
        return [message for _, message in self.heard if message["is"] == kind][-1]


def serve(
    platform: SimulatedPlatform,
    make: Callable[[SimulatedPlatform], Sensor],
    script: Callable[[Orchestrator], Steps],
    *,
    folder: str = FOLDER,
    options: dict[str, Any] | None = None,
    claim: Callable[[], None] = lambda: None,
) -> tuple[int, Orchestrator]:
    """Runs a process to its end: its status, and its orchestrator, which has configured it and heard the answer."""
    met: list[Orchestrator] = []

    def live(process: SimulatedProcess) -> Steps:
        orchestrator = Orchestrator(process)
        met.append(orchestrator)
        orchestrator.say(do="configure", options=options or {})
        yield from orchestrator.hear("ready", "refused")
        yield from script(orchestrator)

    platform.children.install("orchestrator", live)
    child = platform.children.spawn(["orchestrator"])
    notes: list[str] = []
    process = SensorProcess(platform, folder, lambda: make(platform), claim, child.output, child.input, notes.append)
    status = process.run()
    platform.children.run_due()  # it hears the last words
    return status, met[0]
