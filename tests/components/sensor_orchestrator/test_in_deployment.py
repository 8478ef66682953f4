"""The whole hive in virtual time: topologies/hive.yaml, with scripted sensors, one of which hangs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.testing.simulated import SimulatedDeployment
from kittiwake_components.deployment_time import NO_TIME
from kittiwake_components.ports.hive import SensorState
from tests.components.sensor_orchestrator.hive import Sensors, ini
from tests.components.sensor_orchestrator.scripted_sensor import Script
from tests.peers import ROOT

if TYPE_CHECKING:
    from kittiwake_components.sensor_channels.component import SensorChannels

NAME = "HiveDeployment.sensorOrchestrator"


def test_channels_pings_and_commands_go_on_while_a_sensor_hangs() -> None:
    """REQ-SO-018, REQ-SO-020: Health's pings are answered, and each sensor's channels show its own."""
    sensors: Sensors = {"audio": {}, "temp": {}, "scale": {}}
    script = Script()
    script.readings["audio"] = [-31.5]
    script.silent["temp"] = "record"
    script.stuck.add("temp")
    content = ini(sensors, auto_start=False, capture_window_start_time="0000", pytz_time_zone="UTC")
    hive = SimulatedDeployment(ROOT / "topologies/hive.yaml", files={"/beemon-config.ini": content})
    hive.platform.children.install("python", script.live)
    hive.run_for(2)
    hive.send(f"{NAME}.START", "", "CONFIGURED")
    hive.run_for(1000)
    hive.send(f"{NAME}.STOP", "scale", "TRUNCATE")
    hive.run_for(2)
    names = [event.name.rpartition(".")[2] for event in hive.events()]
    assert names.count("OpCodeCompleted") == 2
    assert {"SensorHung", "SensorQuarantined", "CaptureDone", "SensorStopped"} <= set(names)
    assert not {"HLTH_PING_WARN", "HLTH_PING_LATE", "HandlerFailed", "RateGroupCycleSlip"} & set(names)
    shown: dict[str, Any] = {name: _channels(hive, name) for name in (*sensors, "video")}
    assert {name: one.state for name, one in shown.items()} == {
        "audio": SensorState.WAITING, "temp": SensorState.QUARANTINED, "scale": SensorState.STOPPED,
        "video": SensorState.STOPPED,
    }  # fmt: skip
    assert (shown["audio"].captures, shown["audio"].level) == (3, -31.5)
    assert shown["audio"].last_good != shown["scale"].last_good == NO_TIME
    assert shown["temp"].captures == 0


def test_the_log_of_the_deployment_is_as_the_configuration_says() -> None:
    """REQ-SO-027: [log] of the original's file, through topologies/hive.yaml."""
    log = {"logging_level": "error", "max_file_size_megabytes": 0.01}
    content = ini({"audio": {"auto_start": False}, "log": log})
    hive = SimulatedDeployment(ROOT / "topologies/hive.yaml", files={"/beemon-config.ini": content})
    hive.platform.children.install("python", Script().live)
    hive.run_for(2)
    text_log: Any = hive.deployment.instances["CdhCore.textLogger"]
    assert text_log._rotation == (10_000, 3 * 86_400 * 10**9, 7, True)
    size = hive.platform.files.size("/kittiwake/beemon.log")
    hive.send(f"{NAME}.START", "audio", "CONFIGURED")
    hive.run_for(1)
    assert hive.events()[-1].name.endswith("SensorStarted")
    assert hive.platform.files.size("/kittiwake/beemon.log") == size


def _channels(hive: SimulatedDeployment, name: str) -> SensorChannels:
    component: Any = hive.deployment.instances[f"HiveDeployment.{name}"]
    found: SensorChannels = component
    return found
