"""Flights with real devices behind libraries that have threads of their own, flown again with all of them gone."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.cli import replay as replay_command
from kittiwake.platform.system_files import SystemFiles
from kittiwake.replay.recording import Recording
from kittiwake_components.platform_driver.drivers.bacnet import BacnetDriver
from tests.building.bacnet_peer import BacnetPeer
from tests.building.driver_bench import DriverBench
from tests.building.modbus_peer import ModbusPeer
from tests.components.mqtt_bridge.broker import Broker, Listener, until
from tests.components.platform_driver.rpc_server import Gateway
from tests.system.building_device import NAME, Api

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)

BROKER_POINT = "campus/b1/zone1/SetPoint"


def add(api: Api, driver_type: str, address: str, name: str, points: list[dict[str, Any]], **members: Any) -> str:
    """Adds a device with its points, and gives the id of the first point."""
    device = {
        "name": f"campus/b1/{name}", "driver_type": driver_type, "device_address": address,
        "scrape_interval_seconds": 0.2, "enabled": True, **members,
    }  # fmt: skip
    made = api.operator.post("/devices", json=device)
    assert made.status_code == 200, made.text
    ids = []
    for point in points:
        answer = api.operator.post(f"/devices/{made.json()['id']}/points", json=point)
        assert answer.status_code == 200, answer.text
        ids.append(answer.json()["id"])
    return str(ids[0])


def begin(folder: Path, *options: str) -> tuple[Api, Path]:
    """A deployment that records its flight, with a keyframe every second."""
    path = folder / "building.flight"
    api = Api(folder)
    api.device.options += ["--record", str(path), "--record-keyframes", "1", *options]
    api.start()
    return api, path


def first_keyframe_s(path: Path) -> float:
    """A time of the flight just behind its first keyframe."""
    recording = Recording(SystemFiles(), str(path))
    found = (tenth for tenth in range(6000) if recording.keyframe_at(recording.header["begun_ns"] + tenth * 10**8))
    first_s = next(found) / 10
    recording.close()
    return first_s


def assert_equal(path: Path, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The flight is replayed whole, from its first keyframe and from its last; `lines` were printed in flight."""
    assert not [line for line in lines if "keyframes are missing" in line]
    for begin in ([], ["--from", str(first_keyframe_s(path))], ["--from", "600"]):
        status = replay_command.main([str(path), *begin])
        said, complained = capsys.readouterr()
        assert status == 0, said + complained
        assert "it ends there: signal 15" in said, said


def test_bacnet_and_modbus_devices_a_bacnet_client_and_the_api_are_replayed_without_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = {"analog-input": 3, "analog-value": 2}
    with BacnetPeer(1001, kinds) as bacnet, ModbusPeer() as modbus, Gateway() as gateway:
        modbus.set("holding", 4, 1234)
        api, path = begin(tmp_path, "--set", f"{NAME}.bacnetServer.address=127.0.0.1:0")
        try:
            points: list[dict[str, Any]] = [
                {"name": "SetPoint", "object_identifier": "analog-value,1", "writable": True},
                {"name": "Temp", "object_identifier": "analog-input,2"},
                {"name": "None", "object_identifier": "analog-input,99"},
            ]
            settings = {"timeout_s": 0.5, "retries": 0, "cov": "confirmed"}
            set_point = add(api, "bacnet", bacnet.address, "ahu", points, driver_settings=settings)
            register = {"name": "Count", "object_identifier": "holding-register,4"}
            counter = add(api, "modbus", modbus.address, "meter", [register])
            api.await_value(counter, 1234)
            point = {"name": "Temp", "object_identifier": "analog-input,1"}
            behind = add(api, "bacnet_jsonrpc", "1001", "far", [point], rpc_base_url=gateway.url)
            api.await_value(behind, 21.5)
            gateway.values["analog-input,1"] = 22.5
            api.await_value(behind, 22.5)
            api.await_value(set_point, 0.5)
            written = api.operator.post(f"/points/{set_point}/write", json={"value": 21.25, "priority": 9})
            assert written.status_code == 200, written.text
            api.await_value(set_point, 21.25)
            bacnet.set("analog-input,2", 30.5)
            found = re.search(r"listens on (127\.0\.0\.1:\d+) with", "\n".join(api.device.lines))
            assert found is not None
            bench = DriverBench()
            with bench.open(BacnetDriver, found[1], instance=1) as client:
                assert client.write("analog-value,1", 30.0, 8) == 30.0
            bacnet.unplug()
            api.device.await_line("campus/b1/ahu is down", 20.0)
            bacnet.replug()
            api.await_value(set_point, 21.25)
            time.sleep(1.1)  # for one more keyframe
            assert api.device.stop() == 0
        finally:
            api.close()
    assert_equal(path, api.device.lines, capsys)


def test_a_broker_that_comes_and_goes_and_its_commands_are_replayed_without_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    point = f"kittiwake/{NAME}/points/{BROKER_POINT}"
    with Broker(tmp_path) as broker, Listener(broker) as listener:
        api, path = begin(tmp_path, "--set", f"{NAME}.mqttBridge.address={broker.address}")
        try:
            place = {"name": "SetPoint", "object_identifier": "analog-value,1", "writable": True}
            add(api, "simulated", "zone", "zone1", [place])
            until(lambda: f"{point}/state" in listener.topics)
            listener.publish(f"{point}/set", "24")
            until(lambda: listener.topics.get(f"{point}/result") == b'{"value":24}')
            listener.publish(f"{point}/set", "40")
            until(lambda: b"error" in listener.topics[f"{point}/result"])
            broker.kill()
            api.device.await_line("No broker")
            time.sleep(1.1)  # for one more keyframe
            assert api.device.stop() == 0
        finally:
            api.close()
    assert_equal(path, api.device.lines, capsys)
