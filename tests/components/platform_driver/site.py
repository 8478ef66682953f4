"""A building with a platform driver in it, for tests: the service, requests, and devices that are looked at."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.simulation.building import Building, SimulatedUnit, settle_on
from kittiwake.testing import ComponentTester
from kittiwake_components import PlatformDriver
from kittiwake_components.ports.building import DeviceAction

AHU = "campus/b1/ahu1"


class Reply(NamedTuple):
    """A reply of the service."""

    status: int
    etag: str
    body: Any


class Site(ComponentTester[PlatformDriver]):
    """A platform driver without the example device, whose building outlives its restarts."""

    def __init__(self, *, building: Building | None = None, **own: Any) -> None:
        self._token = 0
        own.setdefault("queue", 200)
        own["settings"] = {"seed": False, **own.get("settings", {})}
        own.setdefault("platform", SimulatedPlatform(own.pop("seed", 0)))
        self.building = settle_on(own["platform"], Building() if building is None else building)
        super().__init__(PlatformDriver, **own)

    def _boot(self) -> None:
        settle_on(self.platform, self.building)
        super()._boot()

    def unit(self, address: str = "ahu1") -> SimulatedUnit:
        """A device of the building."""
        return self.building.device(address)

    def pass_time(self, seconds: float) -> None:
        """Lets time pass with a cycle each second."""
        for _ in range(int(seconds)):
            self.advance(1.0)
            self.call.run(0)

    # The service

    def ask(self, method: str, **arguments: Any) -> Reply:
        """The reply to a call of the service, which must come at once."""
        token = self.begin(method, **arguments)
        found = self.replies(token)
        assert len(found) == 1, f"{method}: {len(found)} replies"
        return found[0]

    def begin(self, method: str, **arguments: Any) -> int:
        """Calls a method whose reply may come later; its token."""
        self._token += 1
        self.call.call_in[0](self._token, method, json.dumps(arguments).encode())
        return self._token

    def replies(self, token: int) -> list[Reply]:
        """The replies to a call."""
        return [
            Reply(status, etag, json.loads(body)) for one, status, etag, body in self.ports.reply_out[0] if one == token
        ]

    def add_device(self, name: str = AHU, address: str = "ahu1", **members: Any) -> str:
        """Adds an enabled simulated device; its id."""
        body = {"name": name, "driver_type": "simulated", "device_address": address, "enabled": True, **members}
        reply = self.ask("create_device", body=body)
        assert reply.status == 200, reply
        return str(reply.body["id"])

    def add_point(self, device_id: str, name: str, object_identifier: str, **members: Any) -> str:
        """Adds a point; its id."""
        body = {"name": name, "object_identifier": object_identifier, **members}
        reply = self.ask("create_point", device_id=device_id, body=body)
        assert reply.status == 200, reply
        return str(reply.body["id"])

    def latest(self, point_id: str) -> Any:
        """What is known of a point."""
        return self.ask("point_latest", point_id=point_id).body

    def health(self, device_id: str) -> Any:
        """How a device is."""
        return self.ask("device_health", device_id=device_id).body

    # Requests

    def request(self, action: DeviceAction, **members: Any) -> Any:
        """The answer to a request, which must come at once."""
        token = self.begin_request(action, **members)
        [answer] = self.answers(token)
        return answer

    def begin_request(self, action: DeviceAction, **members: Any) -> int:
        """Makes a request whose answer may come later; its token."""
        self._token += 1
        self.call.request_in[1](self._token, action, json.dumps(members).encode())
        return self._token

    def answers(self, token: int) -> list[Any]:
        """The answers to a request."""
        return [json.loads(answer) for one, answer in self.ports.answer_out[1] if one == token]


def ahu(**own: Any) -> tuple[Site, str, dict[str, str]]:
    """A site with a device of three points, polled once: the site, the device's id, and the points' ids by name."""
    site = Site(**own)
    id = site.add_device()
    points = {
        "Temp": site.add_point(id, "Temp", "analog-input,1", driver_settings={"resting": 21.0}),
        "Fan": site.add_point(id, "Fan", "binary-output,1"),
        "Valve": site.add_point(id, "Valve", "analog-output,1", driver_settings={"resting": 3.0}),
    }
    site.pass_time(1)
    return site, id, points


def priorities(site: Site, object_identifier: str = "analog-output,1") -> dict[int, Any]:
    """What is written to a point of the device."""
    return site.unit().point(object_identifier).priorities
