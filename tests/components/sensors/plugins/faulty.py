"""A sensor that does what sensors should not, for tests of those who have to cope with it."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from kittiwake_components.sensors.sensor import NAN, Option, Reading, ReadingsSensor

if TYPE_CHECKING:
    from kittiwake_components.sensors.capture import Capture


class Faulty(ReadingsSensor):
    """Behaves as a good one until its fault comes."""

    readings = (Reading("value"),)

    fault = Option("none", "What it does wrong.", choices=(
        "none", "hang", "hang_deaf", "die", "exit", "flood", "garbage", "fail_reads", "raise", "long_line", "print",
        "refuse", "unsafe_hang",
    ))  # fmt: skip
    after_s = Option(0.0, "How long after the start of a capture.", unit="s", low=0, high=3600)

    def prepare(self) -> None:
        self.safe_to_kill = self.fault != "unsafe_hang"
        if self.fault == "refuse":
            raise RuntimeError("there is no such sensor on the bus")

    def read(self) -> tuple[float, ...]:
        if self.fault == "fail_reads":
            raise OSError("the bus does not answer")
        return (1.0,)

    def record(self, capture: Capture) -> None:
        if self.fault in ("none", "fail_reads"):
            super().record(capture)
            return
        capture.file.write(b"half a recording\n")
        capture.wait(self.after_s)
        getattr(self, f"_{self.fault.removeprefix('unsafe_')}")(capture)
        capture.wait(3600)

    def _hang(self, capture: Capture) -> None:
        while True:
            time.sleep(3600)

    def _hang_deaf(self, capture: Capture) -> None:
        import signal

        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._hang(capture)

    def _die(self, capture: Capture) -> None:
        os.kill(os.getpid(), 9)

    def _exit(self, capture: Capture) -> None:
        sys.exit(3)

    def _raise(self, capture: Capture) -> None:
        raise RuntimeError("something else")

    def _print(self, capture: Capture) -> None:
        print('{"is":"done","capture":1}')  # noqa: T201

    def _flood(self, capture: Capture) -> None:
        while capture.wait(0):
            capture.report((NAN,))

    def _garbage(self, capture: Capture) -> None:
        os.write(output(), bytes(range(32, 127)) * 20 + b"\n\xff\xfe\n{]\n")

    def _long_line(self, capture: Capture) -> None:
        os.write(output(), b"x" * 20_000 + b"\n")


def output() -> int:
    """The descriptor of the protocol: the highest that is a pipe and is written to."""
    import fcntl

    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            is_pipe = os.readlink(f"/proc/self/fd/{name}").startswith("pipe:")
            if is_pipe and int(name) > 2 and fcntl.fcntl(int(name), fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
                found.append(int(name))
        except OSError:
            continue
    return max(found)
