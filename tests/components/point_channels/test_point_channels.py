"""Points as channels: typed, with limits, in the dictionary; and what is shown while they are not good."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kittiwake.dictionary.export import export_dictionary
from kittiwake.dictionary.load import read_dictionary
from kittiwake.limits.compile import compile_limits
from kittiwake.model import F32, F64, U8, Bool, String
from kittiwake.model.types import wire_type
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.simulation.building import building_of
from kittiwake.storage.root import Root
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image
from kittiwake_components import PointBank
from kittiwake_components.point_channels.fitting import fitted
from kittiwake_components.ports.platform_driver import DeviceStatus, Quality
from tests.components.point_channels.air_handler import AirHandler, Occupancy

AHU = "campus/b1/ahu1"
TOPOLOGY = Path(__file__).with_name("building.yaml")


def air_handler(**points: str) -> ComponentTester[AirHandler]:
    return ComponentTester(AirHandler, settings={"device": AHU, "points": points})


def test_the_design_sheet_says_what_the_classes_declare() -> None:
    assert differences(PointBank) == []


def test_each_channel_shows_the_point_of_its_name() -> None:
    """REQ-PC-001"""
    with air_handler() as tester:
        tester.call.value_in(f"{AHU}/ZoneTemp", "21.5", Quality.GOOD, 0)
        tester.call.value_in(f"{AHU}/Fan", "true", Quality.GOOD, 0)
        tester.call.value_in(f"{AHU}/Stage", "2", Quality.GOOD, 0)
        tester.call.value_in(f"{AHU}/Occupancy", '"inactive"', Quality.GOOD, 0)
        tester.call.value_in(f"{AHU}/AlarmText", '"none"', Quality.GOOD, 0)
        tester.call.value_in("campus/b1/ahu2/ZoneTemp", "99.0", Quality.GOOD, 0)
        shown = [tester.channels[name] for name in ("ZoneTemp", "Fan", "Stage", "Occupancy", "AlarmText")]
        assert shown == [21.5, True, 2, Occupancy.INACTIVE, "none"]


def test_a_channel_shows_the_point_that_a_setting_names() -> None:
    """REQ-PC-001"""
    with air_handler(ReturnTemp="RA-T", Fan="/campus/b2/fan1/Run") as tester:
        tester.call.value_in(f"{AHU}/RA-T", "19", Quality.GOOD, 0)
        tester.call.value_in("campus/b2/fan1/Run", "1", Quality.GOOD, 0)
        assert tester.channels["ReturnTemp"] == 19.0
        assert tester.channels["Fan"] is True


def test_a_setting_that_names_no_channel_is_said() -> None:
    """REQ-PC-002"""
    with air_handler(Zone="ZN-T") as tester:
        assert tester.events.named("ChannelUnknown")[0].args == ("Zone",)


def test_the_last_good_value_stays_and_the_quality_says_what_is_wrong() -> None:
    """REQ-PC-003"""
    with ComponentTester(PointBank, settings={"points": {"Value1": "a/x", "Value3": "a/y"}}) as tester:
        assert (tester.channels["Quality"], tester.channels["BadPoints"]) == (Quality.NEVER, 2)
        tester.call.value_in("a/x", "1", Quality.GOOD, 0)
        tester.call.value_in("a/y", "true", Quality.GOOD, 0)
        assert (tester.channels["Value1"], tester.channels["Value3"]) == (1.0, 1.0)
        assert (tester.channels["Quality"], tester.channels["BadPoints"]) == (Quality.GOOD, 0)
        tester.call.value_in("a/x", "1", Quality.ERROR, 0)
        tester.call.value_in("a/y", "1", Quality.STALE, 0)
        assert tester.channel("Value1").history == [1.0]
        assert (tester.channels["Quality"], tester.channels["BadPoints"]) == (Quality.ERROR, 2)


def test_a_value_that_does_not_fit_is_bad_and_said() -> None:
    """REQ-PC-004. Upstream: the string "inactive" was truthy."""
    with air_handler() as tester:
        tester.call.value_in(f"{AHU}/Fan", '"inactive"', Quality.GOOD, 0)
        assert tester.channels["Fan"] is None
        assert tester.events.named("Misfit")[0].args[:2] == (f"{AHU}/Fan", "Fan")
        assert tester.channels["Quality"] is Quality.NEVER
        tester.call.value_in(f"{AHU}/Stage", "300", Quality.GOOD, 0)
        tester.call.value_in(f"{AHU}/ZoneTemp", "null", Quality.GOOD, 0)
        tester.call.value_in(f"{AHU}/ZoneTemp", '{"stub":true}', Quality.GOOD, 0)
        assert len(tester.events.named("Misfit")) == 4


def test_the_state_of_its_device_is_shown() -> None:
    """REQ-PC-005"""
    with air_handler() as tester:
        tester.call.health_in("campus/b1/ahu2", DeviceStatus.FAILED, "x")
        tester.call.health_in(AHU, DeviceStatus.ERROR, "no route")
        assert tester.channel("DeviceStatus").history == [DeviceStatus.ERROR]


@pytest.mark.parametrize(
    "form, value, shown",
    [
        (F64, True, 1.0), (F64, 3, 3.0), (F32, 1.5, 1.5), (U8, 3.0, 3), (U8, False, 0), (Bool, 1, True),
        (Bool, 0.0, False),
        (String(5), "abc", "abc"), (Occupancy, "Active", Occupancy.ACTIVE), (Occupancy, 0, Occupancy.INACTIVE),
        (F64, "1", None), (U8, 3.5, None), (U8, -1, None), (Bool, 2, None), (Bool, "false", None), (String(5), 5, None),
        (String(2), "abc", None), (Occupancy, "open", None), (Occupancy, 7, None), (Occupancy, None, None),
        (F64, None, None), (F32, 1e300, None), (U8, 1e300, None),
    ],
)  # fmt: skip
def test_values_go_into_channels_of_their_kind_only(form: Any, value: Any, shown: Any) -> None:
    """REQ-PC-004"""
    if shown is None:
        with pytest.raises((ValueError, TypeError)):
            fitted(wire_type(form), value)
    else:
        found = fitted(wire_type(form), value)
        assert (type(found), found) == (type(shown), shown)


# In a whole deployment

LIMITS = """\
limits: Building
watchpoints:
  hot: {channel: Building.ahu1.ZoneTemp, is: beyond red}
  fresh: {channel: Building.ahu1.Quality, is: '== GOOD'}
actionpoints:
  release: {when: hot and fresh, command: 'Building.platform.WRITE_POINT "campus/b1/ahu1/Fan", "true", 8, 0', most: 1}
"""


@cache
def built() -> tuple[Any, Any]:
    topology = load_topology(TOPOLOGY)
    return build_image(topology, ""), read_dictionary(export_dictionary(topology, "1"), "building")


def test_dictionary_limits_and_commands_have_points_as_any_other_telemetry() -> None:
    """REQ-PC-006"""
    image, dictionary = built()
    assert "Building.ahu1.ZoneTemp" in dictionary.channels
    platform = SimulatedPlatform(1)
    platform.files.make_folder("/data")
    with platform.files.open("/data/limits.bin", "x") as file:
        file.write_at(0, compile_limits(LIMITS, "limits.yaml", dictionary))
    deployment = Deployment(image, platform, Root(platform.files, "/data"))
    driver: Any = deployment.instances["Building.platform"]
    limits: Any = deployment.instances["Building.limits"]
    ahu1: Any = deployment.instances["Building.ahu1"]
    deployment.start()
    engine = driver.engine()
    body = {"name": AHU, "driver_type": "simulated", "device_address": "ahu1", "enabled": True,
            "scrape_interval_seconds": 1}  # fmt: skip
    device = engine.changes.create_device(body)
    points = [{"name": name, "object_identifier": at} for name, at in (
        ("ZoneTemp", "analog-input,1"), ("RA-T", "analog-input,2"), ("Fan", "binary-output,1"),
        ("Stage", "analog-value,1"), ("Occupancy", "binary-value,1"),
    )]  # fmt: skip
    for point in points:
        engine.changes.create_point(device.id, point)
    unit = building_of(platform).device("ahu1")
    unit.point("analog-input,1").resting = 21.0
    deployment.run_for(3)
    limits.load_table("/limits.bin")
    deployment.run_for(3)
    bank: Any = deployment.instances["Building.bank"]
    assert (ahu1.zone_temp, bank.value1, ahu1.device_status) == (21.0, 21.0, DeviceStatus.RUNNING)
    unit.point("analog-input,1").resting = 40.0
    deployment.run_for(5)
    assert unit.point("binary-output,1").priorities == {}, "the text point was never read, so nothing is fresh"
    engine.changes.create_point(device.id, {"name": "AlarmText", "object_identifier": "analog-value,9"})
    unit.point("analog-value,9").resting = "fine"
    deployment.run_for(10)
    assert ahu1.quality is Quality.GOOD
    assert unit.point("binary-output,1").priorities == {8: True}
    deployment.stop()
    assert unit.point("binary-output,1").priorities == {}
