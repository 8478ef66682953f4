"""BACnet through a JSON-RPC gateway, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake_components.platform_driver.drivers.bacnet_jsonrpc import instance_of
from kittiwake_components.platform_driver.drivers.rpc_gateway import MAX_ANSWER, parse_gateway
from kittiwake_components.ports.building import DeviceAction
from tests.components.platform_driver.rpc_server import Gateway
from tests.components.platform_driver.site import Site

NAMES = {"Temp": "analog-input,1", "Occupied": "binary-value,1", "Valve": "analog-output,1"}


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as gateway:
        yield gateway


def site_of(gateway: Gateway, names: dict[str, str] = NAMES, **members: Any) -> tuple[Site, str, dict[str, str]]:
    site = Site()
    body = {"rpc_base_url": gateway.url, **members}
    id = site.add_device("ahu", "device:1001", driver_type="bacnet_jsonrpc", **body)
    points = {name: site.add_point(id, name, at) for name, at in names.items()}
    gateway.calls.clear()
    site.pass_time(6)
    return site, id, points


def values(site: Site, points: dict[str, str]) -> dict[str, Any]:
    return {name: site.latest(id)["last_value"] for name, id in points.items()}


def test_several_points_are_read_by_one_call(gateway: Gateway) -> None:
    """REQ-PD-041. Upstream, by users: reading point by point is too slow."""
    site, id, points = site_of(gateway)
    with site:
        assert values(site, points) == {"Temp": 21.5, "Occupied": False, "Valve": 3.0}
        assert {method for method, _ in gateway.calls} == {"client_read_multiple"}
        assert site.health(id)["status"] == "running"


def test_a_gateway_whose_methods_have_paths_of_their_own_is_reached_too(gateway: Gateway) -> None:
    """REQ-PD-041"""
    gateway.has_routes = True
    site, _, points = site_of(gateway)
    with site:
        assert values(site, points) == {"Temp": 21.5, "Occupied": False, "Valve": 3.0}


def test_the_state_of_a_binary_object_is_a_truth(gateway: Gateway) -> None:
    """REQ-PD-041. Upstream: the string "inactive" is truthy, so that the kill switch read as enabled."""
    site, _, points = site_of(gateway, {"Occupied": "binary-value,1"})
    with site:
        assert site.latest(points["Occupied"])["last_value"] is False
        gateway.values["binary-value,1"] = "active"
        site.pass_time(5)
        assert site.latest(points["Occupied"])["last_value"] is True
        assert gateway.calls[-1][0] == "client_read_property"


def test_one_bad_point_takes_no_other_along(gateway: Gateway) -> None:
    """REQ-PD-041"""
    site, id, points = site_of(gateway, {**NAMES, "Gone": "analog-input,9"})
    with site:
        assert values(site, points) == {"Temp": 21.5, "Occupied": False, "Valve": 3.0, "Gone": None}
        assert "unknown-object" in site.latest(points["Gone"])["last_error"]
        assert site.health(id)["status"] == "running"


@pytest.mark.parametrize(
    "rows, shown",
    [
        ([{"value": 1}, {"value": "Error: object, unknown-object"}, {"value": 3}], [1, None, 3]),
        (
            [
                {"object_identifier": "Analog-Output, 1", "property_identifier": "present-value", "value": 3},
                {"object_identifier": "analog-input,1", "property_identifier": "Present-Value", "value": 1},
            ],
            [1, None, 3],
        ),
        ([1, 2, 3], [None, None, None]),
        ([], [None, None, None]),
        ([{"value": [1]}, {"value": None}, {"value": "text"}], ["[1]", None, "text"]),
    ],
)
def test_rows_are_matched_by_position_or_by_their_names(gateway: Gateway, rows: Any, shown: list[Any]) -> None:
    """REQ-PD-041"""
    site, _, points = site_of(gateway, {"A": "analog-input,1", "B": "binary-value,1", "C": "analog-output,1"})
    with site:
        gateway.rows = rows
        site.pass_time(10)
        latest = [site.latest(points[name]) for name in "ABC"]
        assert [one["last_value"] if one["last_error"] is None else None for one in latest] == shown


def test_values_are_written_and_released_with_their_priority(gateway: Gateway) -> None:
    """REQ-PD-041"""
    site, _, _ = site_of(gateway)
    with site:
        set_point = DeviceAction.SET_POINT
        assert site.request(set_point, point="ahu/Valve", value=50, priority=8) == {"result": 50}
        assert site.request(set_point, point="ahu/Occupied", value=True, priority=9) == {"result": True}
        assert gateway.priorities == {"analog-output,1": {8: 50}, "binary-value,1": {9: "active"}}
        assert site.request(DeviceAction.GET_POINT, point="ahu/Occupied") == {"result": True}
        assert site.request(set_point, point="ahu/Temp", value=5)["error"]["type"] == "RuntimeError"
        site.request(set_point, point="ahu/Valve", value=None, priority=8)
        assert gateway.priorities["analog-output,1"] == {}
        site.stop()
        assert gateway.priorities["binary-value,1"] == {}


def test_a_write_at_which_the_gateway_fails_keeps_no_other_from_its_release(gateway: Gateway) -> None:
    """REQ-PD-041"""
    site, _, _ = site_of(gateway, {**NAMES, "Gone": "analog-output,9"})
    with site:
        assert site.request(DeviceAction.SET_POINT, point="ahu/Gone", value=1)["error"]["type"] == "TimeoutError"
        site.request(DeviceAction.SET_POINT, point="ahu/Valve", value=50, priority=8)
        site.stop()
        assert gateway.priorities["analog-output,1"] == {}


def test_devices_and_points_are_found(gateway: Gateway) -> None:
    """REQ-PD-041"""
    site, id, _ = site_of(gateway, {"Temp": "analog-input,1"})
    with site:
        found = site.ask("discover_points", device_id=id, add=True).body
        assert (len(found["points"]), found["added"]) == (3, 2)
        devices = site.ask("find_devices", driver_type="bacnet_jsonrpc", where=f"1000-1999 {gateway.url}").body
        assert [(one["address"], one["description"][:14]) for one in devices] == [("1001", "AHU (10.0.0.9)")]
        none = site.ask("find_devices", driver_type="bacnet_jsonrpc", where=f"1-2 {gateway.url}")
        assert (none.status, none.body["detail"]) == (504, "No response(s) on WhoIs")
        assert site.ask("find_devices", driver_type="bacnet_jsonrpc", where="ftp://x").status == 422


def test_the_token_comes_from_a_file_and_a_wrong_one_is_said(gateway: Gateway) -> None:
    """REQ-PD-041"""
    gateway.bearer = "secret"
    site, id, points = site_of(gateway, driver_settings={"bearer_file": "/gateway.token"})
    with site:
        assert site.health(id)["status"] in ("failed", "error")
        site.write_file("/gateway.token", b"wrong\n")
        assert site.send("RELOAD", "ahu").response is CommandResponse.OK
        site.pass_time(2)
        assert "another token" in site.health(id)["last_error"]
        site.write_file("/gateway.token", b"secret\n")
        site.send("RELOAD", "ahu")
        site.pass_time(2)
        assert values(site, points)["Temp"] == 21.5
        assert "secret" not in json.dumps(site.ask("list_devices").body)


@pytest.mark.parametrize("status, words", [(500, "HTTP 500"), (200, "")])
def test_a_gateway_that_fails_and_comes_back_is_reached_again(gateway: Gateway, status: int, words: str) -> None:
    """REQ-PD-041"""
    site, id, points = site_of(gateway)
    with site:
        gateway.status, gateway.closes = status, True
        site.pass_time(10)
        if words:
            assert words in site.health(id)["last_error"]
            assert values(site, points)["Temp"] == 21.5
        gateway.status = 200
        site.pass_time(40)
        assert site.health(id)["status"] == "running"


@pytest.mark.parametrize("answer", [b"no JSON", [], {"id": 5}, {"result": 1}, b"[" * 100_000, b"x" * (MAX_ANSWER + 1)])
def test_a_gateway_that_speaks_something_else_is_said(
    gateway: Gateway, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """REQ-PD-041"""
    monkeypatch.setattr(gateway, "answer", lambda *_: (200, answer))
    site, id, _ = site_of(gateway)
    with site:
        health = site.health(id)
        assert health["status"] == "error"
        assert "gateway" in health["last_error"] or "bytes" in health["last_error"]


def test_nobody_listens() -> None:
    """REQ-PD-041"""
    with Gateway() as gone:
        pass
    site, id, _ = site_of(gone)
    with site:
        assert site.health(id)["status"] == "error"


@pytest.mark.parametrize("address", ["1001", "device:1001", " Device: 1001 "])
def test_a_device_is_a_number(address: str) -> None:
    """REQ-PD-041"""
    assert instance_of(address) == 1001


@pytest.mark.parametrize(
    "members, place",
    [
        ({"device_address": "10.0.0.9"}, "device_address"), ({"device_address": "4194304"}, "device_address"),
        ({"rpc_base_url": "127.0.0.1:8080"}, "device_address"), ({"rpc_base_url": "http://u:p@h"}, "device_address"),
    ],
)  # fmt: skip
def test_what_is_no_device_is_refused(members: Any, place: str) -> None:
    """REQ-PD-041"""
    with Site() as site:
        body = {"name": "x", "driver_type": "bacnet_jsonrpc", "device_address": "1001", **members}
        reply = site.ask("create_device", body=body)
        assert (reply.status, reply.body["detail"][0]["loc"][-1]) == (422, place)


def test_the_path_is_of_base_and_entrypoint() -> None:
    """REQ-PD-041"""
    assert parse_gateway("http://h:1", "/api") == (False, "h:1", "", "/api")
    assert parse_gateway("https://h/base/", "rpc/v1/") == (True, "h", "/base", "/base/rpc/v1")
