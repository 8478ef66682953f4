"""DetumbleManager: the law, its rounds, and a satellite that comes to rest."""

from __future__ import annotations

from math import isclose
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.simulation.attitude import cross, length
from kittiwake.simulation.spacecraft import spacecraft_of
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.testing.state_machines import Step, steps_of, take
from kittiwake_components import DetumbleManager, ImuManager
from kittiwake_components.deployment_time import NO_TIME
from kittiwake_components.detumble_manager.bdot import DRIVE_MAX, Vector, coil_drives
from kittiwake_components.detumble_manager.component import (
    DetumbleMode,
    DetumbleState,
    DetumbleStrategy,
    HysteresisAxis,
)
from kittiwake_components.ports.device import MagneticField
from kittiwake_components.ports.mode import SystemMode
from tests.components.flight import Flight

Tester = ComponentTester[DetumbleManager]
NAN = float("nan")
parts = st.floats(-0.6, 0.6)


def tumbling(rate: Any = 12.0, **more: Any) -> Tester:
    """A tester whose satellite turns at this rate, in a field whose x part grows each time it is looked at."""
    looks = iter(range(1, 10_000_000))
    returns: dict[str, Any] = {
        "angular_velocity_magnitude_get": rate if callable(rate) else lambda unit: rate,
        "magnetic_field_get": lambda: MagneticField(0.3 + next(looks) * 0.001, 0.1, 0.0, NO_TIME),
        "get_system_mode": SystemMode.NORMAL,
    }
    return ComponentTester(DetumbleManager, returns={**returns, **more.pop("returns", {})}, **more)


def drives(tester: Tester) -> tuple[float, ...]:
    craft = spacecraft_of(tester.platform)
    return tuple(craft.read(f"torquers/{axis}/value") for axis in "xyz")


@pytest.mark.parametrize("step", steps_of(DetumbleManager.detumbling), ids=str)
def test_every_step_of_the_machine(step: Step) -> None:
    """REQ-DT-006."""
    if step.target is DetumbleState.SENSING_ANGULAR_VELOCITY and step.taken is not None:
        pytest.skip("its entry goes on at once; the rounds below show where")
    with tumbling() as tester:
        take(tester, "detumbling", step)


@given(st.tuples(parts, parts, parts), st.tuples(parts, parts, parts), st.floats(0.01, 1.0), st.floats(0.0, 100.0))
def test_the_dipole_is_against_the_change_and_within_the_coils(
    before: Vector, after: Vector, seconds: float, gain: float
) -> None:
    """REQ-DT-001."""
    found = coil_drives(before, after, seconds, gain, 0.04)
    assert all(-DRIVE_MAX <= drive <= DRIVE_MAX for drive in found)
    change = [new - old for old, new in zip(before, after, strict=True)]
    assert all(drive * part <= 0.0 for drive, part in zip(found, change, strict=True))


@given(st.tuples(*[st.floats(-0.3, 0.3)] * 3), st.tuples(*[st.floats(-0.4, 0.4)] * 3))
def test_a_pull_takes_energy_out_of_the_tumbling(rate: Vector, field: Vector) -> None:
    """REQ-DT-001: the torque of a dipole against the field's change never speeds the body up."""
    seconds = 1e-3
    change = cross(field, rate)  # the field of space, seen from a body that turns
    after: Any = tuple(part + step * seconds for part, step in zip(field, change, strict=True))
    found: Any = coil_drives(field, after, seconds, 1e6, 0.04)
    torque = cross(found, field)
    slack = (length(field) * length(rate) + 1e-9) * 2
    assert sum(a * b for a, b in zip(torque, rate, strict=True)) <= slack


def test_a_round_measures_pulls_and_lets_go() -> None:
    """REQ-DT-001."""
    with tumbling() as tester:
        assert tester.send("SET_MODE", DetumbleMode.AUTO).response is CommandResponse.OK
        seen = []
        for delay_s in (1.05, 0.8, 0.31, 0.02):  # a second, then 10 degrees of 12 a second, then the pull
            tester.advance(delay_s)
            seen.append((tester.channels["State"], drives(tester)[0] < 0, any(drives(tester)[1:])))
        assert seen == [
            (DetumbleState.SENSING_MAGNETIC_FIELD, False, False),
            (DetumbleState.ACTUATING_BDOT, True, False),
            (DetumbleState.COOLDOWN, False, False),
            (DetumbleState.SENSING_MAGNETIC_FIELD, False, False),
        ]
        assert tester.channels["DetumbleStrategy"] is DetumbleStrategy.BDOT


def test_it_begins_above_the_upper_and_completes_below_the_lower_threshold() -> None:
    """REQ-DT-002."""
    rate = [7.0]
    with tumbling(lambda unit: rate[0]) as tester:
        tester.send("SET_MODE", DetumbleMode.AUTO)
        seen = []
        for rate[0] in (7.0, 8.1, 6.0, 5.1, 4.9, 6.0, 7.9, 8.2):
            tester.advance(3)
            seen.append(tester.channels["DetumbleStrategy"] is DetumbleStrategy.BDOT)
        assert seen == [False, True, True, True, False, False, False, True]
        assert [one.args for one in tester.events.named("DetumbleStarted")] == [(8.1,), (8.2,)]
        assert [one.args for one in tester.events.named("DetumbleCompleted")] == [(4.9,)]


def test_a_fast_spin_has_one_coil() -> None:
    """REQ-DT-003."""
    with tumbling(800.0, parameters={"HYSTERESIS_AXIS": HysteresisAxis.Y_AXIS}) as tester:
        tester.send("SET_MODE", DetumbleMode.AUTO)
        tester.advance(1.05)
        assert tester.channels["State"] is DetumbleState.ACTUATING_HYSTERESIS
        assert drives(tester) == (0, DRIVE_MAX, 0)


def test_no_coil_pulls_when_it_should_not() -> None:
    """REQ-DT-004."""
    with tumbling() as tester:
        tester.advance(10)
        assert drives(tester) == (0, 0, 0)
        for disable in (
            lambda: tester.send("SET_MODE", DetumbleMode.DISABLED),
            lambda: tester.call.set_mode(DetumbleMode.DISABLED),
            lambda: tester.call.system_mode_changed(SystemMode.SAFE_MODE),
            lambda: tester.call.system_mode_changed(SystemMode.HIBERNATE),
            tester.stop,
        ):
            tester.call.set_mode(DetumbleMode.AUTO)
            tester.advance(1.9)
            assert drives(tester) != (0, 0, 0)
            disable()
            assert drives(tester) == (0, 0, 0)
            if disable is not tester.stop:
                tester.advance(5)
                assert drives(tester) == (0, 0, 0)


def test_a_start_lets_the_coils_go() -> None:
    """REQ-DT-004: what a killed process left on."""
    with tumbling() as tester:
        spacecraft_of(tester.platform).write("torquers/z/value", 99)
        tester.component.start()
        assert drives(tester) == (0, 0, 0)


def test_safe_mode_does_not_let_it_begin() -> None:
    """REQ-DT-004."""
    with tumbling(returns={"get_system_mode": SystemMode.SAFE_MODE}) as tester:
        assert tester.send("SET_MODE", DetumbleMode.AUTO).response is CommandResponse.EXECUTION_ERROR
        assert tester.events.names() == ["EnableFailedSafeMode"]
        assert tester.channels["Mode"] is DetumbleMode.DISABLED


def test_nothing_is_pulled_without_readings() -> None:
    """REQ-DT-005."""
    with tumbling(NAN) as tester:
        tester.send("SET_MODE", DetumbleMode.AUTO)
        tester.advance(5)
        assert tester.events.named("AngularVelocityRetrievalFailed")
        assert drives(tester) == (0, 0, 0)
    blind = MagneticField(NAN, 0.0, 0.0, NO_TIME)
    with tumbling(returns={"magnetic_field_get": lambda: blind}) as tester:
        tester.send("SET_MODE", DetumbleMode.AUTO)
        tester.advance(5)
        assert tester.events.named("MagneticFieldRetrievalFailed")
        assert drives(tester) == (0, 0, 0)


def test_a_coil_that_is_missing_is_reported() -> None:
    """REQ-DT-005."""
    with tumbling() as tester:
        spacecraft_of(tester.platform).broken.add("torquers/x")
        tester.send("SET_MODE", DetumbleMode.AUTO)
        tester.advance(2)
        assert tester.events.named("CoilFailed")[0].args == ("Input/output error",)


def test_the_satellite_comes_to_rest() -> None:
    """REQ-DT-002, REQ-DT-007."""
    made = Flight(
        {"imu": ImuManager, "detumble": DetumbleManager},
        [
            "detumble.angular_velocity_magnitude_get -> imu.angular_velocity_magnitude_get",
            "detumble.magnetic_field_get -> imu.magnetic_field_get",
        ],
        [],
    )
    attitude = spacecraft_of(made.platform).attitude
    start = length(attitude.rate)
    made.run(100)
    assert isclose(length(attitude.rate), start)
    made["detumble"].gain = 1.0
    made["detumble"].set_mode(DetumbleMode.AUTO)
    for _ in range(18):
        made.deployment.run_for(600)
        if made.named("DetumbleCompleted"):
            break
    assert made.named("DetumbleCompleted")
    assert length(attitude.rate) < 5.0 / 57.0
    made.stop()


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(DetumbleManager) == []
