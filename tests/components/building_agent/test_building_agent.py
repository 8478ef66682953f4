"""Agents in virtual time: when they take their steps, and that nothing of what they wrote stays."""

from __future__ import annotations

import json
from typing import Any, Self

import pytest

from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import LoadShed
from kittiwake_components.building_agent.component import AgentState, BuildingAgent
from kittiwake_components.point_access import CALL_LIMIT_S, switch_of
from kittiwake_components.ports.mode import SystemMode
from kittiwake_components.ports.platform_driver import Quality
from tests.components.building_agent.thermostat import Thermostat

FAN = "campus/b1/ahu1/Fan"
SWITCH = "campus/b1/panel/Enable"
POWER = "campus/b1/meter/Power"
SHED = {"Light": 0.0, "Chiller": 12.5}
POINTS = {"Fan": FAN, "Power": POWER, "Light": "campus/b1/floor1/Light", "Chiller": "campus/b1/plant/Setpoint"}


class Bench:
    """An agent, and what stands in the place of the driver: what was written to each point."""

    def __init__(self, cls: type[BuildingAgent] = Thermostat, **settings: Any) -> None:
        self.tester: ComponentTester[Any] = ComponentTester(
            cls, settings={"points": POINTS, "step_s": 60.0, **settings}, open_ports=["rpc_out"], queue=20
        )
        self.agent = self.tester.component
        self.points: dict[str, Any] = {}
        self.refused: dict[str, tuple[int, str]] = {}
        self.answers = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.tester.finish()

    def serve(self) -> None:
        """The driver answers what it was asked."""
        calls = self.tester.ports.call_out
        while calls and self.answers:
            token, method, packed = calls.pop(0)
            assert method == "write_point"
            arguments = json.loads(packed)
            path, value = arguments["point_id"], arguments["body"]["value"]
            assert arguments["body"]["priority"] == 10
            status, kind = self.refused.get(path, (200, ""))
            if status == 200:
                self.points[path] = value
                if value is None:
                    del self.points[path]
            reply = {"value": value} if status == 200 else {"fault": kind, "detail": "no"}
            self.tester.call.reply_in(token, status, "", json.dumps(reply).encode())

    def cycles(self, count: int) -> None:
        """Cycles of the rate group, one a second."""
        for _ in range(count):
            self.tester.call.run(0)
            self.serve()
            self.tester.advance(1.0)

    def read(self, path: str, value: Any, quality: Quality = Quality.GOOD) -> None:
        """A reading comes."""
        self.tester.call.value_in(path, json.dumps(value), quality, 1)

    def reasons(self, event: str) -> list[str]:
        """Why, in the events of a name."""
        return [str(one.named_args()["reason"]) for one in self.tester.events.named(event)]


def test_the_design_sheet_says_what_the_classes_declare() -> None:
    assert differences(LoadShed) == []


def test_an_agent_starts_once_and_steps_at_its_rate() -> None:
    """REQ-AG-001"""
    with Bench() as bench:
        bench.cycles(125)
        assert bench.agent.lives == ["start", "step", "step", "step"]
        assert bench.points == {FAN: 1.0}
        assert bench.tester.channels["Steps"] == 3
        assert bench.tester.channels["State"] is AgentState.RUNNING
        assert bench.tester.channels["HeldPoints"] == 1


def test_the_kill_switch_releases_what_was_written_and_stops_the_agent() -> None:
    """REQ-AG-002, REQ-AG-003: null is written, and on_stop is called once."""
    with Bench() as bench:
        bench.cycles(2)
        bench.tester.set_parameter("OPTIMIZATION_ENABLE", False)
        bench.cycles(100)
        assert bench.points == {}
        assert bench.agent.lives == ["start", "step", "stop"]
        assert bench.reasons("AgentStopped") == ["OPTIMIZATION_ENABLE is false"]
        assert bench.tester.channels["State"] is AgentState.OFF
        bench.tester.set_parameter("OPTIMIZATION_ENABLE", True)
        bench.cycles(1)
        assert bench.agent.lives == ["start", "step", "stop", "start", "step"]


def test_a_step_that_waits_does_not_hold_the_kill_switch_up_and_writes_nothing_after_it() -> None:
    """REQ-AG-002"""
    with Bench() as bench:
        bench.agent.sleeps_s = 3000.0
        bench.cycles(2)
        bench.tester.set_parameter("OPTIMIZATION_ENABLE", False)
        bench.cycles(2)
        assert bench.points == {}
        bench.tester.set_parameter("OPTIMIZATION_ENABLE", True)
        bench.cycles(100)
        assert bench.agent.lives == ["start", "step", "stop"], "nothing begins while the old step goes on"
        bench.tester.advance(3000.0)
        bench.serve()
        assert bench.points == {}
        bench.agent.sleeps_s = 0.0
        bench.cycles(1)
        assert bench.agent.lives == ["start", "step", "stop", "start", "step"]
        assert bench.reasons("StepFailed") == []


@pytest.mark.parametrize(
    "value", ["inactive", "Inactive", "off", False, 0, 0.0, "false", "", "maybe", 2, None, {"a": 1}]
)
def test_a_switch_that_reads_inactive_is_off(value: Any) -> None:
    """REQ-AG-003. Upstream: the text "inactive" is not empty, so that the kill switch read as enabled."""
    assert switch_of(value) is not True
    with Bench(enable_point=SWITCH) as bench:
        bench.read(SWITCH, value)
        bench.cycles(3)
        assert bench.agent.lives == []
        assert bench.points == {}


@pytest.mark.parametrize("value", ["active", "ACTIVE", True, 1, 1.0, "on"])
def test_a_switch_that_reads_active_is_on(value: Any) -> None:
    """REQ-AG-003"""
    with Bench(enable_point=SWITCH) as bench:
        bench.cycles(2)
        assert bench.agent.lives == [], "a switch that was never read is off"
        bench.read(SWITCH, value)
        bench.cycles(2)
        assert bench.points == {FAN: 1.0}
        bench.read(SWITCH, value, Quality.ERROR)
        bench.cycles(2)
        assert bench.points == {FAN: 1.0}, "the last good value counts until it is stale"
        bench.read(SWITCH, value, Quality.STALE)
        bench.cycles(2)
        assert bench.points == {}
        assert bench.reasons("AgentStopped") == [f"{SWITCH} is stale"]


@pytest.mark.parametrize("where", ["start", "step"])
def test_what_is_raised_releases_all_and_the_agent_begins_anew(where: str) -> None:
    """REQ-AG-002, REQ-AG-004"""
    with Bench() as bench:
        bench.agent.raises = where
        bench.cycles(10)
        assert bench.points == {}
        assert bench.reasons("StepFailed") == [f"ValueError: no {where}"]
        assert bench.tester.channels["State"] is AgentState.FAILED
        bench.agent.raises = ""
        bench.cycles(60)
        assert bench.agent.lives[-3:] == ["stop", "start", "step"]
        assert bench.points == {FAN: 1.0}
        assert bench.tester.channels["FailedSteps"] == 1


def test_what_is_written_is_released_when_the_agent_ends() -> None:
    """REQ-AG-002. Upstream: on_stop may run twice; here it does so once, whatever comes together."""
    bench = Bench()
    bench.cycles(2)
    bench.tester.set_parameter("OPTIMIZATION_ENABLE", False)
    bench.answers = False
    bench.tester.call.run(0)
    bench.tester.ports.call_out.clear()
    bench.tester.stop()
    bench.agent.stop()
    assert bench.agent.lives == ["start", "step", "stop"]
    assert [json.loads(packed)["body"]["value"] for _, _, packed in bench.tester.ports.call_out][:1] == [None]


def test_a_fault_of_on_stop_keeps_nothing_from_being_released() -> None:
    """REQ-AG-002"""
    with Bench() as bench:
        bench.cycles(2)
        bench.agent.stop_raises = True
        bench.tester.set_parameter("OPTIMIZATION_ENABLE", False)
        bench.cycles(2)
        assert bench.points == {}
        assert bench.reasons("StepFailed") == ["on_stop: ValueError: no stop"]
        bench.agent.stop_raises = False


def test_what_cannot_be_released_is_told_and_tried_again() -> None:
    """REQ-AG-005"""
    with Bench() as bench:
        bench.cycles(2)
        bench.refused[FAN] = (504, "TimeoutError")
        bench.tester.set_parameter("OPTIMIZATION_ENABLE", False)
        bench.cycles(30)
        assert bench.reasons("ReleaseFailed") == ["TimeoutError: no"]
        assert bench.tester.channels["HeldPoints"] == 1
        bench.refused.clear()
        bench.cycles(60)
        assert bench.points == {}
        assert bench.tester.channels["HeldPoints"] == 0


def test_a_driver_that_never_answers_is_given_up() -> None:
    """REQ-AG-005"""
    with Bench() as bench:
        bench.answers = False
        bench.cycles(round(CALL_LIMIT_S) + 2)
        assert bench.reasons("StepFailed") == ["WriteFault: TimeoutError: no answer within 60 s"]
        bench.answers = True
        bench.cycles(200)
        assert bench.points == {FAN: 1.0}


def test_safe_mode_switches_the_agent_off() -> None:
    """REQ-AG-002"""
    with Bench() as bench:
        bench.cycles(2)
        bench.refused[FAN] = (409, "RuntimeError")
        bench.points.clear()  # the driver has released by itself, and lets nobody write
        bench.tester.call.mode_in(SystemMode.SAFE_MODE)
        bench.cycles(3)
        assert bench.reasons("AgentStopped") == ["the mode is SAFE_MODE"]
        assert bench.tester.channels["HeldPoints"] == 0
        assert bench.reasons("ReleaseFailed") == []
        bench.refused.clear()
        bench.tester.call.mode_in(SystemMode.NORMAL)
        bench.cycles(60)
        assert bench.points == {FAN: 1.0}


def test_a_point_that_nobody_named_and_a_value_that_is_none_fail_the_step() -> None:
    """REQ-AG-004"""
    with Bench() as bench:
        bench.agent.wanted = {"Nothing": 1.0}
        bench.cycles(2)
        assert bench.reasons("StepFailed") == ["NoValue: there is no point Nothing in the settings"]


class Building(Bench):
    """The load shed agent with a meter."""

    def __init__(self) -> None:
        super().__init__(LoadShed, shed=SHED)

    def minutes(self, count: int, power_kw: float) -> None:
        """Lets minutes pass with the meter at a power."""
        for _ in range(count):
            self.read(POWER, power_kw)
            self.cycles(60)

    @property
    def stage(self) -> int:
        """How many stages are shed."""
        found: int = self.tester.channels["Stage"]
        assert len(self.points) == found
        return found


def test_loads_are_shed_in_stages_while_the_power_is_high() -> None:
    """REQ-AG-006: the upstream's example: 120 kW, 300 s up and down, a step a minute."""
    with Building() as building:
        building.minutes(10, 120.0)
        assert building.stage == 0, "at the threshold nothing is shed"
        building.minutes(5, 120.1)
        assert building.stage == 0
        building.minutes(1, 120.1)
        assert building.points == {POINTS["Light"]: 0.0}
        building.minutes(5, 150.0)
        assert building.points == {POINTS["Light"]: 0.0, POINTS["Chiller"]: 12.5}
        building.minutes(30, 150.0)
        assert building.stage == 2
        building.minutes(6, 90.0)
        assert building.points == {POINTS["Light"]: 0.0}, "the last one is released first"
        building.minutes(5, 90.0)
        assert building.points == {}
        assert [event.named_args()["stage"] for event in building.tester.events.named("StageChanged")] == [1, 2, 1, 0]


def test_a_peak_that_is_shorter_than_the_delay_sheds_nothing() -> None:
    """REQ-AG-006"""
    with Building() as building:
        for _ in range(5):
            building.minutes(4, 200.0)
            building.minutes(1, 100.0)
        assert building.stage == 0


def test_a_meter_that_is_lost_releases_all_that_was_shed() -> None:
    """REQ-AG-004, REQ-AG-006"""
    with Building() as building:
        building.minutes(6, 200.0)
        assert building.stage == 1
        building.read(POWER, 200.0, Quality.STALE)
        building.cycles(61)
        assert building.stage == 0
        assert set(building.reasons("StepFailed")) == {f"NoValue: {POWER} is stale"}
