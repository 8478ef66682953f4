"""`kittiwake run --supervise`: a small process that starts a deployment, watches it, and starts it again.

It speaks as systemd does with a service of type notify (sd_notify(3)): the deployment says that it is ready, and its
Watchdog strokes. How the last process ended goes to the next one in KITTIWAKE_LAST_END.
"""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import Misuse
from kittiwake.runtime.exit_status import COLD_RESET, FACTORY_RESET, FAILED, MISUSED, ORDERLY, UNHEARD, WARM_RESET

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

WATCHDOG_S = 30.0
START_LIMIT_S = 120.0
"""A process that is not ready by then hangs; a topology file may have to be compiled first."""
STOP_LIMIT_S = 70.0
"""More than a deployment allows itself for its own shutdown."""
EARLY_S = 60.0
"""An end that comes sooner than this is an early one."""
LONGEST_DELAY_S = 60.0
BUDGET = 20
"""So many early ends in a row use up what is spent on quick restarts..."""
SLOW_DELAY_S = 600.0
"""...and then there is one each ten minutes, for as long as it takes: a device must come back."""
POWER_CYCLE_LIMIT_S = 60.0
DATAGRAM_BYTES = 4096

_NAMES = {COLD_RESET: "COLD_RESET", WARM_RESET: "WARM_RESET", FACTORY_RESET: "FACTORY_RESET"}
_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1


class Restarts:
    """How long to wait before the next start, by the lives so far."""

    def __init__(self) -> None:
        self.early = 0

    def delay_s(self, lasted_s: float) -> float:
        """After a life of that length: nothing at first, doubling with each early end, at last a steady slow pace."""
        self.early = self.early + 1 if lasted_s < EARLY_S else 0
        if self.early <= 1:
            return 0.0
        if self.early > BUDGET:
            return SLOW_DELAY_S
        return float(min(2.0 ** (self.early - 2), LONGEST_DELAY_S))


def last_end(status: int, *, was_expired: bool) -> str:
    """How a process ended, as the next one is told; `status` as of `subprocess`."""
    if was_expired:
        return "WATCHDOG"
    if status in _NAMES:
        return _NAMES[status]
    return f"CRASH signal {-status}" if status < 0 else f"CRASH status {status}"


class Life:
    """One process of the deployment."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], watchdog_s: float) -> None:
        self.began = time.monotonic()
        self.is_ready = False
        self.was_expired = False
        self._watchdog_s = watchdog_s
        self._deadline = self.began + START_LIMIT_S
        # The supervisor has one thread.
        self.process = subprocess.Popen(command, env=environment, preexec_fn=end_with_parent)  # noqa: PLW1509

    def heard(self, text: bytes) -> None:
        """What the process has said of itself."""
        for line in text.split(b"\n"):
            if line == b"READY=1" and not self.is_ready:
                self.is_ready = True
                if self._deadline == self.began + START_LIMIT_S:
                    self._deadline = float("inf")  # not watched before its first stroke
            elif line == b"WATCHDOG=1":
                self._deadline = time.monotonic() + self._watchdog_s

    def left_s(self) -> float:
        """The time until it must have said something."""
        return max(self._deadline - time.monotonic(), 0.0)

    def expire(self) -> None:
        """Ends a process that has said nothing for too long; one that is stopped or hangs heeds no other signal."""
        self.was_expired = True
        self._deadline = float("inf")
        self.process.kill()

    def must_end_by(self, limit_s: float) -> None:
        """Gives the process so long to end by itself."""
        self._deadline = time.monotonic() + limit_s


def program() -> list[str]:
    """The program that this process is."""
    called = Path(sys.argv[0])
    if called.suffix != ".py" and os.access(called, os.X_OK):
        return [str(called.absolute())]
    return [sys.executable, "-m", "kittiwake.cli.main"]


def end_with_parent(number: int = signal.SIGTERM) -> None:
    """Has the kernel send the new process a signal when its parent dies."""
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


class Supervisor:
    """Starts a deployment with `arguments` of `kittiwake run`, again and again."""

    def __init__(self, arguments: Sequence[str], watchdog_s: float, power_cycle: str, folder: str) -> None:
        self._command = [*program(), "run", *arguments]
        self._has_slots = any(argument.partition("=")[0] == "--slots" for argument in arguments)
        self._watchdog_s = watchdog_s
        self._power_cycle = shlex.split(power_cycle)
        self._address = str(Path(folder, "notify"))
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self._line.bind(self._address)
        self._wake_in, self._wake_out = socket.socketpair()
        for end in (self._wake_in, self._wake_out):
            end.setblocking(False)
        self._life: Life | None = None
        self._is_stopping = False
        self._restarts = Restarts()

    def run(self) -> int:
        """Runs until the deployment ends in order; gives the status to end with."""
        signal.set_wakeup_fd(self._wake_out.fileno(), warn_on_full_buffer=False)
        for number in _PASSED_ON:
            signal.signal(number, self._pass_on)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        was_ready = False
        told = ""
        while True:
            life = self._live(told)
            was_ready = was_ready or life.is_ready
            status = life.process.returncode
            if self._is_stopping and status in UNHEARD:
                return ORDERLY
            if self._is_stopping or status in (ORDERLY, MISUSED):
                return FAILED if status < 0 else status
            if status == FAILED and not was_ready and not self._has_slots:
                return FAILED  # it has said why, and would say it again
            told = last_end(status, was_expired=life.was_expired)
            lasted_s = time.monotonic() - life.began
            if (status == COLD_RESET or life.was_expired) and self._power_cycle:
                self._cycle_power(told)
            delay_s = self._restarts.delay_s(lasted_s)
            say(f"the deployment ended after {lasted_s:.0f} s ({told}); started again in {delay_s:.0f} s")
            self._wait(delay_s)
            if self._is_stopping:
                return ORDERLY

    def _live(self, told: str) -> Life:
        """One life, from its start to its end."""
        environment = {
            **os.environ,
            "NOTIFY_SOCKET": self._address,
            "WATCHDOG_USEC": str(round(self._watchdog_s * 1_000_000)),
            "KITTIWAKE_LAST_END": told,
        }
        environment.pop("WATCHDOG_PID", None)
        self._hear(None)
        life = self._life = Life(self._command, environment, self._watchdog_s)
        if self._is_stopping:
            life.must_end_by(STOP_LIMIT_S)
            life.process.terminate()
        while life.process.poll() is None:
            self._sleep(life.left_s())
            self._hear(life)
            if not life.left_s() and life.process.poll() is None:
                say("the deployment says nothing any more: it is ended")
                life.expire()
        self._life = None
        return life

    def _hear(self, life: Life | None) -> None:
        """Takes what was said; without a life it is what the last one left behind."""
        with contextlib.suppress(BlockingIOError):
            while True:
                text = self._line.recv(DATAGRAM_BYTES)
                if life is not None and not self._is_stopping:
                    life.heard(text)

    def _wait(self, delay_s: float) -> None:
        until = time.monotonic() + delay_s
        while not self._is_stopping and (left_s := until - time.monotonic()) > 0:
            self._sleep(left_s)

    def _sleep(self, limit_s: float) -> None:
        """Until something is said, a signal comes, or the time is over."""
        select.select([self._line, self._wake_in], [], [], min(limit_s, EARLY_S))
        with contextlib.suppress(BlockingIOError):
            self._wake_in.recv(DATAGRAM_BYTES)

    def _pass_on(self, number: int, _: Any) -> None:
        self._is_stopping = True
        life = self._life
        if life is not None:
            life.must_end_by(STOP_LIMIT_S)
            with contextlib.suppress(ProcessLookupError):
                life.process.send_signal(signal.SIGTERM if number == signal.SIGHUP else number)

    def _cycle_power(self, told: str) -> None:
        say(f"{told}: {shlex.join(self._power_cycle)}")
        try:
            subprocess.run(self._power_cycle, check=True, timeout=POWER_CYCLE_LIMIT_S)
        except (OSError, subprocess.SubprocessError) as fault:
            say(f"the power was not cycled: {fault}")


def say(text: str) -> None:
    """A line for whoever reads the log of this process."""
    print(f"kittiwake run: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    """A folder that only this user can look into, for the socket."""
    made = tempfile.mkdtemp(prefix="kittiwake-")
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def parse(arguments: Sequence[str]) -> tuple[list[str], float, str]:
    """What is left for the deployment, the time of its watchdog, and what cycles the power. Raises `Misuse`."""
    rest: list[str] = []
    watchdog_s, power_cycle = WATCHDOG_S, ""
    given = iter(arguments)
    for argument in given:
        name, equals, value = argument.partition("=")
        if name not in ("--watchdog", "--power-cycle"):
            rest += [argument] if argument != "--supervise" else []
            continue
        value = value if equals else next(given, "")
        if name == "--power-cycle":
            power_cycle = value
            continue
        try:
            watchdog_s = float(value)
        except ValueError:
            watchdog_s = 0.0
        if not 1.0 <= watchdog_s <= 86_400.0:
            raise Misuse(f"--watchdog wants seconds from 1 to 86400, not {value!r}")
    return rest, watchdog_s, power_cycle


def main(arguments: Sequence[str]) -> int:
    """Supervises until the deployment ends in order, or is stopped by a signal; gives its status."""
    try:
        rest, watchdog_s, power_cycle = parse(arguments)
    except Misuse as misuse:
        say(str(misuse))
        return MISUSED
    with _folder() as folder:
        return Supervisor(rest, watchdog_s, power_cycle, folder).run()


__all__ = ["Restarts", "Supervisor", "last_end", "main", "parse", "program"]
