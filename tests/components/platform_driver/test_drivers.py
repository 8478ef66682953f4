"""The drivers' interface: types are found, settings are checked, and the simulated device does as it is told."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.loop import Loop
from kittiwake.runtime.monitor import FirstFaults
from kittiwake.runtime.tags import TagSource
from kittiwake.runtime.tasks import TaskClock
from kittiwake.simulation.building import building_of
from kittiwake_components.platform_driver.drivers.interface import (
    BadType,
    BadValue,
    DeviceAddress,
    Driver,
    DriverFault,
    DriverInterfaceError,
    DriverServices,
    NotSupported,
    PointAddress,
    Reading,
    ReadOnly,
    Scalar,
    Unreachable,
)
from kittiwake_components.platform_driver.drivers.registry import DriverRegistry, UnknownDriver
from kittiwake_components.platform_driver.drivers.simulated import SimulatedDriver
from kittiwake_components.platform_driver.drivers.stub import StubDriver
from kittiwake_components.platform_driver.fields import Field, InvalidObject, checked

TEMPERATURE = PointAddress("p1", "analog-input,1")
VALVE = PointAddress("p2", "analog-output,1")
FAN = PointAddress("p3", "binary-output,1")


class Bench:
    """A driver of one device on a loop of virtual time, with the answers in the order in which they came."""

    def __init__(self, driver: type[Driver] = SimulatedDriver, **settings: Any) -> None:
        self.platform = SimulatedPlatform()
        self.loop = Loop(
            "main", self.platform.clock, self.platform.poller(), TagSource(self.platform.clock), FirstFaults()
        )
        services = DriverServices(self.platform, TaskClock(self.loop), self.loop.inlet, {})
        settings = checked(driver.SETTINGS, settings)
        self.driver = driver(DeviceAddress("d1", "AHU 1", "ahu1", settings), services)
        self.unit = building_of(self.platform).device("ahu1")
        self.answers: list[Any] = []

    def do(self, operation: str, *arguments: Any, wait_s: float = 0.0) -> Any:
        """The answers to an operation that have come within a time."""
        self.answers.clear()
        getattr(self.driver, operation)(*arguments, self.answers.append)
        self.advance(wait_s)
        return list(self.answers)

    def advance(self, seconds: float) -> None:
        self.loop.run_until(self.platform.clock.now_ns() + round(seconds * NS_PER_S))


# Types


def test_a_type_is_found_by_name_and_an_unknown_one_is_refused_with_those_there_are() -> None:
    """REQ-PD-001. Upstream: an unknown driver_type was accepted."""
    registry = DriverRegistry()
    assert registry.find("stub") is StubDriver
    assert registry.find("simulated") is SimulatedDriver
    with pytest.raises(UnknownDriver, match=r"no driver type 'bacnetx'; there are .*simulated, stub"):
        registry.find("bacnetx")


def test_entry_points_are_looked_up_once_and_only_for_what_is_not_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ-PD-001"""
    asked = []

    def entry_points(group: str) -> list[EntryPoint]:
        asked.append(group)
        here = f"{StubDriver.__module__}:StubDriver"
        return [
            EntryPoint("ours", here, group),
            EntryPoint("broken", "no_such_module:X", group),
            EntryPoint("nodriver", "kittiwake_components.platform_driver.fields:Field", group),
        ]

    monkeypatch.setattr("importlib.metadata.entry_points", entry_points)
    registry = DriverRegistry()
    registry.find("stub")
    assert asked == []
    assert registry.find("ours") is StubDriver
    with pytest.raises(UnknownDriver, match="cannot be loaded from no_such_module:X"):
        registry.find("broken")
    with pytest.raises(UnknownDriver, match="no subclass of Driver"):
        registry.find("nodriver")
    assert {"ours", "stub"} <= set(registry.types())
    assert asked == ["kittiwake.drivers"]


def test_a_class_can_be_added_by_hand() -> None:
    """REQ-PD-001"""

    class Thermometer(Driver):
        TYPE = "thermometer"

    registry = DriverRegistry()
    registry.add(Thermometer)
    assert registry.find("thermometer") is Thermometer


# The schema

FIELDS = (
    Field("name", str, low=1),
    Field("interval", float, 5.0, low=0.1, high=3600.0),
    Field("count", int, 1, low=0),
    Field("enabled", bool, False),
    Field("kind", str, "a", choices=("a", "b")),
    Field("url", str, None, nullable=True),
)


def test_defaults_fill_what_is_left_out_and_a_patch_changes_only_what_it_names() -> None:
    """REQ-PD-002"""
    full = checked(FIELDS, {"name": "x", "interval": 2})
    assert full == {"name": "x", "interval": 2.0, "count": 1, "enabled": False, "kind": "a", "url": None}
    assert checked(FIELDS, {"interval": 2}, partial=True) == {"interval": 2.0}
    assert checked(FIELDS, {}, partial=True) == {}


@pytest.mark.parametrize("partial", [False, True])
def test_create_and_patch_refuse_the_same(partial: bool) -> None:
    """REQ-PD-002. Upstream: PATCH skipped validation, so that interval -5 was accepted and name null an HTTP 500."""
    wrong = {
        "name": None, "interval": -5, "count": 1.5, "enabled": "inactive", "kind": "c", "url": "x" * 300, "extra": 1,
    }  # fmt: skip
    with pytest.raises(InvalidObject) as caught:
        checked(FIELDS, wrong, partial=partial)
    assert [(".".join(one.loc), one.type) for one in caught.value.problems] == [
        ("name", "string_type"),
        ("interval", "greater_than_equal"),
        ("count", "int_type"),
        ("enabled", "bool_type"),
        ("kind", "literal_error"),
        ("url", "string_too_long"),
        ("extra", "extra_forbidden"),
    ]


@pytest.mark.parametrize(
    "value, type", [("", "string_too_short"), ("a\nb", "string_pattern_mismatch"), ("\ud800", "string_unicode")]
)
def test_texts_are_texts(value: str, type: str) -> None:
    """REQ-PD-002"""
    with pytest.raises(InvalidObject) as caught:
        checked(FIELDS, {"name": value})
    assert [one.type for one in caught.value.problems] == [type]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([field.name for field in FIELDS]), JSON) | JSON, st.booleans())
def test_whatever_json_comes_is_taken_whole_or_refused_with_reasons(given: Any, partial: bool) -> None:
    """REQ-PD-002"""
    try:
        found = checked(FIELDS, given, partial=partial)
    except InvalidObject as fault:
        refusal = fault
    else:
        assert checked(FIELDS, found, partial=partial) == found
        for field in FIELDS:
            if field.name in found and not (field.nullable and found[field.name] is None):
                assert type(found[field.name]) is field.type
        return
    assert refusal.problems
    assert all(problem.msg for problem in refusal.problems)


# The drivers


def test_the_stub_answers_as_the_upstreams_does() -> None:
    """REQ-PD-003"""
    value: dict[str, Scalar] = {"stub": True, "object_identifier": "analog-input,1", "device": "AHU 1"}
    assert Bench(StubDriver).do("read", [TEMPERATURE]) == [[Reading(value)]]


def test_what_a_driver_does_not_offer_is_refused_by_name() -> None:
    """REQ-PD-003"""
    bench = Bench(StubDriver)
    for operation, arguments in (("discover", ()), ("subscribe", ([], print))):
        [fault] = bench.do(operation, *arguments)
        assert isinstance(fault, NotSupported)
    [fault] = bench.do("write", VALVE, 1.0, 8)
    assert isinstance(fault, ReadOnly)
    bench.answers.clear()
    StubDriver.find_devices("", bench.driver.services, bench.answers.append)
    assert isinstance(bench.answers[0], NotSupported)
    with pytest.raises(NotImplementedError):
        Bench(Driver).do("read", [VALVE])


def test_a_simulated_point_follows_its_waveform() -> None:
    """REQ-PD-003"""
    bench = Bench()
    wave: dict[str, Scalar] = {"waveform": "ramp", "low": 10.0, "high": 20.0, "period_s": 100.0}
    point = TEMPERATURE._replace(settings=wave)
    values = []
    for _ in range(3):
        values += [reading.value for reading in bench.do("read", [point])[0]]
        bench.advance(25.0)
    assert values == [10.0, 12.5, 15.0]
    unit = bench.unit.point("analog-value,9")
    unit.low, unit.high, unit.period_s = -1.0, 1.0, 4.0
    unit.waveform = "sine"
    assert [round(float(unit.value(s) or 0.0), 6) for s in (0.0, 1.0, 2.0, 3.0)] == [0.0, 1.0, 0.0, -1.0]
    unit.waveform = "square"
    assert [unit.value(s) for s in (0.0, 1.9, 2.0, 4.0)] == [1.0, 1.0, -1.0, 1.0]
    unit.waveform = "random"
    assert unit.value(0.5) == unit.value(3.5) != unit.value(4.5)


def test_the_highest_priority_shows_and_null_releases_it() -> None:
    """REQ-PD-003"""
    bench = Bench()
    valve = VALVE._replace(settings={"resting": 3.0})
    for value, priority, shown in ((50, 10, 50), (80.5, 8, 80.5), (None, 8, 50), (0, None, 50), (None, 10, 0)):
        assert bench.do("write", valve, value, priority) == [value]
        assert bench.do("read", [valve]) == [[Reading(shown)]]
    bench.do("write", valve, None, None)
    assert bench.do("read", [valve]) == [[Reading(3.0)]]


@pytest.mark.parametrize(
    "point, value, fault",
    [
        (TEMPERATURE, 1.0, ReadOnly),
        (FAN, "inactive", BadType),
        (FAN, 2, BadValue),
        (VALVE, True, BadType),
        (VALVE, "50", BadType),
        (VALVE._replace(property_identifier="units"), 1.0, DriverInterfaceError),
    ],
)
def test_a_value_of_another_kind_is_refused(point: PointAddress, value: Any, fault: type[DriverFault]) -> None:
    """REQ-PD-003. Upstream: the string "inactive" is truthy, so that the kill switch read as enabled."""
    bench = Bench()
    [answer] = bench.do("write", point, value, 8)
    assert type(answer) is fault
    assert bench.unit.point(point.object_identifier).priorities == {}


def test_false_and_nought_are_values() -> None:
    """REQ-PD-003. Upstream (VOLTTRON): a write of 0 or False was taken for none."""
    bench = Bench()
    assert bench.do("write", FAN, True, 8) == [True]
    assert bench.do("write", FAN, 0, 8) == [False]
    assert bench.do("read", [FAN]) == [[Reading(False)]]
    assert bench.do("write", VALVE, 0, 8) == [0]


def test_the_device_is_slow_stuck_or_refuses_on_demand() -> None:
    """REQ-PD-003"""
    bench = Bench(latency_s=2.0)
    assert bench.do("open", wait_s=1.9) == []
    bench.advance(0.1)
    assert bench.answers == [None]
    bench.unit.fails["read"] = "no route"
    [fault] = bench.do("read", [VALVE], wait_s=2.0)
    assert isinstance(fault, Unreachable)
    assert str(fault) == "no route"
    bench.unit.hangs.add("close")
    assert bench.do("close", wait_s=100.0) == []
    bench.unit.point("analog-input,1").fault = "sensor open circuit"
    del bench.unit.fails["read"]
    [[good, bad]] = bench.do("read", [VALVE, TEMPERATURE], wait_s=2.0)
    assert good == Reading(0.0)
    assert isinstance(bad.fault, DriverInterfaceError)


def test_jitter_is_drawn_from_the_seed() -> None:
    """REQ-PD-003"""

    def moments() -> list[int]:
        bench = Bench(jitter_s=1.0)
        found = []
        for _ in range(3):
            bench.driver.open(lambda _: found.append(bench.platform.clock.now_ns()))
            bench.advance(1.0)
        return found

    assert moments() == moments()
    assert len(set(moments())) == 3


def test_changes_are_told_until_the_close() -> None:
    """REQ-PD-003"""
    bench = Bench()
    told: list[tuple[str, Any]] = []
    bench.do("open")
    assert bench.do("subscribe", [VALVE, FAN], lambda point, reading: told.append((point.id, reading.value))) == [None]
    bench.advance(3.0)
    bench.unit.point("analog-output,1").write(7.0, 8)
    bench.advance(3.0)
    assert told == [("p2", 7.0)]
    bench.do("close")
    bench.unit.point("analog-output,1").write(9.0, 8)
    bench.advance(3.0)
    assert told == [("p2", 7.0)]


def test_devices_and_points_are_found() -> None:
    """REQ-PD-003"""
    bench = Bench()
    bench.do("read", [TEMPERATURE, VALVE])
    [points] = bench.do("discover")
    assert [(point.object_identifier, point.is_writable) for point in points] == [
        ("analog-input,1", False),
        ("analog-output,1", True),
    ]
    found: list[Any] = []
    SimulatedDriver.find_devices("ahu", bench.driver.services, found.append)
    assert [device.address for device in found[0]] == ["ahu1"]
    for wrong in ("analog-input", "valve,1", "analog-input,x"):
        with pytest.raises(ValueError, match="no object such as"):
            SimulatedDriver.check_point(PointAddress("p", wrong))
    with pytest.raises(ValueError, match="any name"):
        SimulatedDriver.check_device(DeviceAddress("d", "D", ""))
