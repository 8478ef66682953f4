"""ThermalManager: each departure once, and a heater that somebody always watches."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.model.fw import Enabled
from kittiwake.simulation.spacecraft import spacecraft_of
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.testing.state_machines import Step, steps_of, take
from kittiwake_components import LoadSwitch, ThermalManager, Tmp112Manager
from kittiwake_components.thermal_manager.band import Band, Place
from kittiwake_components.thermal_manager.component import HeaterState, TempSensorType
from tests.components.flight import Flight

NAN = float("nan")
Tester = ComponentTester[ThermalManager]


def thermal(face: list[float], cell: list[float], **more: Any) -> Tester:
    """A tester whose faces and cells have the temperature that stands in these one-element lists."""
    returns = {"face_temp_get": lambda: face[0], "batt_cell_temp_get": lambda: cell[0], "pico_temp_get": 30.0}
    return ComponentTester(ThermalManager, returns=returns, **more)


def run(tester: Tester, seconds: int = 1) -> None:
    for _ in range(seconds):
        tester.advance(1)
        tester.call.run(0)


@pytest.mark.parametrize("step", steps_of(ThermalManager.heater), ids=str)
def test_every_step_of_the_heater(step: Step) -> None:
    """REQ-TH-007."""
    with thermal([20.0], [20.0]) as tester:
        take(tester, "heater", step)


def test_all_thermometers_are_read_in_each_cycle() -> None:
    """REQ-TH-001."""
    with thermal([20.0], [20.0]) as tester:
        run(tester, 3)
        assert [len(port) for port in tester.ports.face_temp_get] == [3] * 5
        assert [len(port) for port in tester.ports.batt_cell_temp_get] == [3] * 4
        assert len(tester.ports.pico_temp_get) == 3
        assert tester.events.names() == []


def test_a_departure_is_reported_once_and_its_end_too() -> None:
    """REQ-TH-002."""
    face = [20.0]
    with thermal(face, [20.0]) as tester:
        for celsius in (60.0, 60.1, 70.0, 59.9, 58.1, 60.5, 58.0, 20.0, -40.1, -39.0, -38.0):
            face[0] = celsius
            run(tester)
        names = [event.name for event in tester.events if event.args[1] == 0]
        assert names == [
            "TemperatureAboveThreshold", "TemperatureNormal", "TemperatureBelowThreshold", "TemperatureNormal",
        ]  # fmt: skip
        assert tester.events.named("TemperatureAboveThreshold")[0].args == (TempSensorType.FACE, 0, 60.1)
        assert tester.events.named("TemperatureBelowThreshold")[4].args == (TempSensorType.FACE, 4, -40.1)
        assert max(tester.channel("OutOfBand").history) == 5


@given(st.lists(st.floats(-100, 100) | st.just(NAN), max_size=60), st.floats(0.0, 50.0))
def test_places_follow_the_readings_and_never_flutter_within_the_hysteresis(
    readings: list[float], hysteresis: float
) -> None:
    """REQ-TH-002, REQ-TH-003."""
    band = Band()
    for celsius in readings:
        before = band.place
        changed = band.judge(celsius, -40.0, 60.0, hysteresis)
        assert changed is (band.place is not before)
        if celsius < -40.0:
            assert band.place is Place.BELOW
        elif celsius > 60.0:
            assert band.place is Place.ABOVE
        elif before is not Place.INSIDE and not changed:
            assert celsius != celsius or celsius < -40.0 + hysteresis or celsius > 60.0 - hysteresis
        if celsius != celsius:
            assert not changed


def test_a_silent_thermometer_changes_nothing_and_is_counted() -> None:
    """REQ-TH-003."""
    face = [70.0]
    with thermal(face, [20.0]) as tester:
        run(tester)
        face[0] = NAN
        run(tester, 5)
        assert len(tester.events.named("TemperatureAboveThreshold")) == 5
        assert tester.events.named("TemperatureNormal") == []
        assert tester.channels["SilentSensors"] == 5


def test_open_ports_are_no_silent_sensors() -> None:
    """REQ-TH-001, REQ-TH-003."""
    with ComponentTester(ThermalManager, open_ports=["face_temp_get", "batt_cell_temp_get", "pico_temp_get"]) as tester:
        tester.call.run(0)
        assert tester.channels["SilentSensors"] == 0


def test_the_heater_is_on_while_a_cell_is_cold() -> None:
    """REQ-TH-004."""
    cell = [5.1]
    with thermal([20.0], cell) as tester:
        for celsius, heats in ((5.1, False), (4.9, True), (6.9, True), (7.0, False), (5.5, False), (4.0, True)):
            cell[0] = celsius
            run(tester)
            assert (tester.channels["HeaterState"] is HeaterState.ON) is heats
        assert len(tester.ports.heater_on) == 2
        assert len(tester.ports.heater_off) == 1
        assert tester.events.named("HeaterStarted")[0].args == (4.9,)


def test_nobody_heats_blind_disabled_or_for_ever() -> None:
    """REQ-TH-005."""
    cell = [0.0]
    with thermal([20.0], cell, parameters={"HEATER_LIMIT": 100, "HEATER_REST": 50}) as tester:
        run(tester)
        cell[0] = NAN
        run(tester)
        assert len(tester.ports.heater_off) == 1
        cell[0] = 0.0
        seen = []
        for seconds in (90, 20, 50):
            run(tester, seconds)
            seen.append(tester.channels["HeaterState"])
        assert seen == [HeaterState.ON, HeaterState.RESTING, HeaterState.ON]
        assert len(tester.ports.heater_off) == 2
        assert tester.send("HEATER_ENABLED_PRM_SET", Enabled.DISABLED).response is CommandResponse.OK
        run(tester, 10)
        assert tester.channels["HeaterState"] is HeaterState.OFF
        tester.send("HEATER_ENABLED_PRM_SET", Enabled.ENABLED)
        run(tester)
        tester.stop()
        assert len(tester.ports.heater_off) == 4


def test_thresholds_that_cross_are_refused() -> None:
    """REQ-TH-006."""
    with thermal([20.0], [20.0]) as tester:
        sent = tester.send("FACE_TEMP_UPPER_THRESHOLD_PRM_SET", -40.0)
        assert sent.response is CommandResponse.VALIDATION_ERROR
        assert tester.component.face_temp_upper_threshold == 60.0
        assert tester.send("BATT_CELL_TEMP_LOWER_THRESHOLD_PRM_SET", 10.0).response is CommandResponse.OK


def test_the_heater_warms_the_simulated_battery() -> None:
    """REQ-TH-004, with thermometer and load switch."""
    made = Flight(
        {
            "thermal": ThermalManager,
            "cell": (Tmp112Manager, {"device": "simulated/thermometers/battery1"}),
            "heater": (LoadSwitch, {"device": "simulated/switches/heater"}),
        },
        [
            "thermal.batt_cell_temp_get[0] -> cell.temperature_get",
            "thermal.heater_on -> heater.turn_on_in",
            "thermal.heater_off -> heater.turn_off_in",
        ],
        ["thermal.run"],
    )
    craft = spacecraft_of(made.platform)
    craft.temperatures_c["battery1"] = 0.0
    made.run(2)
    assert craft.loads.on == {"heater"}
    made.run(3000)
    assert craft.loads.on == set()
    assert craft.temperatures_c["battery1"] > 5.0
    assert made.named("HeaterStopped")
    made.stop()


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(ThermalManager) == []
