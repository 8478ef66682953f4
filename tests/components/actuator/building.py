"""An actuator under test with the devices of a small building, which the tests answer for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from kittiwake.model import CommandResponse
from kittiwake.platform.simulated import WALL_START_NS
from kittiwake.testing import ComponentTester
from kittiwake_components import Actuator
from kittiwake_components.ports.building import DeviceAction

OK = CommandResponse.OK
START = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=WALL_START_NS // 1000)
MIN = 60
ANN, BOB, EVE = "ann", "bob", "eve"

Tester = ComponentTester[Actuator]


def actuator(*, answers: bool = True, points: dict[str, Any] | None = None, **options: Any) -> Building:
    """A building with an actuator; its devices answer at once unless told otherwise."""
    building = Building(dict(points or {}), answers)
    building.boot(**options)
    return building


def moment(minutes: float, base: datetime = START) -> str:
    """A time so many minutes after the start, as requesters write it."""
    return (base + timedelta(minutes=minutes)).isoformat(sep=" ")


def slot(device: str, start: float, end: float) -> list[str]:
    """A slot as requesters write it; times in minutes after the start."""
    return [device, moment(start), moment(end)]


class Building:
    """Points with values that devices hold, and what agents say and hear."""

    def __init__(self, points: dict[str, Any], answers: bool) -> None:
        self.points = points
        self.answers = answers
        self.errors: dict[str, tuple[str, str]] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.tokens = 0
        self.tester: Tester

    def boot(self, **options: Any) -> None:
        """Starts the actuator, which opens its schedule at the first cycle."""
        options.setdefault("queue", 300)
        self.tester = ComponentTester(Actuator, returns={}, **options)
        self.tester.call.run(0)
        self.serve()

    def __enter__(self) -> Building:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.serve()
            self.tester.finish()

    # Devices

    def serve(self) -> None:
        """The devices answer what was asked of them, and what is asked because of that."""
        calls = self.tester.ports.device_out
        while calls:
            token, action, body = calls.pop(0)
            members = json.loads(body)
            self.asked.append((DeviceAction(action).name, members))
            if self.answers:
                self.tester.call.device_answer_in(token, json.dumps(self._reply(action, members)).encode())

    def _reply(self, action: DeviceAction, members: dict[str, Any]) -> dict[str, Any]:
        about = str(members.get("point", members.get("device", members.get("pattern", ""))))
        listed = members.get("points") or [point for point, _ in members.get("values", ())]
        for where in (about, *[one.rpartition("/")[0] for one in listed]):
            if where in self.errors:
                kind, text = self.errors[where]
                return {"error": {"type": kind, "value": text}}
        match action:
            case DeviceAction.GET_POINT:
                if about not in self.points:
                    return {"error": {"type": "DriverInterfaceError", "value": about}}
                return {"result": self.points[about]}
            case DeviceAction.SET_POINT | DeviceAction.HEARTBEAT:
                self.points[about] = members["value"]
                return {"result": members["value"]}
            case DeviceAction.REVERT_POINT:
                self.points.pop(about, None)
            case DeviceAction.SCRAPE_ALL:
                found = {path.rpartition("/")[2]: value for path, value in self.points.items()}
                return {"result": found}
            case DeviceAction.GET_MULTIPLE:
                there = {path: self.points[path] for path in listed if path in self.points}
                return {"result": [there, {path: "unknown" for path in listed if path not in self.points}]}
            case DeviceAction.SET_MULTIPLE:
                failed = {
                    path: dict(zip(("type", "value"), self.errors[path], strict=True))
                    for path, _ in members["values"]
                    if path in self.errors
                }
                self.points.update({path: value for path, value in members["values"] if path not in failed})
                return {"result": failed}
            case DeviceAction.OVERRIDE_DEVICES | DeviceAction.OVERRIDE_PATTERNS:
                return {"result": ["campus/b1"]}
        return {"result": None}

    def took(self, name: str) -> list[dict[str, Any]]:
        """What was asked of the devices by an action of that name, since the last look."""
        self.serve()
        found = [members for action, members in self.asked if action == name]
        self.asked = [(action, members) for action, members in self.asked if action != name]
        return found

    # Agents

    def begin_call(self, requester: str, method: str, *arguments: Any) -> int:
        """Calls a method; the token of the answer to come."""
        self.tokens += 1
        self.tester.call.rpc_request_in[0](self.tokens, requester, method, json.dumps(arguments).encode())
        return self.tokens

    def answer_to(self, token: int) -> dict[str, Any] | None:
        """The answer to a call, if it has come. There is never a second one."""
        found = [reply for number, reply in self.tester.ports.rpc_answer_out[0] if number == token]
        assert len(found) <= 1
        return json.loads(found[0]) if found else None

    def call(self, requester: str, method: str, *arguments: Any) -> Any:
        """The result of a call, or its error as (type, text)."""
        token = self.begin_call(requester, method, *arguments)
        self.serve()
        reply = self.answer_to(token)
        assert reply is not None, f"{method} was not answered"
        if "error" in reply:
            return reply["error"]["type"], reply["error"]["value"]
        return reply["result"]

    def schedule(
        self, requester: str, task: Any, priority: Any, *slots: Any, on_release: str | None = None
    ) -> dict[str, Any]:
        """The answer to a request for slots by call."""
        found: dict[str, Any] = self.call(
            requester, "request_new_schedule", "forged", task, priority, list(slots), on_release
        )
        return found

    def publish(self, requester: str, topic: str, headers: Any = None, body: Any = ...) -> None:
        """A message of an agent; without a body there is none."""
        packed = b"" if body is ... else json.dumps(body).encode()
        self.tester.call.message_in(requester, f"devices/actuators/{topic}", json.dumps(headers or {}).encode(), packed)
        self.serve()

    def heard(self, topic: str = "") -> list[tuple[str, dict[str, Any], Any]]:
        """What was published on topics that begin so, since the last look: topic, headers without the time, body."""
        self.serve()
        found, kept = [], []
        for name, headers, body in self.tester.ports.message_out:
            short = name.removeprefix("devices/actuators/")
            if short.startswith(topic):
                shown = json.loads(headers)
                assert datetime.fromisoformat(shown.pop("time")).tzinfo is UTC
                found.append((short, shown, json.loads(body) if body else None))
            else:
                kept.append((name, headers, body))
        self.tester.ports.message_out[:] = kept
        return found

    def announced(self) -> list[tuple[str, str, float]]:
        """Device, task and window of the announcements since the last look."""
        prefix = "schedule/announce/"
        return [
            (topic.removeprefix(prefix), headers["taskID"], headers["window"])
            for topic, headers, _ in self.heard(prefix)
        ]

    def advance(self, seconds: float) -> None:
        """Lets time pass, and devices answer."""
        self.tester.advance(seconds)
        self.serve()

    def step_clock(self, seconds: float) -> None:
        """Sets the wall clock of the machine."""
        clock = self.tester.platform.clock
        clock.set_machine_wall_ns(clock.wall_ns() + round(seconds * 1e9))

    def events(self, name: str) -> list[tuple[Any, ...]]:
        """The arguments of the events of a name."""
        return [event.args for event in self.tester.events.named(name)]
