"""The simulated satellite: its battery, its orbit, its devices and its antenna behave as a team would see them."""

from __future__ import annotations

from itertools import permutations
from math import pi

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.platform.simulated_clock import SimulatedClock
from kittiwake.simulation.attitude import FIELD_T, Attitude, Vector, cross, field_in_space, length
from kittiwake.simulation.power import Battery, Loads
from kittiwake.simulation.spacecraft import Spacecraft, launch, spacecraft_of


def passing(craft: Spacecraft, clock: SimulatedClock, seconds: float, step_s: float) -> Spacecraft:
    for _ in range(round(seconds / step_s)):
        clock.advance(round(step_s * 1e9))
        craft.update()
    return craft


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(-20.0, 20.0))
def test_voltage_rises_with_charge_and_falls_with_load(low: float, high: float, watts: float) -> None:
    low, high = sorted((low, high))
    poor, rich = Battery(10, low, 0.1), Battery(10, high, 0.1)
    assert poor.terminal_v(watts) <= rich.terminal_v(watts)
    assert (poor.terminal_v(watts) <= poor.open_circuit_v()) is (watts >= 0) or watts == pytest.approx(0)


def test_the_battery_empties_as_its_capacity_says() -> None:
    battery = Battery(10.0, 1.0, 0.1)
    assert battery.open_circuit_v() == pytest.approx(8.4)
    battery.draw(5.0, 3600.0)
    assert battery.charge == pytest.approx(0.5)
    battery.draw(50.0, 3600.0)
    assert battery.charge == 0.0
    battery.draw(-500.0, 3600.0)
    assert battery.charge == 1.0


def test_what_is_drawn_does_not_depend_on_the_order_in_which_it_was_switched_on() -> None:
    """A set's order is another one in each process: the same seed would give another charge."""
    watts = {"radio": 0.1, "heater": 0.2, "camera": 0.3}
    loads = Loads(0.7, watts)
    drawn = set()
    for order in permutations([*watts, "lamp"]):
        loads.on = dict.fromkeys(order).keys()  # type: ignore[assignment]  # a set that is in order
        drawn.add(loads.total_w())
    assert len(drawn) == 1


def test_light_charges_and_eclipse_drains() -> None:
    clock = SimulatedClock(0, 0)
    craft = Spacecraft(clock, charge=0.5)
    passing(craft, clock, 3500, 10)
    lit = craft.battery.charge
    assert lit > 0.5
    assert craft.read("rails/solar/power1_input") == 6e6
    assert craft.temperatures_c["face0"] > 35
    passing(craft, clock, 2000, 10)
    assert craft.read("rails/solar/power1_input") == 0
    assert craft.read("light/face0/in_illuminance_input") == 0
    assert craft.battery.charge < lit
    assert craft.temperatures_c["face0"] < 0


def test_a_full_battery_takes_no_more() -> None:
    clock = SimulatedClock(0, 0)
    craft = Spacecraft(clock, charge=1.0)
    assert craft.read("rails/solar/power1_input") == 1.2e6
    passing(craft, clock, 100, 10)
    assert craft.battery.charge == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("is_stuck, seconds, released", [(False, 5, True), (False, 3, False), (True, 60, False)])
def test_heat_lets_the_antenna_go_unless_it_is_stuck(is_stuck: bool, seconds: int, released: bool) -> None:
    clock = SimulatedClock(0, 0)
    craft = Spacecraft(clock, is_stuck=is_stuck)
    craft.write("burnwires/0/value", 1)
    passing(craft, clock, seconds, 1)
    craft.write("burnwires/0/value", 0)
    assert craft.read("antenna/value") == released
    assert "burnwire" not in craft.loads.on


def test_heat_is_lost_between_burns() -> None:
    clock = SimulatedClock(0, 0)
    craft = Spacecraft(clock)
    for _ in range(5):
        craft.write("burnwires/1/value", 1)
        passing(craft, clock, 3, 1)
        craft.write("burnwires/1/value", 0)
        passing(craft, clock, 5, 1)
    assert not craft.antenna_released


@given(st.lists(st.floats(0.01, 100.0), min_size=1, max_size=20), st.integers(0, 1000))
def test_how_often_it_is_looked_at_changes_nothing_that_matters(looks: list[float], seed: int) -> None:
    """REQ-SIM-002."""
    one, many = SimulatedClock(0, 0), SimulatedClock(0, 0)
    alone, watched = Spacecraft(one, seed=seed), Spacecraft(many, seed=seed)
    for seconds in looks:
        one.advance(round(seconds * 1e9))
        passing(watched, many, seconds, seconds / 3)
    alone.update()
    assert alone.battery.charge == pytest.approx(watched.battery.charge, abs=1e-4)
    assert alone.attitude.rate == watched.attitude.rate
    assert alone.temperatures_c["face0"] == pytest.approx(watched.temperatures_c["face0"], abs=0.5)
    for a, b in zip(alone.attitude.field(0.1), watched.attitude.field(0.1), strict=True):
        assert a == pytest.approx(b, abs=FIELD_T * 0.05)


def test_the_field_has_a_dipoles_strength() -> None:
    for turn in range(100):
        assert FIELD_T * 0.99 <= length(field_in_space(turn / 100)) <= 2.1 * FIELD_T


def test_the_body_turns_as_fast_as_its_rate_says() -> None:
    attitude = Attitude((0.0, 0.0, pi / 2))
    before = attitude.field(0.2)
    attitude.pass_time(1.0, 0.2)
    after = attitude.field(0.2)
    assert after == pytest.approx((before[1], -before[0], before[2]), abs=1e-9)
    attitude.pass_time(3.0, 0.2)
    assert attitude.field(0.2) == pytest.approx(before, abs=1e-9)


@given(st.tuples(*[st.floats(-0.04, 0.04)] * 3))
def test_coils_turn_the_body_only_across_the_field(dipole: Vector) -> None:
    attitude = Attitude((0.0, 0.0, 0.0))
    attitude.dipole = dipole
    field = attitude.field(0.3)
    attitude.pass_time(0.1, 0.3)
    assert sum(a * b for a, b in zip(attitude.rate, field, strict=True)) == pytest.approx(0.0, abs=1e-12)
    torque = length(cross(dipole, field))
    assert length(attitude.rate) == pytest.approx(torque * 0.1 / 0.0022)


def test_devices_that_are_not_there_or_broken_say_so() -> None:
    craft = Spacecraft(SimulatedClock(0, 0))
    for path in ("rails/moon/in1_input", "rails/sys/in2_input", "engines/1/value", "thermometers/face9/temp1_input"):
        with pytest.raises(FileNotFoundError):
            craft.read(path)
    with pytest.raises(PermissionError):
        craft.write("antenna/value", 1)
    with pytest.raises(FileNotFoundError):
        craft.write("switches/face0/brightness", 1)
    craft.broken.add("rails/sys")
    with pytest.raises(OSError, match="Input/output"):
        craft.read("rails/sys/in1_input")


def test_every_device_of_the_sheet_gives_a_number() -> None:
    craft = Spacecraft(SimulatedClock(0, 0))
    paths = [
        "switches/x/value",
        "burnwires/0/value",
        "antenna/value",
        "torquers/x/value",
        "thermometers/battery4/temp1_input",
    ]
    paths += [f"imu/in_{kind}_{axis}_raw" for kind in ("anglvel", "magn", "accel") for axis in "xyz"]
    paths += [f"imu/in_{kind}_scale" for kind in ("anglvel", "magn", "accel")]
    for path in paths:
        assert isinstance(craft.read(path), float)


def test_a_machine_has_one_satellite() -> None:
    platform = SimulatedPlatform(0)
    first = spacecraft_of(platform)
    assert spacecraft_of(platform) is first
    second = launch(platform, Spacecraft(platform.clock))
    assert spacecraft_of(platform) is second
    assert spacecraft_of(SimulatedPlatform(0)) is not second


def test_state_comes_back_and_nonsense_is_refused() -> None:
    clock = SimulatedClock(0, 0)
    craft = Spacecraft(clock, seed=3)
    passing(craft, clock, 1000, 10)
    again = Spacecraft(clock, seed=4)
    again.restore(craft.pack())
    assert again.pack() == craft.pack()
    assert again.attitude.field(0.4) == pytest.approx(craft.attitude.field(0.4))
    for bad in (b"", bytes(10), b"\x7f\xf8" + bytes(len(craft.pack()) - 2)):
        with pytest.raises(ValueError, match="spacecraft"):
            again.restore(bad)
