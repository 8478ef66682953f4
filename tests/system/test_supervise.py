"""`kittiwake run --supervise` with real processes: resets, kills and hangs, and each of them is one boot more."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kittiwake.dictionary.load import load_dictionary
from kittiwake.wire.link_address import parse_link
from kittiwake_ground.commanding import command_and_wait
from kittiwake_ground.link import GroundLink
from kittiwake_ground.station import Station
from tests.ports import free_port
from tests.system.device import KITTIWAKE, Device
from tests.system.test_kill import FIRST_TICK, boot_count

VERSION_LIMIT_S = 15.0
WATCHDOG_S = 3


def child_of(pid: int) -> int:
    """The process that a supervisor runs now."""
    deadline = time.monotonic() + VERSION_LIMIT_S
    while time.monotonic() < deadline:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.01)
    raise TimeoutError("the supervisor runs nothing")


def is_alive(pid: int) -> bool:
    """Whether a process runs, or is a zombie."""
    return Path(f"/proc/{pid}").exists()


def await_end(pid: int) -> None:
    """Waits for the end of a process that is no child of ours."""
    deadline = time.monotonic() + VERSION_LIMIT_S
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} runs on"
        time.sleep(0.05)


class Supervised:
    """A supervised deployment, and the ground in front of it."""

    def __init__(self, built: tuple[Path, Path], folder: Path, *options: str) -> None:
        self.port = free_port()
        self.root = folder / "root"
        self.dictionary = load_dictionary(str(built[1]))
        link = f"tcp-listen://127.0.0.1:{self.port}"
        self.device = Device(built[0], self.root, link, ["--supervise", "--watchdog", str(WATCHDOG_S), *options])
        self.seen: list[str] = []
        self._read = 0

    def __enter__(self) -> Supervised:
        self.device.start()
        self.await_boot()
        return self

    def __exit__(self, *_: object) -> None:
        self.device.kill()

    def await_boot(self) -> str:
        """Waits for the next start to have ticked, and gives what it says about the end of the one before it."""
        began = self._read
        self._read = self.device.await_line(FIRST_TICK, VERSION_LIMIT_S, began)
        return next(line for line in self.device.lines[began : self._read] if "ResetReason" in line)

    def send(self, name: str) -> None:
        """Sends one command, once, and keeps the events that came."""
        with GroundLink(parse_link(f"tcp://127.0.0.1:{self.port}")) as link:
            station = Station(link, self.dictionary, "ccsds", complain=lambda _: None)
            station.connect(timeout_s=60)
            answer = command_and_wait(
                station, name, [], 10.0, lambda item: self.seen.append(getattr(item, "name", "").rpartition(".")[2])
            )
            assert answer.completed, answer.reason

    @property
    def child(self) -> int:
        """The process of the deployment."""
        return child_of(self.device.pid)


@pytest.mark.parametrize("kind", ["COLD_RESET", "WARM_RESET"])
def test_a_reset_is_answered_reported_and_one_boot_more(
    reference: tuple[Path, Path], tmp_path: Path, kind: str
) -> None:
    """REQ-RM-001, REQ-RM-003, REQ-RM-004. Upstream: COLD_RESET dropped its own event."""
    with Supervised(reference, tmp_path) as supervised:
        before = boot_count(supervised.root)
        supervised.send(f"ReferenceDeployment.resetManager.{kind}")
        assert f"INITIATE_{kind}" in supervised.seen
        assert kind in supervised.await_boot()
        assert boot_count(supervised.root) == before + 1


def test_a_killed_process_is_started_again(reference: tuple[Path, Path], tmp_path: Path) -> None:
    """REQ-RM-005."""
    with Supervised(reference, tmp_path) as supervised:
        before = boot_count(supervised.root)
        os.kill(supervised.child, signal.SIGKILL)
        assert "CRASH signal 9" in supervised.await_boot()
        assert boot_count(supervised.root) == before + 1


def test_a_process_that_stands_still_is_ended_by_the_watchdog(reference: tuple[Path, Path], tmp_path: Path) -> None:
    """REQ-WD-001, REQ-RM-005."""
    with Supervised(reference, tmp_path) as supervised:
        before = boot_count(supervised.root)
        stopped = supervised.child
        began = time.monotonic()
        os.kill(stopped, signal.SIGSTOP)
        assert "WATCHDOG" in supervised.await_boot()
        assert time.monotonic() - began > WATCHDOG_S - 1
        assert boot_count(supervised.root) == before + 1
        assert not is_alive(stopped)


def test_a_watchdog_stopped_by_the_ground_cycles_the_power(reference: tuple[Path, Path], tmp_path: Path) -> None:
    """REQ-WD-003."""
    with Supervised(reference, tmp_path) as supervised:
        before = boot_count(supervised.root)
        supervised.send("ReferenceDeployment.watchdog.ARM_STOP_WATCHDOG")
        supervised.send("ReferenceDeployment.watchdog.STOP_WATCHDOG")
        assert "WatchdogStop" in supervised.seen
        assert "WATCHDOG" in supervised.await_boot()
        assert boot_count(supervised.root) == before + 1


def test_a_factory_reset_leaves_a_root_as_it_was_delivered(reference: tuple[Path, Path], tmp_path: Path) -> None:
    """REQ-RM-006."""
    with Supervised(reference, tmp_path) as supervised:
        (supervised.root / "something").write_bytes(b"old")
        supervised.send("ReferenceDeployment.resetManager.ARM_FACTORY_RESET")
        supervised.send("ReferenceDeployment.resetManager.FACTORY_RESET")
        assert "FACTORY_RESET" in supervised.await_boot()
        assert not (supervised.root / "something").exists()
        assert boot_count(supervised.root) == 1


def test_a_signal_to_the_supervisor_ends_both_in_order(reference: tuple[Path, Path], tmp_path: Path) -> None:
    with Supervised(reference, tmp_path) as supervised:
        child = supervised.child
        assert supervised.device.stop() == 0
        assert not is_alive(child)
        assert any("stopped: signal 15" in line for line in supervised.device.lines)


def test_a_deployment_does_not_outlive_its_supervisor(reference: tuple[Path, Path], tmp_path: Path) -> None:
    with Supervised(reference, tmp_path) as supervised:
        child = supervised.child
        os.kill(supervised.device.pid, signal.SIGKILL)
        await_end(child)


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.write_bytes(b"no image")])
def test_what_cannot_start_is_not_tried_again(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "x.image")
    command = [KITTIWAKE, "run", "--supervise", str(tmp_path / "x.image")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=tmp_path, check=False)
    assert ended.returncode == 1
    assert ended.stderr.count("kittiwake run:") == 1


@pytest.mark.parametrize("options", [["--watchdog", "soon"], ["--watchdog=0"], ["--nonsense"], []])
def test_misuse_is_told_once(tmp_path: Path, options: list[str]) -> None:
    command = [KITTIWAKE, "run", "--supervise", *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=tmp_path, check=False)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr


def test_the_power_is_cycled_by_whatever_can(reference: tuple[Path, Path], tmp_path: Path) -> None:
    with Supervised(reference, tmp_path, "--power-cycle", f"touch {tmp_path / 'cycled'}") as supervised:
        supervised.send("ReferenceDeployment.resetManager.WARM_RESET")
        supervised.await_boot()
        assert not (tmp_path / "cycled").exists()
        supervised.send("ReferenceDeployment.resetManager.COLD_RESET")
        supervised.await_boot()
        assert (tmp_path / "cycled").exists()
