"""A hive of four simulated sensors, with real processes that are killed at work, and stops in real time."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kittiwake.dictionary.load import load_dictionary
from kittiwake.wire.link_address import parse_link
from kittiwake_ground.commanding import command_and_wait
from kittiwake_ground.link import GroundLink
from kittiwake_ground.station import Station
from tests.peers import ROOT
from tests.ports import free_port
from tests.system.device import Device, build

if TYPE_CHECKING:
    from collections.abc import Callable

SENSORS = ("audio", "temp", "scale", "airquality")
OPTIONS = ["--set", "HiveDeployment.textCommands.url="]  # its port is one for the whole machine
PATIENCE_S = 30.0
INTERVAL_S, DURATION_S = 2, 1
SEEN_LIMIT_S = 1.0
"""A stop is seen within 100 ms; what a machine that has other work is allowed is more, so that no bad hour fails it."""


@pytest.fixture(scope="module")
def hive(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Image and dictionary of the hive."""
    return build(ROOT / "topologies/hive.yaml", tmp_path_factory.mktemp("hive"))


def configure(root: Path, interval_s: float, duration_s: float) -> None:
    """A configuration whose windows are open now, and for hours.

    They have opened half an hour ago, so that of starts an hour apart none is near, whatever the time is.
    """
    opened = datetime.now(UTC) - timedelta(minutes=30)
    lines = [
        "[global]",
        'pytz_time_zone = "UTC"',
        f'capture_window_start_time = "{opened:%H%M}"',
        f'capture_window_end_time = "{opened + timedelta(hours=9):%H%M}"',
        f"capture_duration_seconds = {duration_s}",
        f"capture_interval_seconds = {interval_s}",
        *[f'[{name}]\ndevice = "simulated"' for name in SENSORS],
    ]
    root.mkdir(exist_ok=True)
    (root / "hive.toml").write_text("\n".join(lines))


class Yard:
    """The folder of a hive's recordings, and the processes that write there."""

    def __init__(self, root: Path) -> None:
        self.captures = root / "captures"
        self.whole: dict[Path, bytes] = {}

    def look(self) -> None:
        """Checks each recording that has come: whole and described from the first moment that it has its name."""
        for path in self.captures.rglob("*@*"):
            if path.suffix not in (".part", ".json", ".new") and path not in self.whole:
                content = path.read_bytes()
                described = json.loads(path.with_name(path.name + ".json").read_bytes())
                assert hashlib.sha256(content).hexdigest() == described["sha256"], f"{path} is half a recording"
                self.whole[path] = content

    def await_true(self, condition: Callable[[], object], what: str) -> None:
        """Waits, and looks meanwhile."""
        end_s = time.monotonic() + PATIENCE_S
        while not condition():
            self.look()
            assert time.monotonic() < end_s, f"{what}: it did not come"
            time.sleep(0.01)
        self.look()

    def is_recording(self, name: str) -> bool:
        """Whether a sensor records."""
        return any((self.captures / name).rglob("*.part"))

    def process(self, name: str) -> int | None:
        """The newest process of a sensor."""
        found = [int(folder) for folder in os.listdir("/proc") if folder.isdigit() and self._is_of(folder, name)]
        return max(found, default=None)

    def _is_of(self, pid: str, name: str) -> bool:
        try:
            command = Path("/proc", pid, "cmdline").read_bytes()
        except OSError:
            return False
        return command.split(b"\0")[-2:] == [str(self.captures / name).encode(), b""]


def await_captures(device: Device, after: int = 0) -> None:
    """Waits for a recording of each sensor."""
    for name in SENSORS:
        device.await_line(f"CaptureDone: {name} has", PATIENCE_S, after)


@pytest.mark.timeout(300)
def test_whatever_is_killed_no_recording_is_lost_and_none_is_half(hive: tuple[Path, Path], tmp_path: Path) -> None:
    """REQ-SO-001, REQ-SO-015, REQ-SO-021. Upstream: no process was started again; half a file could be uploaded."""
    root = tmp_path / "root"
    configure(root, INTERVAL_S, DURATION_S)
    yard = Yard(root)
    device = Device(hive[0], root, "none", OPTIONS)
    with device:
        await_captures(device)
        for name in SENSORS:
            yard.await_true(partial(yard.is_recording, name), f"a recording of {name}")
            pid = yard.process(name)
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
        for name in SENSORS:
            device.await_line(f"SensorRestarted: {name} is started again", PATIENCE_S)
        await_captures(device, len(device.lines))
        yard.await_true(lambda: all(yard.is_recording(name) for name in SENSORS), "recordings of all")
        under_way = {str(path).removesuffix(".part") for path in yard.captures.rglob("*.part")}
        device.kill()
        yard.await_true(lambda: not any(yard.process(name) for name in SENSORS), "the end of the processes")
        assert under_way <= {str(path) for path in yard.whole}
        said = [line for line in device.lines if "CaptureDone" in line]
        device.start()
        await_captures(device)
        said += [line for line in device.lines if "CaptureDone" in line]
        assert device.stop() == 0
        yard.await_true(lambda: not any(yard.process(name) for name in SENSORS), "the end of the processes")
    for line in said:
        found = re.search(r"has recorded (\S+): (\d+) bytes", line)
        assert found is not None
        assert len(yard.whole[yard.captures / found[1]]) == int(found[2])
    assert not list(yard.captures.rglob("*.part")), "what was half is thrown away at the next start of its sensor"
    assert not any("Traceback" in line or "HandlerFailed" in line for line in device.lines)


@pytest.mark.timeout(300)
def test_stops_are_seen_at_once_and_stay(hive: tuple[Path, Path], tmp_path: Path) -> None:
    """REQ-SO-010, REQ-SO-011, REQ-SO-014: asleep and recording; measured from the command to what comes of it."""
    root = tmp_path / "root"
    configure(root, 3600, 60)
    port = free_port()
    name = "HiveDeployment.sensorOrchestrator"
    with Device(hive[0], root, f"tcp-listen://127.0.0.1:{port}", OPTIONS) as device:
        for sensor in SENSORS:
            device.await_line(f"SensorStarted: {sensor} is ready", PATIENCE_S)
        with GroundLink(parse_link(f"tcp://127.0.0.1:{port}")) as link:
            station = Station(link, load_dictionary(str(hive[1])), "ccsds", complain=lambda _: None)
            station.connect(timeout_s=60)

            def command(mnemonic: str, *arguments: object) -> int:
                seen = len(device.lines)
                answer = command_and_wait(station, f"{name}.{mnemonic}", arguments, 10.0, lambda _: None)
                assert answer.completed, f"{mnemonic}: {answer.reason}"
                return seen

            command("TAKE_NOW", "")
            yard = Yard(root)
            yard.await_true(lambda: all(yard.is_recording(sensor) for sensor in SENSORS), "recordings of all")
            took_s = {
                "discard": passed_s(device, command("STOP", "audio", "DISCARD"), "CaptureDiscarded: audio has"),
                "truncate": passed_s(device, command("STOP", "temp", "TRUNCATE"), "CaptureDone: temp has"),
            }
            device.await_line("SensorStopped: audio", PATIENCE_S)
            seen = command("START", "audio", "LEAVE_OUT")
            device.await_line("SensorStarted: audio is ready", PATIENCE_S, seen)
            took_s["asleep"] = passed_s(device, command("STOP", "audio", "CONFIGURED"), "SensorStopped: audio")
            assert max(took_s.values()) < SEEN_LIMIT_S
            command("STOP", "", "DISCARD")
            for sensor in ("scale", "airquality"):
                device.await_line(f"SensorStopped: {sensor}", PATIENCE_S)
        yard.look()
        assert {path.relative_to(yard.captures).parts[0] for path in yard.whole} == {"temp"}
        device.stop()
        device.start()
        device.await_line("ConfigLoaded", PATIENCE_S)
        device.await_line("DictionaryHash", PATIENCE_S)
        assert not any(yard.process(sensor) for sensor in SENSORS)


def passed_s(device: Device, after: int, wanted: str) -> float:
    """From the dispatch of the command behind a line of the log to an event, by the times of the log."""
    line = device.lines[device.await_line(wanted, PATIENCE_S, after) - 1]
    sent = device.lines[device.await_line("OpCodeDispatched", PATIENCE_S, after) - 1]
    at = [datetime.fromisoformat(text.partition(" ")[0]) for text in (sent, line)]
    return (at[1] - at[0]).total_seconds()
