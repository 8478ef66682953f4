"""A hive's captures on their way to a real FTP server, which is killed, as the hive is; and its text commands."""

from __future__ import annotations

import json
import socket
import time
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from tests.components.transfer_service.ftp_server import PASSWORD, USER, FtpProcess
from tests.peers import ROOT
from tests.ports import free_port
from tests.system.device import Device, build

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 30.0
CONFIGURATION = """
[global]
pytz_time_zone = "UTC"
capture_window_start_time = "0000"
capture_window_end_time = "2359"
capture_duration_seconds = 1
capture_interval_seconds = 2
root_upload_directory = "/hives"
[audio]
device = "simulated"
[temp]
device = "simulated"
[ftp]
host = "127.0.0.1"
port = {port}
username = "{user}"
password = "{password}"
"""


def ask(port: int, line: str) -> str:
    """The answer to a text command."""
    with socket.create_connection(("127.0.0.1", port), 10) as one, one.makefile("r") as received:
        one.sendall(line.encode() + b"\n")
        return received.readline().strip()


def whole_captures(top: Path) -> set[str]:
    """The captures in a folder by their paths; each that has a sidecar is what that says."""
    found = set()
    for sidecar in top.rglob("*.json"):
        file = sidecar.with_name(sidecar.name.removesuffix(".json"))
        if file.exists():
            assert sha256(file.read_bytes()).hexdigest() == json.loads(sidecar.read_bytes())["sha256"], file
            found.add(str(file.relative_to(top)))
    return found


@pytest.mark.timeout(300)
def test_what_was_recorded_arrives_whole_whatever_is_killed(tmp_path: Path) -> None:
    """REQ-UP-014, REQ-UP-015, REQ-TC-002: by the original's configuration, and stopped by the original's commands."""
    image, _ = build(ROOT / "topologies/hive.yaml", tmp_path / "hive")
    disk, root = tmp_path / "disk", tmp_path / "root"
    (disk / "hives").mkdir(parents=True)
    root.mkdir()
    server = FtpProcess(disk)
    server.start(dies_after=250_000)  # in the midst of the second recording of sound
    (root / "hive.toml").write_text(CONFIGURATION.format(port=server.port, user=USER, password=PASSWORD))
    text_port = free_port()
    settings = ["--set", f"HiveDeployment.textCommands.url=tcp-listen://127.0.0.1:{text_port}"]
    device = Device(image, root, "none", settings)
    said: list[str] = []
    with device:
        device.await_line("UploadFailed: audio", PATIENCE_S)
        server.await_death()
        server.start()
        device.kill()
        said += [line for line in device.lines if "CaptureDone" in line]
        device.start()
        device.await_line("UploadDone: audio", PATIENCE_S)
        device.await_line("CaptureDone: audio", PATIENCE_S)
        assert ask(text_port, "stop audio") == "ok"
        assert ask(text_port, "stop temp") == "ok"
        assert ask(text_port, "stop nobody") == "error: there is no nobody"
        assert "uploader: " in ask(text_port, "status")
        device.await_line("SensorStopped: audio", PATIENCE_S)
        device.await_line("SensorStopped: temp", PATIENCE_S)
        end_s = time.monotonic() + PATIENCE_S
        while any((root / "captures").rglob("*.json")):
            assert time.monotonic() < end_s, ask(text_port, "status uploader")
            time.sleep(0.1)
        assert ask(text_port, "status uploader").startswith("uploader: idle, 0 waiting, 0 failed")
        assert device.stop() == 0
        said += [line for line in device.lines if "CaptureDone" in line]
    server.stop()
    there = whole_captures(disk / "hives")
    recorded = {line.partition(" has recorded ")[2].partition(":")[0] for line in said}
    assert recorded <= there
    assert len(recorded) >= 4
    assert not list(disk.rglob("*.part"))
    assert PASSWORD not in (root / "beemon.log").read_text()
    assert not any("Traceback" in line or "HandlerFailed" in line for line in device.lines)
