"""The service: the upstream's REST contract member by member, one schema for all, and versions against lost updates."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.model.fw import Enabled
from kittiwake.testing.design_sheet import differences
from kittiwake_components import PlatformDriver
from kittiwake_components.platform_driver.api import METHODS
from kittiwake_components.ports.building import DeviceAction
from kittiwake_components.ports.platform_driver import METHOD_SIZE
from tests.components.platform_driver.site import AHU, Site, ahu
from tests.components.power_cuts import cut_everywhere


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(PlatformDriver) == []


# The contract

DEVICE_MEMBERS = {
    "id", "name", "driver_type", "device_address", "rpc_base_url", "rpc_entrypoint", "scrape_interval_seconds",
    "enabled", "created_at", "updated_at",
}  # fmt: skip
POINT_MEMBERS = {
    "id", "device_id", "name", "object_identifier", "property_identifier", "enabled", "last_value", "last_polled_at",
    "last_error", "created_at", "updated_at",
}  # fmt: skip
LATEST_MEMBERS = {
    "point_id", "device_id", "name", "object_identifier", "property_identifier", "enabled", "last_value",
    "last_polled_at", "last_error",
}  # fmt: skip


def test_an_empty_registry_gets_the_upstreams_example_once() -> None:
    """REQ-PD-020"""
    with Site(settings={"seed": True}) as site:
        [device] = site.ask("list_devices").body
        assert device["id"] == "seed-example-vav"
        assert (device["driver_type"], device["device_address"]) == ("stub", "0")
        assert (device["scrape_interval_seconds"], device["enabled"]) == (5.0, False)
        points = site.ask("list_points", device_id="seed-example-vav").body
        assert [(point["id"], point["object_identifier"]) for point in points] == [
            ("seed-point-occ", "binary-value,1"),
            ("seed-point-space-temp", "analog-input,1"),
        ]
        assert site.ask("patch_device", device_id="seed-example-vav", body={"enabled": True}).status == 200
        site.pass_time(2)
        assert site.latest("seed-point-occ")["last_value"] == {
            "stub": True, "object_identifier": "binary-value,1", "device": device["name"],
        }  # fmt: skip
        assert site.ask("delete_device", device_id="seed-example-vav").status == 200
        site.reboot()
        assert site.ask("list_devices").body == [], "who has removed it does not want it back"


SIMULATED = {"lab/room/Fan": "binary-output,1", "lab/room/Temp": "analog-input,1", "lab/hall/Damper": "analog-output,1"}


def test_a_new_registry_gets_the_simulated_devices_of_its_topology_once() -> None:
    """REQ-PD-042"""
    with Site(settings={"simulated_points": SIMULATED}, parameters={"DEFAULT_INTERVAL": 2.0}) as site:
        site.pass_time(3)
        hall, room = site.ask("list_devices").body
        assert (hall["name"], room["name"], room["scrape_interval_seconds"]) == ("lab/hall", "lab/room", 2.0)
        assert (site.channels["Running"], site.channels["Points"]) == (2, 3)
        assert site.request(DeviceAction.SET_POINT, point="lab/room/Fan", value=True) == {"result": True}
        assert site.request(DeviceAction.GET_POINT, point="lab/hall/Damper") == {"result": 0.0}
        assert site.ask("delete_device", device_id=hall["id"]).status == 200
        site.reboot()
        assert [device["name"] for device in site.ask("list_devices").body] == ["lab/room"]


def test_the_simulated_devices_come_all_or_none_wherever_the_power_goes() -> None:
    """REQ-PD-042"""

    def scenario(site: Site, noted: list[int]) -> None:
        site.call.run(0)
        noted.append(len(site.ask("list_devices").body))

    def judge(site: Site, noted: list[int], ports: Any) -> None:
        site.call.run(0)
        assert (site.channels["Devices"], site.channels["Points"]) == (2, 3)

    made = lambda seed: Site(seed=seed, settings={"simulated_points": SIMULATED})  # noqa: E731
    assert cut_everywhere(made, scenario, judge) >= 5


@pytest.mark.parametrize(
    "points, why",
    [
        ({"Fan": "binary-output,1"}, "no slash"),
        ({"lab//Fan": "binary-output,1"}, "no path of a point"),
        ({"lab/room/Fan": "binary,1"}, "no object such as"),
        ({"lab/room/": "binary-output,1"}, "no path of a point"),
        ({"lab/room/" + "x" * 121: "binary-output,1"}, "121"),
    ],
)
def test_simulated_points_that_the_registry_would_not_take_are_refused_by_the_build(
    points: dict[str, str], why: str
) -> None:
    """REQ-PD-042"""
    with pytest.raises(ValueError, match=why):
        PlatformDriver.__declarations__.settings["simulated_points"].check(points)


def test_devices_and_points_have_the_upstreams_members() -> None:
    """REQ-PD-021"""
    site, id, points = ahu()
    with site:
        device = site.ask("get_device", device_id=id).body
        assert device.keys() >= DEVICE_MEMBERS
        assert len(id) == 32
        assert id[12] == "4"
        assert device["created_at"].endswith("+00:00")
        assert site.ask("list_points", device_id=id).body[0].keys() >= POINT_MEMBERS
        for latest in (*site.ask("latest_values", device_id=id).body, site.latest(points["Fan"])):
            assert latest.keys() >= LATEST_MEMBERS
        health = site.health(id)
        assert health.keys() >= {"device_id", "status", "last_poll_at", "last_error"}
        assert site.ask("health").body["status"] == "ok"
        assert site.ask("health").body["running_devices"] == 1
        assert [one["name"] for one in site.ask("list_devices", enabled_only="true").body] == [AHU]
        site.ask("patch_point", point_id=points["Fan"], body={"enabled": False})
        names = [one["name"] for one in site.ask("list_points", device_id=id, enabled_only=True).body]
        assert names == ["Temp", "Valve"]


def test_what_is_not_there_is_said_in_the_upstreams_words() -> None:
    """REQ-PD-021"""
    with Site() as site:
        for method, detail in (
            ("get_device", "device not found"), ("patch_device", "device not found"),
            ("delete_device", "device not found"), ("list_points", "device not found"),
            ("create_point", "device not found"), ("device_health", "device not found"),
            ("latest_values", "device not found"), ("patch_point", "point not found"),
            ("delete_point", "point not found"), ("point_latest", "point not found"),
        ):  # fmt: skip
            reply = site.ask(method, device_id="x", point_id="x", body={"name": "n"})
            assert (reply.status, reply.body["detail"]) == (404, detail), method
            assert (reply.body["status"], reply.body["title"]) == (404, "Not Found")


def test_deleting_says_so_and_takes_the_points_along() -> None:
    """REQ-PD-021"""
    site, id, points = ahu()
    with site:
        assert site.ask("delete_point", point_id=points["Fan"]).body == {"deleted": True, "id": points["Fan"]}
        assert site.ask("delete_device", device_id=id).body == {"deleted": True, "id": id}
        assert site.ask("point_latest", point_id=points["Temp"]).status == 404
        assert site.unit().opened == site.unit().closed
        assert site.component.engine().value_store.point_ids() == set()


def test_an_empty_patch_and_one_that_says_what_is_so_change_nothing() -> None:
    """REQ-PD-021"""
    site, id, _ = ahu()
    with site:
        device = site.ask("get_device", device_id=id)
        opened = site.unit().opened
        for body in ({}, {"name": AHU}, device.body):
            reply = site.ask("patch_device", device_id=id, body=body)
            assert (reply.status, reply.etag, reply.body) == (200, device.etag, device.body)
        assert site.unit().opened == opened


# One schema


@pytest.mark.parametrize(
    "body, loc, type",
    [
        ({"driver_type": "bacnetx"}, "driver_type", "literal_error"),
        ({"scrape_interval_seconds": -5}, "scrape_interval_seconds", "greater_than_equal"),
        ({"scrape_interval_seconds": 0.05}, "scrape_interval_seconds", "greater_than_equal"),
        ({"scrape_interval_seconds": 3601}, "scrape_interval_seconds", "less_than_equal"),
        ({"name": None}, "name", "string_type"),
        ({"name": ""}, "name", "string_too_short"),
        ({"enabled": "inactive"}, "enabled", "bool_type"),
        ({"scrape_interval_second": 5}, "scrape_interval_second", "extra_forbidden"),
        ({"driver_settings": {"latency": 1}}, "latency", "extra_forbidden"),
        ({"driver_settings": {"latency_s": -1}}, "latency_s", "greater_than_equal"),
        ({"device_address": ""}, "device_address", "value_error"),
    ],
)
def test_a_device_is_refused_alike_when_it_is_made_and_when_it_is_changed(body: Any, loc: str, type: str) -> None:
    """REQ-PD-022. Upstream: PATCH took an interval of -5, answered name null by 500, and unknown types by 200."""
    site, id, _ = ahu()
    with site:
        whole = {"name": "n", "driver_type": "simulated", "device_address": "a", **body}
        before = site.ask("get_device", device_id=id).body
        for reply in (site.ask("create_device", body=whole), site.ask("patch_device", device_id=id, body=body)):
            assert reply.status == 422
            assert [(one["loc"][-1], one["type"]) for one in reply.body["detail"]] == [(loc, type)]
        assert site.ask("get_device", device_id=id).body == before
        assert len(site.ask("list_devices").body) == 1


@pytest.mark.parametrize("interval", [0.1, 0.5, 3600, 3600.0])
def test_intervals_from_a_tenth_of_a_second_to_an_hour_are_taken(interval: float) -> None:
    """REQ-PD-022"""
    with Site() as site:
        id = site.add_device(scrape_interval_seconds=interval)
        assert site.ask("patch_device", device_id=id, body={"scrape_interval_seconds": interval + 0}).status == 200


def test_a_device_without_an_interval_has_that_of_the_parameter() -> None:
    """REQ-PD-022"""
    with Site(parameters={"DEFAULT_INTERVAL": 30.0}) as site:
        assert site.ask("get_device", device_id=site.add_device()).body["scrape_interval_seconds"] == 30.0


@pytest.mark.parametrize(
    "body, type",
    [
        ({"object_identifier": "valve,1"}, "value_error"),
        ({"object_identifier": None}, "string_type"),
        ({"default": [1]}, "scalar_type"),
        ({"default": {"a": 1}}, "scalar_type"),
        ({"writable": "yes"}, "bool_type"),
        ({"driver_settings": {"waveform": "saw"}}, "literal_error"),
    ],
)
def test_a_point_is_refused_alike_when_it_is_made_and_when_it_is_changed(body: Any, type: str) -> None:
    """REQ-PD-022"""
    site, id, points = ahu()
    with site:
        whole = {"object_identifier": "analog-input,2", **body}
        for reply in (
            site.ask("create_point", device_id=id, body=whole),
            site.ask("patch_point", point_id=points["Temp"], body=body),
        ):
            assert reply.status == 422
            assert [one["type"] for one in reply.body["detail"]] == [type]


# Versions


def test_a_change_against_another_version_is_refused() -> None:
    """REQ-PD-023"""
    site, id, points = ahu()
    with site:
        first = site.ask("get_device", device_id=id).etag
        changed = site.ask("patch_device", device_id=id, body={"scrape_interval_seconds": 9}, if_match=first)
        assert changed.status == 200
        assert changed.etag != first
        lost = site.ask("patch_device", device_id=id, body={"scrape_interval_seconds": 7}, if_match=first)
        assert lost.status == 412
        assert site.ask("get_device", device_id=id).body["scrape_interval_seconds"] == 9.0
        assert site.ask("delete_device", device_id=id, if_match=first).status == 412
        etag = site.ask("get_point", point_id=points["Fan"]).etag
        assert site.ask("patch_point", point_id=points["Fan"], body={"units": "x"}, if_match='"99"').status == 412
        assert site.ask("patch_point", point_id=points["Fan"], body={"units": "x"}, if_match=etag).status == 200
        assert site.ask("delete_point", point_id=points["Fan"], if_match=etag).status == 412
        assert site.ask("delete_point", point_id=points["Fan"], if_match="*").status == 200


def test_of_two_changes_of_one_version_that_wait_for_a_release_one_is_made() -> None:
    """REQ-PD-023"""
    site, id, points = ahu()
    with site:
        site.ask("write_point", point_id=points["Valve"], body={"value": 5, "priority": 8})
        site.unit().latency_s = 1.0
        etag = site.ask("get_device", device_id=id).etag
        tokens = [
            site.begin("patch_device", device_id=id, body={"device_address": address}, if_match=etag)
            for address in ("a", "b")
        ]
        site.pass_time(20)
        assert sorted(site.replies(token)[0].status for token in tokens) == [200, 412]


# Values


def test_the_history_has_each_change_and_a_beat_in_between() -> None:
    """REQ-PD-024"""
    site, _id, points = ahu(parameters={"HISTORY_EVERY_S": 60})
    with site:
        site.pass_time(100)
        site.unit().point("analog-input,1").resting = 22.0
        site.pass_time(10)
        samples = site.ask("point_history", point_id=points["Temp"]).body["samples"]
        assert [sample["value"] for sample in samples] == [21.0, 21.0, 22.0]
        assert {sample["quality"] for sample in samples} == {"good"}
        page = site.ask("point_history", point_id=points["Temp"], limit="2").body
        assert (len(page["samples"]), page["next_offset"]) == (2, 2)
        rest = site.ask("point_history", point_id=points["Temp"], limit=2, offset=2).body
        assert (rest["samples"], rest["next_offset"]) == (samples[2:], None)
        since = samples[1]["at"]
        assert site.ask("point_history", point_id=points["Temp"], since=since).body["samples"] == samples[1:]
        assert site.ask("point_history", point_id=points["Temp"], until=since).body["samples"] == samples[:1]
        assert site.ask("point_history", point_id=points["Temp"], since="yesterday").status == 422


def test_the_history_is_bounded_in_rows_and_in_age() -> None:
    """REQ-PD-024"""
    site, id, _points = ahu(parameters={"HISTORY_ROWS": 10, "HISTORY_AGE_S": 60})
    with site:
        site.add_point(id, "Wave", "analog-input,2", driver_settings={"waveform": "ramp", "period_s": 1000.0})
        site.ask("patch_device", device_id=id, body={"scrape_interval_seconds": 1})
        site.pass_time(180)
        store = site.component.engine().value_store
        assert store.count_samples() <= 10 + 60
        site.set_parameter("HISTORY_ROWS", 1_000_000)
        site.ask("patch_device", device_id=id, body={"enabled": False})
        site.pass_time(180)
        assert store.count_samples() == 0


def test_values_outlive_a_restart_with_their_age() -> None:
    """REQ-PD-012"""
    site, _id, points = ahu()
    with site:
        site.unit().fails["open"] = "no route"
        site.reboot(off_s=7.0)
        site.call.run(0)
        latest = site.latest(points["Temp"])
        assert latest["last_value"] == 21.0
        assert 7.0 <= latest["age_s"] < 9.0
        site.pass_time(20)
        assert site.latest(points["Temp"])["quality"] == "stale"


def test_a_value_that_gets_stale_is_told_once() -> None:
    """REQ-PD-012"""
    site, _id, _points = ahu()
    with site:
        site.unit().hangs.add("read")
        site.pass_time(5)
        site.clear_history()
        site.pass_time(9)
        assert [quality.name for path, _, quality, _ in site.ports.value_out[0] if path.endswith("Temp")] == []
        site.pass_time(4)
        told = [quality.name for path, _, quality, _ in site.ports.value_out[0] if path.endswith("Temp")]
        assert told == ["STALE"]
        assert site.channels["StalePoints"] == 3


# The rest


def test_points_go_out_as_csv_and_come_back() -> None:
    """REQ-PD-025"""
    site, id, points = ahu()
    with site:
        site.ask("patch_point", point_id=points["Valve"], body={"default": 20, "units": "%", "writable": True})
        site.ask("patch_point", point_id=points["Temp"], body={"default": "20", "writable": False, "enabled": False})
        text = site.ask("export_points", device_id=id).body["csv"]
        assert text.splitlines()[0].startswith("Name,PointType,Units,Commandable,Default")
        other = site.add_device("other", "unit2")
        assert site.ask("import_points", device_id=other, csv=text).body == {"added": 3, "changed": 0}
        assert site.ask("import_points", device_id=other, csv=text).body == {"added": 0, "changed": 3}
        keys = ("name", "object_identifier", "units", "writable", "default", "enabled", "driver_settings")
        first, second = (
            [{key: point[key] for key in keys} for point in site.ask("list_points", device_id=one).body]
            for one in (id, other)
        )
        assert first == second
        assert {type(point["default"]) for point in first} == {int, str, type(None)}


def test_the_upstreams_csv_is_taken() -> None:
    """REQ-PD-025"""
    with Site() as site:
        id = site.add_device()
        text = (
            "\ufeffName,PointType,Units,Commandable,Default\r\n"
            "outdoor-temp,AI,degF,N,\r\nfan,BV,,Y,false\r\nsetpoint,AV,degF,y,72.5\r\nreturn-temp,AI,,n,\r\n"
        )
        assert site.ask("import_points", device_id=id, csv=text).body["added"] == 4
        points = {point["name"]: point for point in site.ask("list_points", device_id=id).body}
        assert points["return-temp"]["object_identifier"] == "analog-input,2"
        assert (points["fan"]["writable"], points["fan"]["default"]) == (True, False)
        assert points["setpoint"]["default"] == 72.5


@pytest.mark.parametrize(
    "text, words",
    [
        ("", "the column Name is missing"),
        ("Name,Colour\na,b\n", "there is no column Colour"),
        ("Name,PointType\ngood,AI\na,XX\n", "not 'XX'"),
        ("Name,PointType\n,AI\n", "it is required"),
        ("Name,PointType\na,AI\na,AI\n", "line 2 has that name already"),
        ("Name,PointType,Commandable\na,AI,perhaps\n", "Y or N"),
        ("Name,PointType,Settings\na,AI,{\n", "JSON object"),
        ("Name,PointType,Settings\na,AI,[]\n", "an object is wanted"),
        ("Name,PointType\na,AI,3,4\n", "more cells"),
        ('Name,PointType\n"a,AI\n', "unexpected end"),
        ("Name,ObjectIdentifier\na,valve\n", "no object such as"),
    ],
)
def test_a_csv_with_a_fault_is_refused_whole_and_says_where(text: str, words: str) -> None:
    """REQ-PD-025"""
    site, id, _ = ahu()
    with site:
        reply = site.ask("import_points", device_id=id, csv=text)
        assert reply.status == 422
        found = reply.body["detail"][0]
        assert found["loc"][1].startswith("line ")
        assert words in found["msg"]
        assert len(site.ask("list_points", device_id=id).body) == 3


def test_points_and_devices_are_discovered() -> None:
    """REQ-PD-026"""
    site, id, _ = ahu()
    with site:
        site.unit().point("analog-value,7")
        found = site.ask("discover_points", device_id=id).body
        assert [point["object_identifier"] for point in found["points"]][-1] == "binary-output,1"
        assert found["added"] == 0
        assert site.ask("discover_points", device_id=id, add=True).body["added"] == 1
        assert site.ask("discover_points", device_id=id, add=True).body["added"] == 0
        site.unit("elsewhere")
        devices = site.ask("find_devices", driver_type="simulated").body
        assert [device["address"] for device in devices] == ["ahu1", "elsewhere"]
        assert site.ask("find_devices", driver_type="stub").status == 501
        assert site.ask("find_devices", driver_type="none").status == 422
        site.send("DISCOVER", "simulated", "")
        assert [event.args[1] for event in site.events.named("Found")] == ["ahu1", "elsewhere"]
        site.send("DISCOVER", "", AHU)
        assert site.events.named("DiscoveryDone")[-1].args == (4, 4)


def test_the_driver_types_are_listed_with_their_settings() -> None:
    """REQ-PD-001"""
    with Site() as site:
        types = {one["driver_type"]: one for one in site.ask("driver_types").body}
        assert types["simulated"]["settings"][0]["name"] == "latency_s"
        assert "stub" in types


@pytest.mark.parametrize(
    "method, arguments, status",
    [
        ("nothing", b"{}", 501), ("health", b"{", 400), ("health", b"[]", 422), ("get_device", b"{}", 422),
        ("list_devices", b'{"enabled_only": "perhaps"}', 422), ("list_devices", b'{"limit": -1}', 422),
        ("list_devices", b'{"limit": 99999999}', 422), ("list_devices", b'{"offset": "two"}', 422),
        ("health", b'{"a": NaN}', 400), ("health", b"[" * 100_000, 400), ("health", b"\xff", 400),
    ],
)  # fmt: skip
def test_a_call_that_makes_no_sense_is_answered_so(method: str, arguments: bytes, status: int) -> None:
    """REQ-PD-027"""
    with Site() as site:
        site.call.call_in[2](5, method, arguments)
        [(token, found, _, _)] = list(site.ports.reply_out[2])
        assert (token, found) == (5, status)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_whatever_is_called_each_call_has_one_reply_and_nothing_breaks(data: st.DataObject) -> None:
    """REQ-PD-027"""
    site, id, points = ahu()
    with site:
        methods = sorted(METHODS)
        names = st.sampled_from(["device_id", "point_id", "body", "limit", "offset", "if_match", "csv", "since", "add"])
        ids = st.sampled_from([id, *points.values(), AHU, f"{AHU}/Fan"])
        for _ in range(5):
            method = data.draw(st.sampled_from(methods) | st.text(max_size=METHOD_SIZE // 4))
            arguments = data.draw(st.dictionaries(names, ids | JSON, max_size=4))
            token = site.begin(method, **arguments)
            site.advance(20.0)
            [reply] = site.replies(token)
            assert reply.status in (200, 400, 404, 409, 412, 422, 423, 501, 502, 503, 504, 507)


def test_a_flood_of_calls_is_refused_one_by_one() -> None:
    """REQ-PD-027"""
    with Site(queue=2) as site:
        with site.held():
            for _ in range(5):
                site.begin("health")
        assert sorted(status for _, status, _, _ in site.ports.reply_out[0]) == [200, 200, 503, 503, 503]


# Commands


def test_the_registry_is_kept_by_commands() -> None:
    """REQ-PD-028"""
    ok, invalid = CommandResponse.OK, CommandResponse.VALIDATION_ERROR
    with Site() as site:
        for response, name, *arguments in (
            (ok, "DEVICE_ADD", AHU, "simulated", "ahu1", ""),
            (invalid, "DEVICE_ADD", AHU, "simulated", "another", ""),
            (invalid, "DEVICE_ADD", "x", "bacnetx", "ahu1", ""),
            (invalid, "DEVICE_ADD", "x", "simulated", "ahu1", "{"),
            (invalid, "DEVICE_ADD", "x", "simulated", "ahu1", "1.5"),
            (invalid, "DEVICE_UPDATE", AHU, "[]"),
            (invalid, "DEVICE_ADD", "x", "simulated", "ahu1", '{"scrape_interval_seconds": -5}'),
            (ok, "POINT_ADD", AHU, "Fan", "binary-output,1", '{"writable": true}'),
            (invalid, "POINT_ADD", "nowhere", "Fan", "binary-output,1", ""),
            (invalid, "POINT_ADD", AHU, "Fan", "fan", ""),
            (ok, "DEVICE_UPDATE", AHU, '{"scrape_interval_seconds": 2}'),
            (ok, "DEVICE_ENABLE", AHU, Enabled.ENABLED),
            (ok, "POINT_UPDATE", f"{AHU}/Fan", '{"units": "on"}'),
            (invalid, "POINT_UPDATE", f"{AHU}/Pump", "{}"),
            (ok, "RELOAD", AHU),
            (ok, "POLL_NOW", AHU),
            (ok, "EXPORT_POINTS", AHU, "/points.csv"),
            (ok, "IMPORT_POINTS", AHU, "/points.csv"),
            (invalid, "IMPORT_POINTS", AHU, "/../points.csv"),
            (invalid, "IMPORT_POINTS", AHU, "/none.csv"),
            (ok, "POINT_REMOVE", f"{AHU}/Fan"),
            (invalid, "POINT_REMOVE", f"{AHU}/Fan"),
            (ok, "DEVICE_REMOVE", AHU),
            (invalid, "DEVICE_REMOVE", AHU),
        ):
            assert site.send(name, *arguments).response is response, (name, arguments)
        assert site.read_file("/points.csv").decode().splitlines()[1].startswith("Fan,BO,on,Y,")
        assert site.events.named("PointsImported")[0].args == ("/points.csv", 0, 1)
        assert len([finding for finding in site.monitor if "there is no device" in str(finding)]) == 2


def test_names_that_two_devices_share_are_reached_by_id_only() -> None:
    """REQ-PD-028"""
    with Site() as site:
        first, _ = site.add_device(), site.add_device(address="ahu2")
        assert site.send("POLL_NOW", AHU).response is CommandResponse.VALIDATION_ERROR
        assert "2 devices are named" in str(site.monitor)
        assert site.send("POLL_NOW", first).response is CommandResponse.OK
