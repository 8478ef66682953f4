"""The building at an MQTT broker: a real deployment of topologies/building.yaml, a simulated zone, a real broker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.components.mqtt_bridge.broker import Broker, Listener, until
from tests.system.building_device import NAME, SET_POINT, ZONE, Api

PLACE = f"kittiwake/{NAME}"
POINT = f"{PLACE}/points/campus/b1/zone1/SetPoint"


@pytest.mark.timeout(300)
def test_a_point_is_shown_and_commanded_and_released_after_a_kill(tmp_path: Path) -> None:
    """REQ-MQ-001, REQ-MQ-003, REQ-MQ-004: and the last will tells of the kill."""
    with Broker(tmp_path) as broker, Listener(broker) as listener:

        def shown() -> Any:
            return json.loads(listener.topics.get(f"{POINT}/state", b"{}")).get("value")

        api = Api(tmp_path)
        api.device.options += ["--set", f"{NAME}.mqttBridge.address={broker.address}"]
        try:
            api.start()
            until(lambda: listener.topics.get(f"{PLACE}/availability") == b"online")
            created = api.operator.post("/devices", json={**ZONE, "name": "campus/b1/zone1", "enabled": True})
            api.operator.post(f"/devices/{created.json()['id']}/points", json=SET_POINT)
            until(lambda: shown() == 21)
            until(lambda: f"{PLACE}/channels/{NAME}.platformDriver.Running/state" in listener.topics)
            listener.publish(f"{POINT}/set", "24")
            until(lambda: shown() == 24)
            assert json.loads(listener.topics[f"{POINT}/result"]) == {"value": 24}
            listener.publish(f"{POINT}/set", "40")
            until(lambda: "error" in json.loads(listener.topics[f"{POINT}/result"]))
            assert shown() == 24
            api.device.kill()
            until(lambda: listener.topics[f"{PLACE}/availability"] == b"offline")
            api.start()
            until(lambda: listener.topics[f"{PLACE}/availability"] == b"online")
            until(lambda: shown() == 21)
        finally:
            api.close()
