"""A real process of a sensor, spoken to over its pipes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

PLUGINS = Path(__file__).parent / "plugins"
PATIENCE_S = 20.0
START = "2026-11-27T08:00:00-05:00"


class Running:
    """The process; `folder` is the sensor's."""

    def __init__(self, kind: str, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.extension = ""
        self._count = 0
        command = ["-m", "kittiwake_components.sensors", kind, "--folder", str(folder), "--sensors", str(PLUGINS)]
        self.process = subprocess.Popen(
            [sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.say(do="configure", options=options)

    def __enter__(self) -> Running:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.communicate()

    def write(self, data: bytes) -> None:
        """Writes to its input."""
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def say(self, **message: Any) -> None:
        """Sends it a message."""
        self.write(json.dumps(message).encode() + b"\n")

    def line(self) -> bytes:
        """The next line that it writes; nothing at the end."""
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def hear(self, *kinds: str) -> dict[str, Any]:
        """The next message of one of these kinds. Raises `AssertionError` at the end of its output."""
        while line := self.line():
            message: dict[str, Any] = json.loads(line)
            if message["is"] in kinds:
                return message
        raise AssertionError(f"it has ended without {' or '.join(kinds)}: {self.process.wait(PATIENCE_S)}")

    def ready(self) -> dict[str, Any]:
        """What it says once it is ready."""
        message = self.hear("ready", "refused")
        self.extension = message.get("extension", "")
        return message

    def record(self, duration_s: float = 60.0) -> Path:
        """Orders the next capture; where its file will be."""
        self._count += 1
        path = self.folder / "2026-11-27" / f"hive@2026-11-27@08-00-{self._count:02}.{self.extension}"
        self.say(do="record", capture=self._count, duration_s=duration_s, path=str(path), start=START)
        return path

    def stop(self, policy: str) -> None:
        """Stops the capture that was ordered last."""
        self.say(do="stop", capture=self._count, policy=policy)

    def close_input(self) -> None:
        """Ends its input, as the end of its orchestrator would."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.stdin = None

    def ended(self) -> int:
        """Waits for its end; its status."""
        return self.process.wait(PATIENCE_S)

    def status_of(self, field: str) -> int:
        """A number of /proc/<pid>/status."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in text.splitlines() if line.startswith(field)).split()[1])

    def sleeps(self) -> None:
        """Returns once it sleeps."""
        deadline = time.monotonic() + PATIENCE_S
        while Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
            assert time.monotonic() < deadline
            time.sleep(0.002)
