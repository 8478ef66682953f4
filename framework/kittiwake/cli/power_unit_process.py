"""The trial behind `kittiwake power-unit`: a pseudo-terminal, a child process, and the time that both live in."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
import tty
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kittiwake.cli.supervise import end_with_parent
from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.power import Battery
from kittiwake.simulation.power_unit import Limits, PowerUnit
from kittiwake.wire.power_link import WakeReason

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from kittiwake.simulation.power_unit import Change

READ_BYTES = 4096
SUN_BEGINS_H, SUN_ENDS_H = 6, 18
KILL_LIMIT_S = 10.0
LONGEST_WAIT_S = 0.5


class Trial:
    """A deployment behind a power unit. `awake_s` are the lengths of its awake times so far."""

    def __init__(self, options: argparse.Namespace, image: Path, root: Path, manager: str) -> None:
        self._options = options
        self._image = image
        self._root = root
        self._manager = manager
        self._child: subprocess.Popen[bytes] | None = None
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._real_ns = time.monotonic_ns()
        self._now_ns = 0
        self._woken_ns = 0
        self.awake_s: list[float] = []
        self.unasked = self.ended_early = 0
        self.unit = PowerUnit(
            Battery(options.capacity_wh, options.charge / 100, 0.1), limits=Limits(hard_limit_s=options.hard_limit),
            supply_w=self._supply_w,
        )  # fmt: skip

    def _wall_s(self, now_ns: int) -> float:
        return float(self._options.wall) + now_ns / NS_PER_S

    def _supply_w(self, now_ns: int) -> float:
        hour = self._wall_s(now_ns) % 86_400 / 3600
        return float(self._options.supply_w) if SUN_BEGINS_H <= hour < SUN_ENDS_H else 0.0

    def run(self, length_s: float) -> None:
        """Lets so much of the trial's time pass; whatever happens, no process is left behind."""
        end_ns = round(length_s * NS_PER_S)
        try:
            while self._now_ns < end_ns:
                self._step(end_ns)
        finally:
            self._kill()
            for descriptor in (self._master, self._slave):
                os.close(descriptor)

    def _step(self, end_ns: int) -> None:
        if self.unit.is_on:
            self._wait()
            self._now_ns += round((time.monotonic_ns() - self._real_ns) * self._options.pace)
        else:
            self._now_ns = self.unit.next_ns()  # sleep is skipped
        self._real_ns = time.monotonic_ns()
        self._now_ns = min(self._now_ns, end_ns)
        for change in self.unit.advance(self._now_ns):
            self._follow(change)
        self._write(self.unit.notices())
        self._look_at_child()

    def _wait(self) -> None:
        """Until the deployment says something, or something is due."""
        left_s = (self.unit.next_ns() - self._now_ns) / NS_PER_S / self._options.pace
        readable, _, _ = select.select([self._master], [], [], min(max(left_s, 0.0), LONGEST_WAIT_S))
        if readable:
            try:
                data = os.read(self._master, READ_BYTES)
            except BlockingIOError:
                return
            self._write(self.unit.receive(data))

    def _write(self, data: bytes) -> None:
        if data and self.unit.is_on:
            try:
                os.write(self._master, data)
            except BlockingIOError:
                return  # nobody reads: as on a real line it is lost

    # The main unit's power

    def _follow(self, change: Change) -> None:
        label = datetime.fromtimestamp(self._wall_s(change.time_ns), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        word = "on " if change.is_on else "off"
        print(f"{label} {word} {change.reason.name:<10} battery {self.unit.battery.charge * 100:.2f} %", flush=True)
        if change.is_on:
            self._woken_ns = change.time_ns
            self._start(change.time_ns)
            return
        self._kill()
        self.awake_s.append((change.time_ns - self._woken_ns) / NS_PER_S)
        self.unasked += change.reason is not WakeReason.TIMER

    def _start(self, now_ns: int) -> None:
        termios.tcflush(self._slave, termios.TCIOFLUSH)
        options = self._options
        arguments = [
            sys.executable, "-m", "kittiwake.cli.main", "run", str(self._image), "--root", str(self._root), "--quiet",
            "--link", options.link, "--set", f"{self._manager}.unit=serial://{os.ttyname(self._slave)}",
            "--clock", f"{options.pace}@{self._wall_s(now_ns)}",
            *[word for setting in options.set for word in ("--set", setting)],
        ]  # fmt: skip
        # This process has one thread. Without a power unit there is no power either.
        self._child = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=lambda: end_with_parent(signal.SIGKILL),  # noqa: PLW1509
        )

    def _kill(self) -> None:
        """Takes the power away: no process of the deployment gets another instruction."""
        child, self._child = self._child, None
        if child is None:
            return
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait(KILL_LIMIT_S)

    def _look_at_child(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            print(f"the program ended by itself, with status {self._child.returncode}", flush=True)
            self.ended_early += 1
            self._child = None
