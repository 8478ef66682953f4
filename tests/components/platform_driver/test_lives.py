"""What holds in all lives of a platform driver: power cuts, random lives, damaged and newer databases, full disks."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake_components.ports.building import DeviceAction
from kittiwake_components.ports.mode import SystemMode
from tests.components.platform_driver.site import AHU, Site, ahu, priorities
from tests.components.power_cuts import cut_everywhere

VALVE = f"{AHU}/Valve"
SET, GET = DeviceAction.SET_POINT, DeviceAction.GET_POINT


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("write"), st.integers(1, 16), st.integers(0, 9)),
            st.tuples(st.just("release"), st.integers(1, 16), st.just(0)),
            st.tuples(st.just("lease"), st.integers(1, 16), st.integers(1, 9)),
            st.tuples(st.just("wait"), st.integers(1, 12), st.just(0)),
            st.tuples(
                st.sampled_from(["crash", "restart", "reboot", "reload", "fail", "heal", "safe", "revert"]),
                st.just(0), st.just(0),
            ),
        ),
        max_size=20,
    ),
    st.integers(0, 1000),
)  # fmt: skip
def test_nothing_stays_written_that_nobody_knows_of(steps: list[tuple[str, int, int]], seed: int) -> None:
    """REQ-PD-035"""
    site, id, points = ahu(seed=seed)
    with site:
        for what, number, value in steps:
            if what == "write":
                site.begin_request(SET, point=VALVE, value=value, priority=number)
            elif what == "release":
                site.begin_request(SET, point=VALVE, value=None, priority=number)
            elif what == "lease":
                site.send("WRITE_POINT", VALVE, str(value), number, value)
            elif what == "wait":
                site.pass_time(number)
            elif what == "reload":
                site.begin("reload", device_id=id)
            elif what == "fail":
                site.unit().fails["write"] = "no route"
            elif what == "heal":
                site.unit().fails.clear()
            elif what == "safe":
                site.call.mode_in(SystemMode.SAFE_MODE)
                site.call.mode_in(SystemMode.NORMAL)
            elif what == "revert":
                site.begin_request(DeviceAction.REVERT_POINT, point=VALVE)
            else:
                getattr(site, what)()
                site.call.run(0)
            site.settle()
            held = site.component.engine().leases.held(points["Valve"])
            assert set(priorities(site)) <= set(held), "what is written is on record"
        site.unit().fails.clear()
        site.pass_time(700)
        site.stop()
        assert priorities(site) == {}


def test_no_power_cut_leaves_a_write_for_good() -> None:
    """REQ-PD-035"""

    def prepared(seed: int) -> Site:
        return ahu(seed=seed)[0]

    def scenario(site: Site, noted: list[int]) -> None:
        site.request(SET, point=VALVE, value=5, priority=8)
        noted.append(5)
        site.send("WRITE_POINT", VALVE, "6", 9, 3)
        site.pass_time(5)
        site.request(SET, point=VALVE, value=7, priority=8)
        noted.append(7)
        site.request(SET, point=VALVE, value=None, priority=8)
        noted.append(0)
        site.request(DeviceAction.OVERRIDE_ON, pattern="other", duration_s=0)
        noted.append(1)

    def judge(site: Site, noted: list[int], ports: Any) -> None:
        site.call.run(0)
        site.pass_time(8)
        assert priorities(site) == {}
        assert len(site.component.engine().leases) == 0
        patterns = site.request(DeviceAction.OVERRIDE_PATTERNS)["result"]
        assert patterns == ["other"] or noted[-1:] != [1]

    assert cut_everywhere(prepared, scenario, judge) >= 8


def test_no_power_cut_loses_what_was_acknowledged_of_the_registry_or_leaves_half() -> None:
    """REQ-PD-029"""

    def prepared(seed: int) -> Site:
        site = Site(seed=seed)
        site.call.run(0)
        return site

    def scenario(site: Site, noted: list[int]) -> None:
        id = site.add_device()
        noted.append(1)
        site.ask("import_points", device_id=id, csv="Name,PointType\na,AI\nb,AI\nc,AI\n")
        noted.append(2)
        site.ask("patch_device", device_id=id, body={"scrape_interval_seconds": 9})
        noted.append(3)
        site.ask("delete_device", device_id=id)
        noted.append(4)

    def judge(site: Site, noted: list[int], ports: Any) -> None:
        devices = site.ask("list_devices").body
        step = noted[-1] if noted else 0
        assert len(devices) == (1 if step in (1, 2) else len(devices) if step in (0, 3) else 0)
        if devices:
            points = site.ask("list_points", device_id=devices[0]["id"]).body
            assert len(points) in ((3,) if step >= 2 else (0, 3))
            assert devices[0]["scrape_interval_seconds"] in ((9.0,) if step >= 3 else (5.0, 9.0))

    assert cut_everywhere(prepared, scenario, judge) >= 5


def test_a_damaged_database_is_kept_aside_and_said() -> None:
    """REQ-PD-029"""
    site, _, _ = ahu()
    with site:
        site.stop()
        for name in ("/building.sqlite", "/building_values.sqlite"):
            site.write_file(name, b"no database")
        site.reboot()
        site.call.run(0)
        assert [event.args[0] for event in site.events.named("RecordRecovered")] == [
            "/building.sqlite", "/building_values.sqlite",
        ]  # fmt: skip
        assert site.ask("list_devices").body == []


@pytest.mark.parametrize("part", ["store", "value_store"])
def test_a_newer_database_is_left_alone(part: str) -> None:
    """REQ-PD-029"""
    site, _, _ = ahu()
    with site:
        database = getattr(site.component.engine(), part)._database
        with database.transaction():
            database.run("PRAGMA user_version = 99")
        site.reboot()
        site.call.run(0)
        assert "schema version 99" in site.events.named("DatabaseFault")[0].args[0]
        assert site.ask("health").status == 503
        assert site.ask("list_devices").status == 503
        assert "error" in site.request(GET, point=VALVE)
        assert site.send("POLL_NOW", AHU).response is CommandResponse.EXECUTION_ERROR


def test_a_full_disk_is_said_and_values_are_known_all_the_same() -> None:
    """REQ-PD-029"""
    site, _, points = ahu()
    with site:
        site.files.fail_every("commit", errno.ENOSPC)
        site.unit().point("analog-input,1").resting = 30.0
        site.pass_time(6)
        assert site.events.named("DatabaseFault")
        assert site.latest(points["Temp"])["last_value"] == 30.0
        assert site.ask("patch_point", point_id=points["Temp"], body={"units": "x"}).status == 503
        assert "error" in site.request(SET, point=VALVE, value=5, priority=8)
        assert priorities(site) == {}, "what cannot be noted is not written"
