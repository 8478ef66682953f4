"""Two agents compete for a building on virtual time, with the real actuator and driver, while a price goes up."""

from __future__ import annotations

from typing import Any

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.simulation.building import building_of
from kittiwake.storage.root import Root
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image
from tests.components.actuator.test_demand_limit import Campus
from tests.peers import ROOT

PRICE, OPEN = "analog-input,1", "binary-input,1"


class Market(Campus):
    """The campus with a price that is read as a point, and two agents."""

    def __init__(self) -> None:
        super().__init__()
        self.comfort: Any = self.deployment.instances["Building.comfort"]
        self.demand: Any = self.deployment.instances["Building.demand"]
        driver: Any = self.deployment.instances["Building.platform"]
        changes = driver.engine().changes
        device = changes.create_device({
            "name": "campus/market", "driver_type": "simulated", "device_address": "market", "enabled": True,
            "scrape_interval_seconds": 5,
        })  # fmt: skip
        self.ask_price(0.1)
        changes.create_point(device.id, {"name": "Price", "object_identifier": PRICE})
        building_of(self.platform).device("market").point(OPEN).resting = True
        changes.create_point(device.id, {"name": "Open", "object_identifier": OPEN})

    def state(self) -> str:
        """What the agent for comfort does."""
        return str(self.comfort.state.name)

    def ask_price(self, price: float) -> None:
        """From now on a kilowatt-hour costs that much."""
        building_of(self.platform).device("market").point(PRICE).resting = price


def test_the_agent_against_the_peak_takes_the_zones_after_the_grace_and_gives_them_back() -> None:
    """REQ-AG-002, REQ-AG-007: price signal, preemption, grace, and nothing left written at the end."""
    market = Market()
    market.wait(30)
    assert market.setpoints() == [{10: 21.5}] * 20
    market.ask_price(0.9)
    market.wait(30)
    assert market.setpoints() == [{10: 21.5}] * 20, "the grace of those who were there"
    market.wait(60)
    assert market.setpoints() == [{10: 26.0}] * 20
    assert market.state() == "RUNNING"
    assert market.comfort.held_points == 0
    holders = market.call("nobody", "list_holders")["result"]
    assert {holder["owner"] for holder in holders.values()} == {"Building.demand"}
    market.ask_price(0.1)
    market.wait(40)
    assert market.setpoints() == [{10: 21.5}] * 20
    market.comfort.optimization_enable = False
    market.wait(5)
    assert market.setpoints() == [{}] * 20
    assert market.state() == "OFF"
    assert market.call("nobody", "list_holders") == {"result": {}}
    market.deployment.stop()


def test_a_deployment_that_ends_leaves_nothing_written() -> None:
    """REQ-AG-002"""
    market = Market()
    market.wait(30)
    assert market.setpoints() == [{10: 21.5}] * 20
    market.deployment.stop()
    assert market.setpoints() == [{}] * 20


def test_the_load_shed_of_the_buildings_topology_sheds_by_the_actuator() -> None:
    """REQ-AG-006, REQ-AG-007: off until the operator's switch is on; then in stages, and all is given back."""
    platform = SimulatedPlatform(1)
    platform.files.make_folder("/data")
    image = build_image(load_topology(ROOT / "topologies/building.yaml"), "")
    deployment = Deployment(image, platform, Root(platform.files, "/data"))
    deployment.start()
    deployment.run_for(2)
    agent: Any = deployment.instances["BuildingDeployment.loadShed"]
    driver: Any = deployment.instances["BuildingDeployment.platformDriver"]
    building = building_of(platform)
    places = {
        "meter": ("Power", "analog-input,1", 150.0), "panel": ("Enable", "binary-value,1", False),
        "ahu1": ("FanSpeed", "analog-output,1", 60.0), "zone1": ("SetPoint", "analog-value,1", 21.0),
    }  # fmt: skip
    changes = driver.engine().changes
    for name, (label, identifier, resting) in places.items():
        device = changes.create_device({
            "name": f"campus/b1/{name}", "driver_type": "simulated", "device_address": name, "enabled": True,
        })  # fmt: skip
        changes.create_point(device.id, {
            "name": label, "object_identifier": identifier, "driver_settings": {"resting": float(resting)},
        })  # fmt: skip

    def written() -> list[Any]:
        return [dict(building.device(name).point(places[name][1]).priorities) for name in ("ahu1", "zone1")]

    deployment.run_for(700)
    assert written() == [{}, {}]
    building.device("panel").point("binary-value,1").resting = True
    deployment.run_for(370)
    assert written() == [{10: 40.0}, {}]
    deployment.run_for(310)
    assert written() == [{10: 40.0}, {10: 24.0}]
    building.device("meter").point("analog-input,1").resting = 90.0
    deployment.run_for(370)
    assert written() == [{10: 40.0}, {}]
    deployment.run_for(310)
    assert written() == [{}, {}]
    assert not agent.has_schedule("shed")
    building.device("meter").point("analog-input,1").resting = 150.0
    deployment.run_for(400)
    assert written() == [{10: 40.0}, {}]
    building.device("panel").point("binary-value,1").resting = False
    deployment.run_for(10)
    assert written() == [{}, {}]
    deployment.stop()
