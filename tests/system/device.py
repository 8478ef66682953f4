"""A deployment of Kittiwake in a process of its own, as a device runs it."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

KITTIWAKE = str(Path(sys.executable).with_name("kittiwake"))
REFERENCE = ROOT / "topologies" / "reference.yaml"
STOP_TIMEOUT_S = 40.0


class DeviceTimeout(TimeoutError):
    """A line that a test awaited did not come; the message has what the device printed."""


def build(topology: Path, folder: Path) -> tuple[Path, Path]:
    """Compiles a topology and gives the paths of its image and its dictionary."""
    command = [KITTIWAKE, "build", str(topology), "-o", str(folder)]
    built = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    image, dictionary = built.stdout.split()
    return Path(image), Path(dictionary)


class Device:
    """One deployment. `lines` are what it printed: its events, one a line."""

    def __init__(self, image: Path, root: Path, link: str, options: Sequence[str] = ()) -> None:
        self.image = image
        self.root = root
        self.link = link
        self.options = list(options)
        self.lines: list[str] = []
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def __enter__(self) -> Device:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The process id of the running device."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts the process; use `await_line` to know that it has got somewhere."""
        command = [KITTIWAKE, "run", str(self.image), "--root", str(self.root), "--link", self.link, *self.options]
        self.lines = []
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._reader = threading.Thread(target=self._read, args=(self._process, self.lines), daemon=True)
        self._reader.start()

    def _read(self, process: subprocess.Popen[str], lines: list[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            self._news.put(None)
        self._news.put(None)

    def await_line(self, text: str, timeout_s: float = 40.0, after: int = 0) -> int:
        """Waits for a line with `text` in it, from line `after` on; gives the number of the line behind it."""
        deadline = time.monotonic() + timeout_s
        seen = after
        while True:
            lines = self.lines
            for number in range(seen, len(lines)):
                if text in lines[number]:
                    return number + 1
            seen = len(lines)
            left = deadline - time.monotonic()
            try:
                self._news.get(timeout=max(left, 0.001))
            except queue.Empty:
                pass
            if time.monotonic() >= deadline or (self.exit_code() is not None and seen == len(self.lines)):
                raise DeviceTimeout(f"no line with {text!r} in:\n" + "\n".join(self.lines[-40:]))

    def exit_code(self) -> int | None:
        """The exit status, or `None` while the device runs."""
        assert self._process is not None
        return self._process.poll()

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Asks the device to end, waits for it and gives its exit status."""
        assert self._process is not None
        assert self._reader is not None
        self._process.send_signal(number)
        code = self._process.wait(STOP_TIMEOUT_S)
        self._finish_reading()
        return code

    def kill(self) -> None:
        """Ends the device with SIGKILL, as a power cut ends its program."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(STOP_TIMEOUT_S)
        self._finish_reading()

    def _finish_reading(self) -> None:
        if self._reader is not None and self._process is not None and self._process.stdout is not None:
            self._reader.join(STOP_TIMEOUT_S)
            self._process.stdout.close()
