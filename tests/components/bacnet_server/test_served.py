"""A deployment in a process of its own, as a building system sees it: a BACnet client of bacpypes3 in this one."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kittiwake_components.platform_driver.drivers.bacnet import BacnetDriver
from kittiwake_components.platform_driver.drivers.interface import (
    BadValue,
    DriverFault,
    DriverInterfaceError,
    ReadOnly,
)
from tests.building.bacnet_peer import BacnetPeer
from tests.building.driver_bench import DriverBench, OpenDevice
from tests.peers import ROOT
from tests.system.device import Device, build

LISTENS = "BACnet device 4711 listens on"
PRIORITIES = {str(number): None for number in range(1, 17)}


@pytest.fixture(scope="module")
def device(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Device]:
    folder = tmp_path_factory.mktemp("building")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        image, _ = build(ROOT / "tests/building/building.yaml", Path(folder))
        with Device(image, folder / "root", "tcp-listen://127.0.0.1:0") as device:
            device.await_line(LISTENS)
            yield device


@pytest.fixture
def bench() -> DriverBench:
    return DriverBench()


@pytest.fixture
def client(bench: DriverBench, device: Device) -> Iterator[OpenDevice]:
    found = re.search(rf"{LISTENS} (127\.0\.0\.1:\d+)", "\n".join(device.lines))
    assert found is not None
    with bench.open(BacnetDriver, found[1], instance=4711, cov="confirmed") as client:
        yield client


def test_channels_and_parameters_are_objects_with_names_and_units(client: OpenDevice) -> None:
    """REQ-BNS-003, REQ-BNS-004"""
    found = {point.name: point for point in client.wait(client.driver.discover)}
    assert len(found) == 13
    temperature = found["Building.room.Temperature"]
    assert (temperature.object_identifier, temperature.units) == ("analog-input,1", "degrees-celsius")
    assert not temperature.is_writable
    assert found["Building.room.SET_POINT"].is_writable
    assert client.value("device,4711 object-name") == "Test building"
    assert client.value("analog-value,1 min-pres-value") == 10.0
    assert client.value("analog-value,1 max-pres-value") == 30.0


def test_values_are_shown_by_kind(client: OpenDevice) -> None:
    """REQ-BNS-004"""
    names = ["analog-input,1", "analog-input,3", "binary-input,4", "characterstring-value,5", "characterstring-value,6"]
    assert [reading.value for reading in client.read(*names)] == [20.0, 20.0, False, "OFF", "Room 12"]
    assert client.value("analog-input,1 status-flags") == dict.fromkeys(
        ("in-alarm", "fault", "overridden", "out-of-service"), False
    )


def test_a_channel_without_a_value_says_that_it_has_none(client: OpenDevice) -> None:
    """REQ-BNS-004"""
    flags = client.value("analog-input,7 status-flags")
    assert isinstance(flags, dict)
    assert flags["fault"] is True
    assert client.value("analog-input,7 reliability") == "no-sensor"


@pytest.mark.parametrize(
    "point, value, channel, shown",
    [
        ("analog-value,1", 25.5, "analog-input,1", 25.5),
        ("binary-value,4", True, "binary-input,4", True),
        ("characterstring-value,11", "Hall", "characterstring-value,6", "Hall"),
        ("characterstring-value,12", "ON", "characterstring-value,5", "ON"),
    ],
)
def test_a_write_commands_the_parameter_until_it_is_released(
    client: OpenDevice, bench: DriverBench, point: str, value: Any, channel: str, shown: Any
) -> None:
    """REQ-BNS-005"""
    before = client.value(point)
    assert client.write(point, value, 8) == value
    assert client.value(point) == value
    assert client.value(f"{point} priority-array") == {**PRIORITIES, "8": value}
    bench.until(lambda: client.value(channel) == shown)
    client.write(point, None, 8)
    assert client.value(point) == before
    assert client.value(f"{point} priority-array") == PRIORITIES
    bench.until(lambda: client.value(channel) == before)


@pytest.mark.parametrize(
    "point, value, fault",
    [
        ("analog-value,1", 99.0, BadValue),
        ("analog-value,2", 7.5, BadValue),
        ("analog-value,2", 13, DriverFault),
        ("characterstring-value,12", "NO", BadValue),
        ("analog-input,1", 3.0, ReadOnly),
        ("characterstring-value,6", "x", ReadOnly),
        ("analog-value,1 object-name", "x", ReadOnly),
        ("device,4711 object-name", "x", ReadOnly),
        ("analog-value,99", 3.0, DriverInterfaceError),
    ],
)
def test_a_write_that_the_parameter_does_not_take_changes_nothing(
    client: OpenDevice, point: str, value: Any, fault: type[Exception]
) -> None:
    """REQ-BNS-005, REQ-BNS-008"""
    before = [reading.value for reading in client.read("analog-value,1", "analog-value,2", "characterstring-value,12")]
    with pytest.raises(fault):
        client.write(point, value, 8)
    after = [reading.value for reading in client.read("analog-value,1", "analog-value,2", "characterstring-value,12")]
    assert after == before
    if not point.endswith(("99", "object-name")) and "value" in point and "6" not in point:
        assert client.value(f"{point} priority-array") == PRIORITIES


def test_changes_are_told(client: OpenDevice, bench: DriverBench) -> None:
    """REQ-BNS-004"""
    client.subscribe("analog-input,1", "analog-value,1", "binary-input,4", "characterstring-value,6")
    bench.until(lambda: len(client.changes) == 4)
    client.write("analog-value,1", 22.0, 8)
    bench.until(lambda: ("analog-input,1", 22.0) in [(name, reading.value) for name, reading in client.changes])
    assert ("analog-value,1", 22.0) in [(name, reading.value) for name, reading in client.changes]
    client.write("analog-value,1", None, 8)


def test_the_writer_is_named(client: OpenDevice, device: Device) -> None:
    """REQ-BNS-005"""
    start = len(device.lines)
    client.write("analog-value,3", 0.5, 5)
    device.await_line("set Building.room.GAIN to 0.5 with priority 5", after=start)
    client.write("analog-value,3", None, 5)


def test_a_killed_deployment_serves_again_after_its_restart(tmp_path: Path, bench: DriverBench, device: Device) -> None:
    """REQ-BNS-001"""
    with Device(device.image, tmp_path / "root", "tcp-listen://127.0.0.1:0") as other:
        for _ in range(2):
            other.await_line(LISTENS)
            found = re.search(rf"{LISTENS} (127\.0\.0\.1:\d+)", "\n".join(other.lines))
            assert found is not None
            with bench.open(BacnetDriver, found[1]) as client:
                assert client.value("analog-value,1") == 20.0
            other.kill()
            other.start()


def test_an_address_that_is_taken_is_had_when_it_is_free(tmp_path: Path, bench: DriverBench, device: Device) -> None:
    """REQ-BNS-009"""
    with BacnetPeer(3, {}, host="127.0.0.1") as peer:
        options = ["--set", f"Building.bacnet.address={peer.address}"]
        with Device(device.image, tmp_path / "root", "tcp-listen://127.0.0.1:0", options) as other:
            other.await_line("BacnetFailed: No BACnet service")
            peer.stop()
            other.await_line(LISTENS)
            with bench.open(BacnetDriver, peer.address, instance=4711) as client:
                assert client.value("analog-value,1") == 20.0
