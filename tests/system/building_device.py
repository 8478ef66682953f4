"""A deployment of topologies/building.yaml with its API, in a process of its own, and clients of it."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import httpx
from websockets.sync.client import connect

from tests.peers import ROOT
from tests.system.device import Device, build

if TYPE_CHECKING:
    from pathlib import Path

OPERATOR, RIVAL, VIEWER = "operators-token-0001", "rivals-token-00000002", "viewers-token-0000003"
TOKENS = f"agent operator {OPERATOR}\nrival operator {RIVAL}\nscreen viewer {VIEWER}\n"
NAME = "BuildingDeployment"
ZONE = {"name": "campus/b1/zone", "driver_type": "simulated", "device_address": "zone", "scrape_interval_seconds": 0.2}
SET_POINT = {
    "name": "SetPoint", "object_identifier": "analog-value,1", "writable": True, "driver_settings": {"resting": 21.0}
}  # fmt: skip


class Patient(httpx.Client):
    """A client that waits when it is told that it asks too much."""

    def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        while True:
            response = super().send(request, **options)
            if response.status_code != 429:
                return response
            response.close()
            time.sleep(0.1)


class Api:
    """A deployment with its API at a port, 0 for a free one, and clients of it."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        image, self.dictionary = build(ROOT / "topologies/building.yaml", folder)
        root = folder / "root"
        (root / "keys").mkdir(parents=True)
        (root / "keys/building.tokens").write_text(TOKENS)
        options = ["--set", f"{NAME}.buildingApi.address=127.0.0.1:{port}"]
        self.device = Device(image, root, "none", options)
        self.clients: list[httpx.Client] = []

    def start(self) -> None:
        self.device.start()
        self.device.await_line("API listens on")
        [line] = [line for line in self.device.lines if "API listens on" in line]
        found = re.search(r"127\.0\.0\.1:(\d+)", line)
        assert found is not None
        self.url = f"http://127.0.0.1:{found[1]}/api/v1"
        self.operator, self.viewer = self.client(OPERATOR), self.client(VIEWER)

    def add_zone(self) -> None:
        """A simulated device with a point that can be written, once its first poll has brought a value."""
        created = self.operator.post("/devices", json={**ZONE, "enabled": True})
        assert created.status_code == 200, created.text
        point = self.operator.post(f"/devices/{created.json()['id']}/points", json=SET_POINT)
        assert point.status_code == 200, point.text
        self.await_value(point.json()["id"], 21.0)

    def client(self, token: str, kind: type[httpx.Client] = Patient) -> httpx.Client:
        self.clients.append(kind(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=20))
        return self.clients[-1]

    def close(self) -> None:
        self.device.kill()
        for client in self.clients:
            client.close()

    def agent(self, token: str = OPERATOR, **options: Any) -> Any:
        url = self.url.replace("http", "ws") + "/actuator"
        return connect(url, additional_headers={"Authorization": f"Bearer {token}"}, **options)

    def device_id(self, name: str) -> str:
        found = [one["id"] for one in self.operator.get("/devices").json() if one["name"] == name]
        return str(found[0])

    def await_value(self, point_id: str, value: Any) -> dict[str, Any]:
        for _ in range(100):
            found: dict[str, Any] = self.operator.get(f"/points/{point_id}/latest").json()
            if found["last_value"] == value:
                return found
            time.sleep(0.05)
        raise AssertionError(f"{value!r} did not come: {found}")
