"""Watchdogs outside of the process: the service manager's datagrams, a device's bytes, and the simulated one."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.platform.system import SystemPlatform


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> socket.socket:
    """The socket of a service manager."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    line.bind(str(tmp_path / "notify"))
    line.settimeout(5)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "2500000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    return line


def test_a_service_manager_is_told(manager: socket.socket) -> None:
    with manager:
        platform = SystemPlatform()
        platform.notify("READY=1")
        watchdog = platform.open_watchdog("notify", 30)
        assert watchdog is not None
        assert watchdog.timeout_s == 2.5
        watchdog.stroke()
        watchdog.close(disarm=False)
        watchdog.close(disarm=True)
        assert [manager.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_an_abstract_socket_is_reached_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        name = f"kittiwake-test-{os.getpid()}"
        line.bind("\0" + name)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        SystemPlatform().notify("READY=1")
        assert line.recv(100) == b"READY=1"


def test_nobody_wants_strokes_where_there_is_no_service_manager(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    platform = SystemPlatform()
    platform.notify("READY=1")
    assert platform.open_watchdog("notify", 30) is None


def test_strokes_meant_for_another_process_are_not_given(
    manager: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with manager:
        monkeypatch.setenv("WATCHDOG_PID", "1")
        assert SystemPlatform().open_watchdog("notify", 30) is None


def test_a_manager_that_has_gone_is_a_fault_of_the_stroke_only(manager: socket.socket, tmp_path: Path) -> None:
    platform = SystemPlatform()
    watchdog = platform.open_watchdog("notify", 30)
    assert watchdog is not None
    manager.close()
    (tmp_path / "notify").unlink()
    platform.notify("READY=1")
    with pytest.raises(OSError, match="No such file"):
        watchdog.stroke()


def test_a_device_is_written_to_and_disarmed_by_its_letter(tmp_path: Path) -> None:
    """The kernel's protocol: any byte is a stroke, V before the close stops it. A file stands in for the driver."""
    device = tmp_path / "watchdog"
    device.touch()
    platform = SystemPlatform()
    watchdog = platform.open_watchdog(str(device), 20)
    assert watchdog is not None
    assert watchdog.timeout_s == 20
    watchdog.stroke()
    watchdog.close(disarm=False)
    watchdog.close(disarm=True)
    assert device.read_bytes() == b"\0"
    again = platform.open_watchdog(str(device), 20)
    assert again is not None
    again.close(disarm=True)
    assert device.read_bytes().startswith(b"V")
    with pytest.raises(FileNotFoundError):
        platform.open_watchdog(str(tmp_path / "absent"), 20)


def test_a_simulated_watchdog_expires_on_virtual_time() -> None:
    platform = SimulatedPlatform()
    watchdog = platform.open_watchdog("notify", 5)
    platform.clock.advance(5_000_000_000)
    assert not watchdog.has_expired()
    platform.clock.advance(1)
    assert watchdog.has_expired()
    watchdog.stroke()
    assert not watchdog.has_expired()
    watchdog.close(disarm=True)
    platform.clock.advance(60_000_000_000)
    assert not watchdog.has_expired()


def test_how_the_process_before_ended_comes_from_whoever_started_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KITTIWAKE_LAST_END", "WATCHDOG")
    assert SystemPlatform().last_end == "WATCHDOG"
    monkeypatch.delenv("KITTIWAKE_LAST_END")
    assert SystemPlatform().last_end == ""
