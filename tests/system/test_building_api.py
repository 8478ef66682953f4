"""The building over HTTP and WebSocket: a real deployment of topologies/building.yaml, with simulated devices."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed, InvalidStatus

from kittiwake_components.building_api.served.connections import MAX_CONNECTIONS, REQUEST_S
from tests.system.building_device import RIVAL, VIEWER, ZONE, Api

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    made = Api(tmp_path_factory.mktemp("building"))
    made.start()
    made.add_zone()
    yield made
    made.close()


def test_the_upstream_contract(api: Api) -> None:
    """REQ-BA-003: paths, bodies, statuses and details of easy-aso's supervisor."""
    client = api.operator
    assert client.get("/health").json()["status"] == "ok"
    made = client.post("/devices", json={"name": "vav", "driver_type": "stub", "device_address": "0"})
    assert made.status_code == 200
    device = made.json()
    assert device["enabled"] is False
    assert device["scrape_interval_seconds"] == 5.0
    assert client.get(f"/devices/{device['id']}").json() == device
    assert client.patch(f"/devices/{device['id']}", json={}).json()["name"] == "vav"
    assert [one["name"] for one in client.get("/devices", params={"enabled_only": "true"}).json()] == [ZONE["name"]]
    point = client.post(f"/devices/{device['id']}/points", json={"name": "t", "object_identifier": "analog-input,1"})
    assert point.status_code == 200
    id = point.json()["id"]
    assert point.json()["property_identifier"] == "present-value"
    assert [one["id"] for one in client.get(f"/devices/{device['id']}/points").json()] == [id]
    latest = client.get(f"/points/{id}/latest").json()
    assert {"point_id", "device_id", "name", "object_identifier", "enabled", "last_value", "last_error"} <= set(latest)
    assert client.get(f"/devices/{device['id']}/health").json()["status"] in ("idle", "stopped")
    assert client.delete(f"/points/{id}").json() == {"deleted": True, "id": id}
    assert client.delete(f"/devices/{device['id']}").json() == {"deleted": True, "id": device["id"]}
    for path, detail in ((f"/devices/{device['id']}", "device not found"), (f"/points/{id}/latest", "point not found")):
        gone = client.get(path)
        assert (gone.status_code, gone.json()["detail"]) == (404, detail)
        assert gone.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "change", [{"scrape_interval_seconds": -5}, {"name": None}, {"driver_type": "no_such"}, {"enabled": "yes"}]
)
def test_a_change_is_checked_as_a_new_device_is(api: Api, change: dict[str, Any]) -> None:
    """REQ-BA-003. Upstream: PATCH took an interval of -5, a null name was a status 500, and any driver type passed."""
    url = f"/devices/{api.device_id(str(ZONE['name']))}"
    before = api.operator.get(url).json()
    refused = api.operator.patch(url, json=change)
    assert refused.status_code == 422
    assert next(iter(change)) in str(refused.json()["detail"])
    assert api.operator.get(url).json() == before
    assert api.operator.post("/devices", json={**ZONE, "name": "other", **change}).status_code == 422


def test_running_devices_are_those_that_run(api: Api) -> None:
    """REQ-BA-003. Upstream: devices whose driver had died were counted as running."""
    made = api.operator.post("/devices", json={
        "name": "dead", "driver_type": "bacnet_jsonrpc", "device_address": "1", "rpc_base_url": "http://127.0.0.1:9",
        "enabled": True,
    })  # fmt: skip
    id = made.json()["id"]
    try:
        point = {"name": "t", "object_identifier": "analog-input,1"}
        assert api.operator.post(f"/devices/{id}/points", json=point).status_code == 200
        api.operator.post(f"/devices/{id}/poll")
        for _ in range(100):
            if api.operator.get(f"/devices/{id}/health").json()["status"] == "error":
                break
            time.sleep(0.05)
        health = api.operator.get("/health").json()
        assert health["running_devices"] < health["enabled_devices"]
    finally:
        api.operator.delete(f"/devices/{id}")


def test_two_who_change_the_same_do_not_undo_each_other(api: Api) -> None:
    """REQ-BA-004"""
    url = f"/devices/{api.device_id(str(ZONE['name']))}"
    etag = api.operator.get(url).headers["etag"]
    change = {"scrape_interval_seconds": 0.3}
    assert api.operator.patch(url, json=change, headers={"If-Match": etag}).status_code == 200
    assert api.operator.patch(url, json=change, headers={"If-Match": etag}).status_code == 412


def test_values_are_written_and_come_as_they_change(api: Api) -> None:
    """REQ-BA-005: 0 is written as any other value is, and streams show it."""
    id = api.operator.get(f"/devices/{api.device_id(str(ZONE['name']))}/points").json()[0]["id"]
    with api.viewer.stream("GET", "/values/stream", params={"prefix": "campus/b1/zone/"}) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        for value in (25.0, 0.0):
            taken = api.operator.post(f"/points/{id}/write", json={"value": value, "priority": 8})
            assert (taken.status_code, taken.json()["value"]) == (200, value)
            assert api.await_value(id, value)["quality"] == "good"
            for line in lines:
                if line.startswith("data: ") and json.loads(line[6:])["value"] == value:
                    assert json.loads(line[6:])["point"] == "campus/b1/zone/SetPoint"
                    break
    assert api.operator.post(f"/points/{id}/write", json={"value": None, "priority": 8}).status_code == 200
    api.await_value(id, 21.0)
    samples = api.viewer.get(f"/points/{id}/history", params={"limit": 1000}).json()["samples"]
    assert {25.0, 0.0, 21.0} <= {sample["value"] for sample in samples}


def test_points_go_and_come_as_csv(api: Api) -> None:
    """REQ-BA-003"""
    url = f"/devices/{api.device_id(str(ZONE['name']))}/points.csv"
    exported = api.viewer.get(url)
    assert exported.headers["content-type"].startswith("text/csv")
    assert "SetPoint" in exported.text
    more = "Name,PointType,Units,Commandable,Default\nDamper,AO,%,Y,20\n"
    taken = api.operator.post(url, content=more, headers={"Content-Type": "text/csv"})
    assert (taken.status_code, taken.json()["added"]) == (200, 1)
    assert api.operator.post(url, content="Name\n1,2,3", headers={"Content-Type": "text/csv"}).status_code == 422


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"Authorization": ""}, 401), ({"Authorization": "Bearer no-such-token-at-all"}, 401),
        ({"Origin": "http://127.0.0.1"}, 403), ({"Host": "evil.example:80"}, 403),
    ],
)  # fmt: skip
def test_strangers_and_pages_in_a_browser_are_refused(api: Api, headers: dict[str, str], status: int) -> None:
    """REQ-BA-002, REQ-BA-006"""
    refused = api.operator.get("/devices", headers=headers)
    assert refused.status_code == status
    assert refused.json()["status"] == status


def test_a_viewer_looks_and_nothing_else(api: Api) -> None:
    """REQ-BA-002"""
    assert api.viewer.get("/devices").status_code == 200
    assert api.viewer.post("/devices", json=ZONE).status_code == 403
    with api.agent(VIEWER) as socket:
        assert rpc(socket, "set_point", ["x", "a/b", 1])["error"]["code"] == -32001
        assert rpc(socket, "get_point", ["campus/b1/zone/SetPoint"])["result"] == 21.0


def test_bodies_are_bounded_and_of_the_kind_that_is_wanted(api: Api) -> None:
    """REQ-BA-006"""
    as_json = {"Content-Type": "application/json"}
    assert api.operator.post("/devices", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert api.operator.post("/devices", content=b"{", headers=as_json).status_code == 400
    assert api.operator.post("/devices", content=b"[" * 500_000, headers=as_json).status_code == 400
    assert api.operator.post("/devices", content=b" " * 1_048_577, headers=as_json).status_code == 413
    assert api.operator.get("/devices", params={"limit": "-1"}).status_code == 422
    assert api.operator.get("/devices", params={"unknown": "1"}).status_code == 422
    assert api.operator.put("/devices", json={}).status_code == 405
    assert api.operator.get("/nowhere").status_code == 404


def rpc(socket: Any, method: str, params: Any, id: Any = 1) -> dict[str, Any]:
    """The answer to a call; what is published meanwhile is left alone."""
    socket.send(json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
    while True:
        message: dict[str, Any] = json.loads(socket.recv(timeout=20))
        if "id" in message:
            return message


def notified(socket: Any, prefix: str) -> dict[str, Any]:
    """What is published next on a topic."""
    while True:
        message = json.loads(socket.recv(timeout=20))
        if message.get("method") == "message" and message["params"]["topic"].startswith(prefix):
            found: dict[str, Any] = message["params"]
            return found


def window(minutes: float = 10) -> list[list[str]]:
    now = datetime.now(UTC)
    end = now + timedelta(minutes=minutes)
    return [["campus/b1/zone", (now - timedelta(seconds=1)).isoformat(), end.isoformat()]]


def test_agents_schedule_and_write_as_whom_their_token_says(api: Api) -> None:
    """REQ-BA-007: the actuator's calls and topics; what a caller says of himself counts for nothing."""
    with api.agent() as agent, api.agent(RIVAL) as rival:
        assert rpc(rival, "subscribe", {"prefix": "devices/actuators/"})["result"] is True
        denied = rpc(agent, "set_point", ["rival", "campus/b1/zone/SetPoint", 19.0])
        assert denied["error"]["data"]["type"] == "LockError"
        made = rpc(agent, "request_new_schedule", ["rival", "cooling", "LOW_PREEMPT", window()])
        assert made["result"]["result"] == "SUCCESS"
        announced = notified(rival, "devices/actuators/schedule/announce/campus/b1/zone")
        assert announced["headers"]["requesterID"] == "agent"
        assert rpc(agent, "set_point", ["whoever", "campus/b1/zone/SetPoint", 0])["result"] == 0
        assert notified(rival, "devices/actuators/value/campus/b1/zone/SetPoint")["body"] == 0
        lock = rpc(rival, "set_point", ["agent", "campus/b1/zone/SetPoint", 30.0])["error"]
        assert lock["data"]["type"] == "LockError"
        assert (
            rpc(rival, "request_cancel_schedule", ["agent", "cooling"])["result"]["info"] == "AGENT_ID_TASK_ID_MISMATCH"
        )
        headers = {"type": "NEW_SCHEDULE", "requesterID": "agent", "taskID": "heat", "priority": "HIGH"}
        body = {"topic": "devices/actuators/schedule/request", "headers": headers, "body": window()}
        assert rpc(rival, "publish", body)["result"] is None
        preempted = notified(rival, "devices/actuators/schedule/result")
        assert preempted["body"]["result"] in ("PREEMPTED", "SUCCESS")
        assert rpc(agent, "request_cancel_schedule", ["agent", "cooling"])["result"]["result"] == "SUCCESS"
        assert rpc(rival, "request_cancel_schedule", ["rival", "heat"])["result"]["result"] == "SUCCESS"


def test_schedules_over_rest(api: Api) -> None:
    """REQ-BA-008"""
    asked = {"task_id": "night", "priority": "HIGH", "requests": window()}
    assert api.operator.post("/schedules", json=asked).json()["result"] == "SUCCESS"
    again = api.client(RIVAL).post("/schedules", json={**asked, "task_id": "other"})
    assert again.status_code == 409
    assert again.json()["detail"] == "CONFLICTS_WITH_EXISTING_SCHEDULES"
    assert "night" in again.json()["data"]["agent"]
    assert [task["task"] if "task" in task else task.get("id") for task in api.viewer.get("/schedules").json()["tasks"]]
    holders = api.viewer.get("/schedules/holders").json()
    assert holders["campus/b1/zone"]["owner"] == "agent"
    assert api.client(RIVAL).delete("/schedules/night").status_code == 409
    assert api.operator.delete("/schedules/night").json()["result"] == "SUCCESS"
    assert api.operator.post("/schedules", json={"task": "misspelt"}).status_code == 422


@pytest.mark.parametrize(
    "text, code",
    [
        ("{", -32700), ("[]", -32600), ("1", -32600), ('{"jsonrpc": "2.0", "id": 1}', -32600),
        ('{"jsonrpc": "1.0", "id": 1, "method": "get_point"}', -32600),
        ('{"jsonrpc": "2.0", "id": {}, "method": "get_point"}', -32600),
        ('{"jsonrpc": "2.0", "id": 1, "method": "no_such"}', -32601),
        ('{"jsonrpc": "2.0", "id": 1, "method": "get_point", "params": 3}', -32602),
        ('{"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {}}', -32602),
        (r'{"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {"prefix": "\ud800"}}', -32602),
    ],
)  # fmt: skip
def test_what_is_no_call_is_answered_with_an_error(api: Api, text: str, code: int) -> None:
    """REQ-BA-007"""
    with api.agent() as agent:
        agent.send(text)
        assert json.loads(agent.recv(timeout=20))["error"]["code"] == code
        batch = [{"jsonrpc": "2.0", "id": n, "method": "get_override_patterns"} for n in range(3)]
        agent.send(json.dumps(batch))
        assert [reply["id"] for reply in json.loads(agent.recv(timeout=20))] == [0, 1, 2]


def test_a_socket_is_held_to_the_pace_of_its_token(api: Api) -> None:
    """REQ-BA-006"""
    call = {"jsonrpc": "2.0", "id": 1, "method": "get_override_patterns"}
    with api.agent(VIEWER) as agent:
        codes = set()
        for _ in range(20):
            agent.send(json.dumps([call] * 32))
            codes |= {reply.get("error", {}).get("code", 0) for reply in json.loads(agent.recv(timeout=20))}
        assert codes == {0, -32002}


def test_strangers_can_neither_hold_nor_fill_the_connections(api: Api) -> None:
    """REQ-BA-006: idle ones go, those beyond the bound at once, and one without a token after its answer."""
    address = urlsplit(api.url)
    with ExitStack() as opened:
        idle = [
            opened.enter_context(socket.create_connection((address.hostname, address.port), 20))
            for _ in range(3 * MAX_CONNECTIONS)
        ]
        gone = sum([_is_closed(one) for one in idle])
        assert len(idle) - MAX_CONNECTIONS <= gone < len(idle)
        idle[0].settimeout(REQUEST_S + 10)
        assert idle[0].recv(1) == b""
    refused = httpx.get(f"{api.url}/devices")
    assert (refused.status_code, refused.headers["connection"]) == (401, "close")
    assert api.operator.get("/devices").status_code == 200


def _is_closed(link: socket.socket) -> bool:
    link.settimeout(0.2)
    try:
        return link.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_an_agent_without_a_token_does_not_connect(api: Api) -> None:
    """REQ-BA-002"""
    with pytest.raises(InvalidStatus):
        api.agent("no-token-of-anybody")


def test_it_comes_back_after_a_kill_and_ends_in_order(tmp_path: Path) -> None:
    """REQ-BA-009: and a device that was added is there again."""
    api = Api(tmp_path)
    with closing(api), api.device:
        api.device.kill()
        api.start()
        api.operator.post("/devices", json={**ZONE, "enabled": True})
        api.device.kill()
        api.start()
        assert [one["name"] for one in api.operator.get("/devices", params={"enabled_only": "true"}).json()] == [
            ZONE["name"]
        ]
        with api.agent() as agent:
            api.device.stop()
            with pytest.raises(ConnectionClosed):
                agent.recv(timeout=20)


def test_one_token_cannot_ask_for_ever(api: Api) -> None:
    """REQ-BA-006"""
    client = api.client(RIVAL, httpx.Client)
    answers = [client.get("/health").status_code for _ in range(400)]
    assert answers[:50] == [200] * 50
    assert 429 in answers


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["name", "driver_type", "enabled", "scrape_interval_seconds", "device_address", "driver_settings", "value",
         "priority", "task_id", "requests", "x"]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@given(body=JSON)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_is_too_strange(api: Api, body: Any) -> None:
    """REQ-BA-003: whatever it is, it is taken or refused with a reason."""
    as_json = {"Content-Type": "application/json"}
    for url in ("/devices", "/schedules", f"/devices/{api.device_id(str(ZONE['name']))}/points"):
        answer = api.operator.post(url, content=json.dumps(body), headers=as_json)
        assert answer.status_code in (200, 409, 422), answer.text
        if answer.status_code == 200 and url == "/devices":
            api.operator.delete(f"/devices/{answer.json()['id']}")
