"""A deployment reaches a thousand points of five real BACnet devices: polled, written, unplugged, restarted, killed."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.building.bacnet_peer import BacnetPeer
from tests.peers import ROOT
from tests.ports import free_port
from tests.system.device import Device, build
from tests.system.raw_ground import RawGround

KINDS = {"analog-input": 120, "analog-output": 30, "binary-output": 30, "multi-state-value": 20}
DEVICES = 5
POINTS = DEVICES * sum(KINDS.values())
DRIVER = "Building.platformDriver"
SETTINGS = {"timeout_s": 5.0, "retries": 0}
LIMIT_S = 100.0
FREE: list[Any] = [None] * 16


def points_file() -> str:
    """The points of one device, as CSV."""
    rows = ["Name,ObjectIdentifier"]
    rows += [f'{kind}-{number},"{kind},{number}"' for kind, count in KINDS.items() for number in range(1, count + 1)]
    return "\n".join(rows) + "\n"


class Station:
    """The deployment, and a ground that commands it."""

    def __init__(self, folder: Path) -> None:
        self.image, self.dictionary = build(ROOT / "tests/building/building.yaml", folder)
        self.root = folder / "root"
        self.root.mkdir()
        (self.root / "points.csv").write_text(points_file())
        self.port = free_port()
        self.device = Device(self.image, self.root, f"tcp-listen://127.0.0.1:{self.port}")

    def command(self, name: str, *arguments: Any) -> None:
        """Sends a command of the platform driver and waits until it is done."""
        start = len(self.device.lines)
        with RawGround(self.dictionary, socket.create_connection(("127.0.0.1", self.port), 5)) as ground:
            (frame,) = ground.frames(f"{DRIVER}.{name}", 1, arguments)
            ground.link.sendall(frame)
            opcode = ground.dictionary.commands[f"{DRIVER}.{name}"].opcode
            self.device.await_line(f"OpCodeCompleted: Opcode {opcode:#x} completed", LIMIT_S, start)

    def await_channel(self, name: str, value: Any) -> None:
        """Returns when a channel of the platform driver has that value."""
        with RawGround(self.dictionary, socket.create_connection(("127.0.0.1", self.port), 5)) as ground:
            found = ground.await_true(lambda: ground.channels.get(f"{DRIVER}.{name}") == value, LIMIT_S)
            last = "\n".join(self.device.lines[-20:])
            assert found, f"{name} is {ground.channels.get(f'{DRIVER}.{name}')}, not {value}:\n{last}"


@pytest.fixture
def peers() -> Iterator[list[BacnetPeer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(BacnetPeer(1001 + one, KINDS, f"127.0.0.{2 + one}")) for one in range(DEVICES)]


@pytest.fixture
def station(tmp_path: Path, peers: list[BacnetPeer], monkeypatch: pytest.MonkeyPatch) -> Iterator[Station]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    station = Station(tmp_path)
    with station.device:
        station.device.await_line("BACnet device 4711 listens")
        for number, peer in enumerate(peers):
            own = {**SETTINGS, "instance": peer.instance, "cov": "unconfirmed" if number == 3 else "off"}
            more = json.dumps({"scrape_interval_seconds": 3.0, "driver_settings": own})
            station.command("DEVICE_ADD", f"ahu{number}", "bacnet", peer.address, more)
            station.command("IMPORT_POINTS", f"ahu{number}", "/points.csv")
            station.command("DEVICE_ENABLE", f"ahu{number}", "ENABLED")
        yield station


def until(condition: Callable[[], bool], station: Station) -> None:
    """Returns when a device is as wanted; polls go on meanwhile."""
    with RawGround(station.dictionary, socket.create_connection(("127.0.0.1", station.port), 5)) as ground:
        assert ground.await_true(condition, LIMIT_S), "\n".join(station.device.lines[-20:])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_thousand_points_of_five_devices(station: Station, peers: list[BacnetPeer]) -> None:
    """Polled, subscribed, written, unplugged, replugged, restarted; and released after the deployment was killed."""
    device = station.device
    station.await_channel("Points", POINTS)
    station.await_channel("Running", DEVICES)
    until(lambda: peers[3].subscriptions() == sum(KINDS.values()), station)
    assert all(peer.counts()["rpm"] for peer in peers)

    station.command("WRITE_POINT", "ahu0/analog-output-1", "42.5", 8, 0)
    station.command("WRITE_POINT", "ahu1/binary-output-1", "false", 8, 0)
    assert peers[0].priorities("analog-output,1") == [*FREE[:7], 42.5, *FREE[8:]]
    assert peers[1].priorities("binary-output,1") == [*FREE[:7], "inactive", *FREE[8:]]

    start = len(device.lines)
    peers[2].unplug()
    device.await_line("DeviceDown: Device ahu2 is down", LIMIT_S, start)
    station.await_channel("Running", DEVICES - 1)
    peers[2].replug()
    device.await_line("DeviceUp: Device ahu2 is up", LIMIT_S, start)

    start = len(device.lines)
    peers[3].kill()
    device.await_line("DeviceDown: Device ahu3 is down", LIMIT_S, start)
    peers[3].start()
    device.await_line("DeviceUp: Device ahu3 is up", LIMIT_S, start)
    until(lambda: peers[3].subscriptions() == sum(KINDS.values()), station)  # it had forgotten them

    device.kill()
    device.start()
    device.await_line("LeasesLeft: 2 writes", LIMIT_S)
    station.await_channel("Running", DEVICES)
    until(lambda: peers[0].priorities("analog-output,1") == FREE, station)
    until(lambda: peers[1].priorities("binary-output,1") == FREE, station)
