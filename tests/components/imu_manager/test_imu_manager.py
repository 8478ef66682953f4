"""ImuManager: motion and field in the body's axes, or none."""

from __future__ import annotations

from math import isnan, pi
from typing import Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake.simulation.spacecraft import spacecraft_of
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import ImuManager
from kittiwake_components.imu_manager.component import AxisOrientation
from kittiwake_components.ports.device import AngularUnit


def turning(x: float, y: float, z: float) -> ComponentTester[ImuManager]:
    tester = ComponentTester(ImuManager)
    spacecraft_of(tester.platform).attitude.rate = (x, y, z)
    return tester


def test_all_three_are_measured_in_each_cycle_and_by_command() -> None:
    """REQ-IMU-001, REQ-IMU-002."""
    with turning(0.1, -0.2, 0.2) as tester:
        tester.call.run(0)
        rate, field = tester.channels["AngularVelocity"], tester.channels["MagneticField"]
        assert (rate.x, rate.y, rate.z) == pytest.approx((0.1, -0.2, 0.2), abs=0.001)
        true_t = spacecraft_of(tester.platform).attitude.field(0.0)
        assert (field.x, field.y, field.z) == pytest.approx([part * 1e4 for part in true_t], abs=0.001)
        assert field.timestamp.seconds == 1_767_225_600
        assert tester.call.angular_velocity_magnitude_get(AngularUnit.RAD_PER_SEC) == pytest.approx(0.3, abs=0.001)
        degrees = tester.call.angular_velocity_magnitude_get(AngularUnit.DEG_PER_SEC)
        assert degrees == pytest.approx(0.3 * 180 / pi, abs=0.05)
        for command in ("GET_ACCELERATION", "GET_ANGULAR_VELOCITY", "GET_MAGNETIC_FIELD"):
            assert tester.send(command).response is CommandResponse.OK
        assert tester.events.names() == ["AccelerationData", "AngularVelocityData", "MagneticFieldData"]
        assert tester.events.named("AngularVelocityData")[0].args == (rate.x, rate.y, rate.z)


@pytest.mark.parametrize(
    "orientation, expected",
    [
        (AxisOrientation.STANDARD, (1, 2, 3)),
        (AxisOrientation.ROTATED_90_DEG_CW, (2, -1, 3)),
        (AxisOrientation.ROTATED_90_DEG_CCW, (-2, 1, 3)),
        (AxisOrientation.ROTATED_180_DEG, (-1, -2, 3)),
    ],
)
def test_a_turned_board_is_turned_back(orientation: AxisOrientation, expected: Any) -> None:
    """REQ-IMU-002."""
    with turning(0.1, 0.2, 0.3) as tester:
        tester.set_parameter("AXIS_ORIENTATION", orientation)
        rate = tester.call.angular_velocity_get()
        assert (rate.x, rate.y, rate.z) == pytest.approx([part / 10 for part in expected], abs=0.001)
        tester.call.run(0)
        assert tester.channels["AxisOrientation"] is orientation


def test_devices_that_do_not_answer_give_nothing_and_come_back() -> None:
    """REQ-IMU-003."""
    with turning(0.1, 0.2, 0.3) as tester:
        craft = spacecraft_of(tester.platform)
        craft.broken.add("imu")
        tester.call.run(0)
        assert isnan(tester.channels["AngularVelocity"].x)
        assert isnan(tester.call.angular_velocity_magnitude_get(AngularUnit.DEG_PER_SEC))
        assert sorted(set(tester.events.names())) == ["Lis2mdlDeviceNotReady", "Lsm6dsoDeviceNotReady"]
        assert tester.send("GET_MAGNETIC_FIELD").response is CommandResponse.EXECUTION_ERROR
        craft.broken.clear()
        tester.advance(5)
        tester.call.run(0)
        assert tester.channels["AngularVelocity"].x == pytest.approx(0.1, abs=0.001)
        assert tester.send("GET_MAGNETIC_FIELD").response is CommandResponse.OK


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(ImuManager) == []
