"""Writes with priorities: noted first, released at the end, in safe mode, in time and after a crash; overrides."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake_components.platform_driver.drivers.interface import BadValue, Driver, Reading
from kittiwake_components.platform_driver.session import MAX_WAITING
from kittiwake_components.ports.building import BODY_SIZE, DeviceAction
from kittiwake_components.ports.mode import SystemMode
from tests.components.platform_driver.site import AHU, Site, ahu, priorities

FAN, VALVE, TEMP = f"{AHU}/Fan", f"{AHU}/Valve", f"{AHU}/Temp"
SET, GET = DeviceAction.SET_POINT, DeviceAction.GET_POINT


# Writing


def test_a_value_is_written_with_its_priority_and_null_releases_it() -> None:
    """REQ-PD-030"""
    site, _, _ = ahu()
    with site:
        assert site.request(SET, point=VALVE, value=50, priority=10) == {"result": 50}
        assert site.request(SET, point=VALVE, value=80.5, priority=8) == {"result": 80.5}
        assert site.request(SET, point=VALVE, value=1, priority=None) == {"result": 1}
        assert priorities(site) == {8: 80.5, 10: 50, 16: 1}
        assert site.request(GET, point=VALVE) == {"result": 80.5}
        assert site.request(SET, point=VALVE, value=None, priority=8) == {"result": None}
        assert priorities(site) == {10: 50, 16: 1}
        assert next(event.args for event in site.events.named("WriteDone")) == (VALVE, "50", 10)
        assert [event.args for event in site.events.named("Released")] == [(VALVE, 8)]


def test_a_device_that_is_shared_out_by_its_path_has_no_other_name() -> None:
    """REQ-PD-040: an id would get round whoever holds the device by its path."""
    site, device_id, _ = ahu()
    with site:
        by_id = site.ask("list_points", device_id=device_id).body
        point = next(one for one in by_id if one["name"] == VALVE.rpartition("/")[2])
        for name in (f"{device_id}/{point['name']}", point["id"]):
            assert "error" in site.request(SET, point=name, value=99)
            assert "error" in site.request(GET, point=name)
        assert "error" in site.request(DeviceAction.REVERT_DEVICE, device=device_id)
        assert priorities(site) == {}
        assert site.ask("write_point", point_id=point["id"], body={"value": 5}).status == 200


def test_nought_and_false_are_written() -> None:
    """REQ-PD-030. Upstream (VOLTTRON): a write of 0 or False by message was taken for none."""
    site, _, _ = ahu()
    with site:
        site.request(SET, point=FAN, value=True, priority=8)
        assert site.request(SET, point=FAN, value=False, priority=8) == {"result": False}
        assert site.request(SET, point=VALVE, value=0, priority=8) == {"result": 0}
        assert (priorities(site, "binary-output,1"), priorities(site)) == ({8: False}, {8: 0})


@pytest.mark.parametrize(
    "members, type",
    [
        ({"point": TEMP, "value": 1}, "RuntimeError"),
        ({"point": FAN, "value": "inactive"}, "TypeError"),
        ({"point": FAN, "value": 2}, "ValueError"),
        ({"point": VALVE, "value": [1]}, "ValueError"),
        ({"point": VALVE, "value": 1, "priority": 17}, "ValueError"),
        ({"point": VALVE, "value": 1, "priority": 0}, "ValueError"),
        ({"point": VALVE, "value": 1, "priority": "8"}, "TypeError"),
        ({"point": VALVE}, "ValueError"),
        ({"point": f"{AHU}/Pump", "value": 1}, "DriverInterfaceError"),
        ({"point": "nowhere/Fan", "value": 1}, "KeyError"),
        ({"point": "Fan", "value": 1}, "ValueError"),
        ({"point": 5, "value": 1}, "TypeError"),
        ({"value": 1}, "TypeError"),
    ],
)
def test_a_write_that_cannot_be_is_refused_by_type_and_leaves_nothing(members: dict[str, Any], type: str) -> None:
    """REQ-PD-031. Upstream: the string "inactive" is truthy, so that the kill switch read as enabled."""
    site, _, _ = ahu()
    with site:
        assert site.request(SET, **members)["error"]["type"] == type
        assert len(site.component.engine().leases) == 0
        assert priorities(site) == {}


def test_a_refused_write_leaves_the_one_before_it_in_force_with_its_end() -> None:
    """REQ-PD-031"""
    site, _, _ = ahu()
    with site:
        assert site.send("WRITE_POINT", FAN, "true", 8, 30).response is CommandResponse.OK
        assert site.send("WRITE_POINT", FAN, '"inactive"', 8, 0).response is CommandResponse.VALIDATION_ERROR
        assert site.send("WRITE_POINT", FAN, "inactive", 8, 0).response is CommandResponse.VALIDATION_ERROR
        assert priorities(site, "binary-output,1") == {8: True}
        site.pass_time(29)
        assert priorities(site, "binary-output,1") == {8: True}
        site.pass_time(2)
        assert priorities(site, "binary-output,1") == {}


def test_a_point_that_is_declared_read_only_is_not_written() -> None:
    """REQ-PD-031"""
    site, _, points = ahu()
    with site:
        site.ask("patch_point", point_id=points["Valve"], body={"writable": False})
        reply = site.ask("write_point", point_id=points["Valve"], body={"value": 5})
        assert (reply.status, reply.body["fault"]) == (409, "RuntimeError")
        assert site.ask("write_point", point_id=points["Valve"], body={}).status == 422
        assert site.ask("write_point", point_id="nowhere/x", body={"value": 1}).status == 404
        site.ask("patch_point", point_id=points["Valve"], body={"writable": True})
        reply = site.ask("write_point", point_id=VALVE, body={"value": 5, "priority": 9, "lease_s": 60})
        assert reply.body == {"point_id": points["Valve"], "point": VALVE, "value": 5, "priority": 9}


def test_a_device_that_does_not_answer_fails_the_write_in_time() -> None:
    """REQ-PD-031"""
    site, id, _ = ahu()
    with site:
        site.unit().hangs.add("write")
        token = site.begin_request(SET, point=VALVE, value=5, priority=8)
        site.pass_time(14)
        assert site.answers(token) == []
        site.pass_time(2)
        [answer] = site.answers(token)
        assert answer["error"]["type"] == "TimeoutError"
        assert len(site.component.engine().leases) == 1, "nobody knows whether it was written"
        site.unit().hangs.clear()
        site.ask("patch_device", device_id=id, body={"enabled": False})
        assert site.request(SET, point=VALVE, value=5)["error"]["type"] == "RuntimeError"


# What was written is taken back


def test_what_was_written_is_released_when_its_time_is_over() -> None:
    """REQ-PD-032"""
    site, _, _ = ahu(parameters={"LEASE_S": 100.0})
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        site.send("WRITE_POINT", VALVE, "6", 9, 10)
        site.pass_time(11)
        assert priorities(site) == {8: 5}
        site.request(SET, point=VALVE, value=7, priority=8)  # begins its time anew
        site.pass_time(95)
        assert priorities(site) == {8: 7}
        site.pass_time(6)
        assert priorities(site) == {}
        assert site.channels["Leases"] == 0


def test_what_was_written_is_released_at_the_end_and_once() -> None:
    """REQ-PD-033. Upstream: on_stop might run twice."""
    site, _, _ = ahu()
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        site.request(SET, point=FAN, value=True, priority=8)
        site.stop()
        assert (priorities(site), priorities(site, "binary-output,1")) == ({}, {})
        assert site.unit().opened == site.unit().closed
        site.component.stop()


@pytest.mark.parametrize("mode", [SystemMode.SAFE_MODE, SystemMode.HIBERNATE])
def test_safe_mode_releases_what_was_written_and_lets_nothing_be_written(mode: SystemMode) -> None:
    """REQ-PD-034"""
    site, _, _ = ahu()
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        site.call.mode_in(mode)
        assert priorities(site) == {}
        assert mode.name in site.request(SET, point=VALVE, value=5)["error"]["value"]
        assert site.ask("write_point", point_id=VALVE, body={"value": 1}).status == 409
        assert site.events.named("WriteRefused")
        site.call.mode_in(SystemMode.NORMAL)
        assert site.request(SET, point=VALVE, value=5) == {"result": 5}


def test_who_wants_to_keep_writing_in_safe_mode_can() -> None:
    """REQ-PD-034"""
    site, _, _ = ahu(parameters={"RELEASE_IN_SAFE_MODE": False})
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        site.call.mode_in(SystemMode.SAFE_MODE)
        assert priorities(site) == {8: 5}


@pytest.mark.parametrize("kind", ["restart", "crash"])
def test_what_a_crash_has_left_is_released_before_anything_is_read(kind: str) -> None:
    """REQ-PD-035"""
    site, _, _ = ahu()
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        reads = site.unit().reads
        getattr(site, kind)()
        assert priorities(site) == {8: 5}
        site.unit().latency_s = 0.5
        site.call.run(0)
        assert site.events.named("LeasesLeft")[0].args == (1,)
        site.advance(1.1)
        assert (priorities(site), site.unit().reads) == ({}, reads)
        site.advance(2.0)
        assert site.unit().reads > reads
        site.unit().latency_s = 0.0


def test_what_a_crash_has_left_at_a_device_that_is_off_by_now_is_released_too() -> None:
    """REQ-PD-035"""
    site, id, _ = ahu()
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        site.component.engine().store.change_device(id, {"enabled": False}, 0)
        reads = site.unit().reads
        site.crash()
        site.call.run(0)
        site.pass_time(2)
        assert priorities(site) == {}
        assert site.unit().reads == reads
        assert site.component.engine().loops.by_id == {}
        assert site.health(id)["status"] == "idle"


def test_a_release_that_the_device_does_not_answer_is_made_when_it_does() -> None:
    """REQ-PD-035"""
    site, _, _ = ahu()
    with site:
        site.send("WRITE_POINT", VALVE, "5", 8, 5)
        site.unit().fails["write"] = "no route"
        site.pass_time(20)
        assert priorities(site) == {8: 5}
        site.unit().fails.clear()
        site.pass_time(60)
        assert priorities(site) == {}


@pytest.mark.parametrize(
    "method, body",
    [("patch_device", {"enabled": False}), ("patch_device", {"device_address": "ahu9"}), ("delete_device", None)],
)
def test_a_device_is_released_before_it_becomes_another_one(method: str, body: Any) -> None:
    """REQ-PD-036"""
    site, id, _ = ahu()
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        assert site.ask(method, device_id=id, body=body).status == 200
        assert priorities(site) == {}
        assert len(site.component.engine().leases) == 0


@pytest.mark.parametrize(
    "method, body", [("patch_point", {"object_identifier": "analog-output,2"}), ("delete_point", None)]
)
def test_a_point_is_released_before_it_becomes_another_one(method: str, body: Any) -> None:
    """REQ-PD-036"""
    site, _, points = ahu()
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        assert site.ask(method, point_id=points["Valve"], body=body).status == 200
        assert priorities(site) == {}


def test_a_device_that_is_gone_is_deleted_all_the_same() -> None:
    """REQ-PD-036"""
    site, id, _ = ahu()
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        site.unit().hangs.add("write")
        token = site.begin("delete_device", device_id=id)
        site.pass_time(40)
        assert site.replies(token)[0].status == 200
        assert site.ask("list_devices").body == []


def test_a_device_that_is_disabled_while_it_is_down_is_released_when_it_is_back() -> None:
    """REQ-PD-036"""
    site, id, _ = ahu()
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        site.unit().fails |= {"open": "no route", "read": "no route"}
        site.pass_time(10)
        assert site.ask("patch_device", device_id=id, body={"enabled": False}).status == 200
        site.pass_time(10)
        assert priorities(site) == {8: 5}
        site.unit().fails.clear()
        reads = site.unit().reads
        site.pass_time(60)
        assert priorities(site) == {}
        assert site.unit().reads == reads
        assert site.component.engine().loops.by_id == {}


def test_safe_mode_in_the_midst_of_a_revert_ends_it_with_an_answer() -> None:
    """REQ-PD-038"""
    site, _, points = ahu()
    with site:
        for name, default in (("Valve", 1), ("Fan", False)):
            site.ask("patch_point", point_id=points[name], body={"default": default})
        site.unit().latency_s = 1.0
        token = site.begin_request(DeviceAction.REVERT_DEVICE, device=AHU)
        site.advance(0.5)
        site.call.mode_in(SystemMode.SAFE_MODE)
        site.pass_time(20)
        [answer] = site.answers(token)
        assert answer["error"]["type"] == "RuntimeError"
        site.unit().latency_s = 0.0


def test_a_reload_keeps_what_was_written() -> None:
    """REQ-PD-036"""
    site, _, points = ahu()
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        site.send("RELOAD", AHU)
        site.ask("patch_point", point_id=points["Valve"], body={"units": "%"})
        site.pass_time(10)
        assert priorities(site) == {8: 5}


class Register(Driver):
    """A device without priorities, as Modbus has them: null is no value."""

    TYPE = "register"
    value: Any = 40

    def read(self, points: Any, done: Any) -> None:
        done([Reading(Register.value) for _ in points])

    def write(self, point: Any, value: Any, priority: int | None, done: Any) -> None:
        if value is None:
            done(BadValue("a register holds a number"))
            return
        Register.value = value
        done(value)


@pytest.mark.parametrize("default, reverted", [(None, 40), (15, 15)])
def test_a_device_without_priorities_gets_its_clean_value_or_its_default_back(default: Any, reverted: int) -> None:
    """REQ-PD-037"""
    Register.value = 40
    with Site() as site:
        site.component.engine().registry.add(Register)
        id = site.add_device("plc", "1", driver_type="register")
        site.add_point(id, "R", "holding,1", default=default)
        site.pass_time(2)
        site.request(SET, point="plc/R", value=70)
        site.pass_time(10)
        site.request(SET, point="plc/R", value=71)
        assert site.request(DeviceAction.REVERT_POINT, point="plc/R") == {"result": None}
        assert Register.value == reverted
        site.request(SET, point="plc/R", value=72)
        site.stop()
        assert Register.value == reverted


# Reverts and overrides


def test_a_revert_releases_and_writes_the_default() -> None:
    """REQ-PD-038"""
    site, _, points = ahu()
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        site.request(SET, point=VALVE, value=6, priority=9)
        assert site.request(DeviceAction.REVERT_POINT, point=VALVE) == {"result": None}
        assert priorities(site) == {}
        assert len(site.component.engine().leases) == 0
        site.ask("patch_point", point_id=points["Valve"], body={"default": 12})
        site.request(SET, point=VALVE, value=5, priority=8)
        site.request(DeviceAction.REVERT_POINT, point=VALVE)
        assert site.request(GET, point=VALVE) == {"result": 12}
        for path in (TEMP, f"{AHU}/Pump"):
            assert site.request(DeviceAction.REVERT_POINT, point=path) == {"result": None}
        assert site.request(DeviceAction.REVERT_POINT, point="nowhere/Fan")["error"]["type"] == "KeyError"


def test_a_device_is_reverted_point_by_point_and_one_that_fails_keeps_no_other() -> None:
    """REQ-PD-038"""
    site, _id, points = ahu()
    with site:
        site.ask("patch_point", point_id=points["Temp"], body={"default": 20})  # an input: it cannot be written
        site.request(SET, point=VALVE, value=5, priority=8)
        site.request(SET, point=FAN, value=True, priority=8)
        assert site.request(DeviceAction.REVERT_DEVICE, device=AHU) == {"result": None}
        assert (priorities(site), priorities(site, "binary-output,1")) == ({}, {})
        assert site.events.named("ReleaseFailed")[0].args[0] == AHU


def test_an_override_keeps_everybody_from_writing_but_not_from_reading() -> None:
    """REQ-PD-039"""
    site, _, _ = ahu()
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        assert site.request(DeviceAction.OVERRIDE_ON, pattern="campus/*", duration_s=0) == {"result": None}
        assert priorities(site) == {}, "matching devices are reverted when it is set"
        for action, members in (
            (SET, {"point": VALVE, "value": 1}),
            (DeviceAction.REVERT_POINT, {"point": VALVE}),
            (DeviceAction.REVERT_DEVICE, {"device": AHU}),
            (DeviceAction.SET_MULTIPLE, {"values": [[VALVE, 1]]}),
        ):
            assert site.request(action, **members)["error"]["type"] == "OverrideError"
        assert site.ask("write_point", point_id=VALVE, body={"value": 1}).status == 423
        assert site.request(GET, point=VALVE) == {"result": 3.0}
        assert site.request(DeviceAction.HEARTBEAT, point=FAN, value=True) == {"result": True}
        assert site.request(DeviceAction.OVERRIDE_DEVICES) == {"result": [AHU]}
        assert site.request(DeviceAction.OVERRIDE_PATTERNS) == {"result": ["campus/*"]}
        assert site.ask("overrides").body == {"patterns": ["campus/*"], "devices": [AHU]}
        assert site.request(DeviceAction.OVERRIDE_OFF, pattern="campus/b*")["error"]["type"] == "OverrideError"
        assert site.request(DeviceAction.OVERRIDE_OFF, pattern="campus/*") == {"result": None}
        assert site.request(SET, point=VALVE, value=1) == {"result": 1}


def test_an_override_without_revert_leaves_what_was_written() -> None:
    """REQ-PD-039"""
    site, _, _ = ahu()
    with site:
        site.request(SET, point=VALVE, value=5, priority=8)
        site.request(DeviceAction.OVERRIDE_ON, pattern=AHU, failsafe_revert=False)
        assert priorities(site) == {8: 5}
        assert site.request(DeviceAction.OVERRIDE_ON, pattern=5)["error"]["type"] == "TypeError"
        assert site.request(DeviceAction.OVERRIDE_ON, pattern="x", duration_s="1")["error"]["type"] == "TypeError"


def test_of_one_pattern_the_later_end_wins_and_case_counts() -> None:
    """REQ-PD-039"""
    site, _, _ = ahu()
    with site:
        on = DeviceAction.OVERRIDE_ON
        site.request(on, pattern="CAMPUS/*", duration_s=100)
        assert site.request(SET, point=VALVE, value=1) == {"result": 1}
        site.request(on, pattern="campus/*", duration_s=100)
        site.request(on, pattern="campus/*", duration_s=10)
        site.pass_time(50)
        assert "error" in site.request(SET, point=VALVE, value=1)
        site.request(on, pattern="campus/*", duration_s=100)
        site.pass_time(99)
        assert "error" in site.request(SET, point=VALVE, value=1)
        site.pass_time(2)
        assert site.request(SET, point=VALVE, value=1) == {"result": 1}
        site.request(on, pattern="campus/*", duration_s=5)
        site.request(on, pattern="campus/*", duration_s=0)
        site.request(on, pattern="campus/*", duration_s=5)
        site.pass_time(10)
        assert "error" in site.request(SET, point=VALVE, value=1)
        site.request(DeviceAction.CLEAR_OVERRIDES)
        assert site.request(DeviceAction.OVERRIDE_PATTERNS) == {"result": []}


@pytest.mark.parametrize("kind", ["reboot", "crash"])
def test_overrides_outlive_a_restart_for_the_time_that_is_left(kind: str) -> None:
    """REQ-PD-039. Upstream (VOLTTRON): devices that were configured later were compared in lower case."""
    site, _, _ = ahu()
    with site:
        on = DeviceAction.OVERRIDE_ON
        site.request(on, pattern="campus/*", duration_s=100)
        site.request(on, pattern="short", duration_s=10)
        site.request(on, pattern="Later/*", duration_s=0)
        getattr(site, kind)(off_s=60.0)
        site.add_device("Later/one", "unit2")
        site.pass_time(1)
        assert site.request(DeviceAction.OVERRIDE_PATTERNS) == {"result": ["Later/*", "campus/*"]}
        assert site.request(DeviceAction.OVERRIDE_DEVICES) == {"result": ["Later/one", AHU]}
        site.pass_time(40)
        assert site.request(DeviceAction.OVERRIDE_PATTERNS) == {"result": ["Later/*"]}


# Many points


def test_many_points_are_read_with_their_faults() -> None:
    """REQ-PD-040"""
    site, _, _ = ahu()
    with site:
        pump = f"{AHU}/Pump"
        [values, errors] = site.request(DeviceAction.GET_MULTIPLE, points=[TEMP, FAN, pump])["result"]
        assert values == {TEMP: 21.0, FAN: False}
        assert errors[pump]["type"] == "DriverInterfaceError"
        assert site.request(DeviceAction.GET_MULTIPLE, points=[]) == {"result": [{}, {}]}
        assert site.request(DeviceAction.GET_MULTIPLE, points=["x/y"])["error"]["type"] == "KeyError"
        assert site.request(DeviceAction.SCRAPE_ALL, device=f"/{AHU}/") == {
            "result": {"Fan": False, "Temp": 21.0, "Valve": 3.0}
        }
        site.unit().point("analog-input,1").fault = "open"
        assert "Temp" not in site.request(DeviceAction.SCRAPE_ALL, device=AHU)["result"]
        assert site.request(GET, point=TEMP)["error"]["type"] == "DriverInterfaceError"


def test_many_points_are_written_and_what_failed_comes_back() -> None:
    """REQ-PD-040"""
    site, _, _ = ahu()
    with site:
        values = [[VALVE, 7], [TEMP, 1], [FAN, "on"], [f"{AHU}/Pump", 1]]
        failed = site.request(DeviceAction.SET_MULTIPLE, values=values, priority=9)["result"]
        assert {path: error["type"] for path, error in failed.items()} == {
            TEMP: "RuntimeError", FAN: "TypeError", f"{AHU}/Pump": "DriverInterfaceError",
        }  # fmt: skip
        assert priorities(site) == {9: 7}
        answer = site.request(DeviceAction.SET_MULTIPLE, values=[[VALVE, 8], ["x/y", 1], [FAN, True]])
        assert answer["error"]["type"] == "KeyError"
        assert (priorities(site), priorities(site, "binary-output,1")) == ({9: 7, 16: 8}, {})
        many = [[f"{AHU}/P{number}", 1] for number in range(2000)]
        assert len(site.request(DeviceAction.SET_MULTIPLE, values=many).get("result", many)) == 2000
        assert site.request(DeviceAction.SET_MULTIPLE, values=[[VALVE]])["error"]["type"] == "TypeError"


def test_a_device_that_hangs_keeps_no_more_than_so_many_waiting() -> None:
    """REQ-PD-040"""
    site, _, _ = ahu()
    with site:
        site.unit().hangs.add("read")
        tokens = [site.begin_request(GET, point=TEMP) for _ in range(MAX_WAITING + 10)]
        refused = [token for token in tokens if site.answers(token)]
        assert len(refused) == 9, "one is under way"
        site.pass_time(20)
        assert all(len(site.answers(token)) == 1 for token in tokens)


def test_a_request_that_is_no_json_is_answered_so() -> None:
    """REQ-PD-040"""
    with Site() as site:
        for body in (b"{", b"[]", b"\xff", b'{"point": NaN}', b"x" * BODY_SIZE):
            site.call.request_in[3](9, GET, body)
        assert [token for token, _ in site.ports.answer_out[3]] == [9] * 5
        assert all(b'"error"' in answer for _, answer in site.ports.answer_out[3])
