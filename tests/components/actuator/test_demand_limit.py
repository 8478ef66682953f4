"""A building on virtual time, with the driver of its devices: two programs compete while a price goes up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from kittiwake.platform.simulated import WALL_START_NS, SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.simulation.building import building_of
from kittiwake.storage.root import Root
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image

ZONES = [f"campus/b1/zone{number:02}" for number in range(20)]
COMFORT, DEMAND = "comfort", "demand limit"
SETPOINT = "analog-output,1"
HOUR_S = 3600
PEAK_S, PEAK_END_S = 1200, 2400
HIGH_PRICE = 0.3


def price(now_s: float) -> float:
    """What a kilowatt-hour costs."""
    return 0.9 if PEAK_S <= now_s < PEAK_END_S else 0.1


@cache
def image() -> Any:
    return build_image(load_topology(Path(__file__).with_name("building.yaml")), "")


class Campus:
    """A building of twenty zones, each with a setpoint, under the actuator and the driver."""

    def __init__(self) -> None:
        self.platform = SimulatedPlatform(1)
        self.platform.files.make_folder("/data")
        self.deployment = Deployment(image(), self.platform, Root(self.platform.files, "/data"))
        self.agents: Any = self.deployment.instances["Building.agents"]
        self.deployment.start()
        driver: Any = self.deployment.instances["Building.platform"]
        changes = driver.engine().changes
        for zone in ZONES:
            device = changes.create_device({
                "name": zone, "driver_type": "simulated", "device_address": zone, "enabled": True,
                "scrape_interval_seconds": 60,
            })  # fmt: skip
            changes.create_point(device.id, {"name": "Setpoint", "object_identifier": SETPOINT})
        self.now_s = 0
        self.wait(5)

    def wait(self, seconds: int) -> None:
        self.deployment.run_for(seconds)
        self.now_s += seconds

    def call(self, requester: str, method: str, *arguments: Any) -> Any:
        """The reply to a call, once the devices have answered."""
        token = self.agents.ask(requester, method, *arguments)
        self.wait(1)
        return self.agents.answers[token]

    def schedule(self, requester: str, task: str, priority: str, until_s: int) -> Any:
        """Asks for all zones from now on."""
        start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=WALL_START_NS // 1000)
        begin, end = [str(start + timedelta(seconds=seconds)) for seconds in (self.now_s, until_s)]
        slots = [[zone, begin, end] for zone in ZONES]
        return self.call(requester, "request_new_schedule", "", task, priority, slots, "revert")["result"]

    def set_all(self, requester: str, value: float) -> Any:
        """Writes all setpoints."""
        pairs = [[f"{zone}/Setpoint", value] for zone in ZONES]
        return self.call(requester, "set_multiple_points", "", pairs, 8)

    def setpoints(self) -> list[dict[int, Any]]:
        """What the devices have, by priority."""
        building = building_of(self.platform)
        return [dict(building.device(zone).point(SETPOINT).priorities) for zone in ZONES]


def test_demand_is_limited_while_the_price_is_high_and_all_is_released_at_the_end() -> None:
    """REQ-ACT-023, REQ-ACT-016, REQ-ACT-019: preemption, grace, reverts, and nothing left written."""
    campus = Campus()
    assert campus.schedule(COMFORT, "day", "LOW_PREEMPT", HOUR_S)["result"] == "SUCCESS"
    assert campus.set_all(COMFORT, 21.5) == {"result": {}}
    assert campus.setpoints() == [{8: 21.5}] * 20
    while price(campus.now_s) < HIGH_PRICE:
        campus.wait(10)
    answer = campus.schedule(DEMAND, "peak", "HIGH", PEAK_END_S)
    assert answer == {"result": "SUCCESS", "info": "TASK_WERE_PREEMPTED", "data": [[COMFORT, "day"]]}
    assert campus.set_all(DEMAND, 26.0)["error"]["type"] == "LockError"  # the grace of those who were there
    notices = [(headers["taskID"], body["data"]) for topic, headers, body in campus.agents.heard if "result" in topic]
    assert notices == [("day", {"agentID": DEMAND, "taskID": "peak"})]
    assert campus.set_all(COMFORT, 23.0) == {"result": {}}
    campus.wait(60)
    assert campus.setpoints() == [{}] * 20, "what the preempted task has written is reverted"
    assert campus.set_all(COMFORT, 21.5)["error"]["type"] == "LockError"
    assert campus.set_all(DEMAND, 26.0) == {"result": {}}
    assert campus.schedule(COMFORT, "again", "LOW_PREEMPT", HOUR_S)["info"] == "CONFLICTS_WITH_EXISTING_SCHEDULES"
    while price(campus.now_s) > HIGH_PRICE:
        assert campus.setpoints() == [{8: 26.0}] * 20
        campus.wait(10)
    campus.wait(2)
    assert campus.setpoints() == [{}] * 20
    assert campus.schedule(COMFORT, "evening", "LOW_PREEMPT", HOUR_S)["result"] == "SUCCESS"
    assert campus.set_all(COMFORT, 22.0) == {"result": {}}
    campus.wait(HOUR_S - campus.now_s + 2)
    assert campus.setpoints() == [{}] * 20
    assert campus.call(COMFORT, "list_holders") == {"result": {}}
    campus.deployment.stop()


def test_errors_of_devices_travel_by_type() -> None:
    """REQ-ACT-018, REQ-ACT-027: from the driver to who asked."""
    campus = Campus()
    campus.schedule(COMFORT, "day", "HIGH", HOUR_S)
    path = f"{ZONES[0]}/Setpoint"
    for method, arguments, kind in (
        ("get_point", [f"{ZONES[0]}/None"], "DriverInterfaceError"),
        ("get_point", ["campus/none/Setpoint"], "KeyError"),
        ("set_point", ["", path, [1]], "ValueError"),
        ("set_override_off", ["nothing"], "OverrideError"),
    ):
        assert campus.call(COMFORT, method, *arguments)["error"]["type"] == kind
    assert campus.call(COMFORT, "get_multiple_points", [f"{ZONES[0]}/None"])["result"][1][
        f"{ZONES[0]}/None"
    ].startswith("DriverInterfaceError(")
    assert campus.call(COMFORT, "set_point", "", path, 20.0) == {"result": 20.0}
    assert campus.call(COMFORT, "set_override_on", f"{ZONES[0]}*", 60) == {"result": None}
    campus.wait(2)
    assert campus.setpoints()[0] == {}
    assert campus.call(COMFORT, "set_point", "", path, 20.0)["error"]["type"] == "OverrideError"
    campus.wait(61)
    assert campus.call(COMFORT, "set_point", "", path, 0) == {"result": 0}
    campus.deployment.stop()
