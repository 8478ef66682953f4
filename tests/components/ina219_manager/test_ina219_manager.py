"""Ina219Manager: readings of the simulated rails and of a folder like the kernel's, and none from a dead sensor."""

from __future__ import annotations

from math import isnan
from typing import Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake.simulation.spacecraft import spacecraft_of
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import Ina219Manager

FOLDER = "/sys/class/hwmon/hwmon2"


def put(tester: ComponentTester[Ina219Manager], attribute: str, data: bytes) -> None:
    files: Any = tester.files
    files.make_folders(FOLDER)
    if files.exists(f"{FOLDER}/{attribute}"):
        files.remove(f"{FOLDER}/{attribute}")
    with files.open(f"{FOLDER}/{attribute}", "x") as file:
        file.write_at(0, data)


def test_the_simulated_system_rail_is_measured() -> None:
    """REQ-INA-001, REQ-INA-002."""
    with ComponentTester(Ina219Manager) as tester:
        volts, amperes, watts = tester.call.voltage_get(), tester.call.current_get(), tester.call.power_get()
        assert 7.5 < volts < 8.4
        assert watts == pytest.approx(volts * amperes, rel=0.01)
        assert tester.channels["Voltage"] == volts
        for command, event, value in (
            ("GetVoltage", "VoltageReading", volts),
            ("GetCurrent", "CurrentReading", amperes),
            ("GetPower", "PowerReading", watts),
        ):
            assert tester.send(command).response is CommandResponse.OK
            assert tester.events.named(event)[0].args == (value,)


def test_the_burn_wire_shows_in_the_systems_power() -> None:
    """REQ-INA-001: more than a watt, by which ground tests tell that it burns."""
    with ComponentTester(Ina219Manager) as tester:
        before = tester.call.power_get()
        spacecraft_of(tester.platform).write("burnwires/0/value", 1)
        assert tester.call.power_get() > before + 1.0


def test_a_real_rail_is_the_kernels_folder() -> None:
    """REQ-INA-001."""
    with ComponentTester(Ina219Manager, settings={"device": FOLDER}) as tester:
        put(tester, "in1_input", b"7412\n")
        put(tester, "curr1_input", b"-150\n")
        put(tester, "power1_input", b"1111800\n")
        assert tester.call.voltage_get() == pytest.approx(7.412)
        assert tester.call.current_get() == pytest.approx(-0.150)
        assert tester.call.power_get() == pytest.approx(1.1118)


def test_a_missing_sensor_gives_no_figure_and_says_why() -> None:
    """REQ-INA-003."""
    with ComponentTester(Ina219Manager, settings={"device": FOLDER}) as tester:
        assert isnan(tester.call.voltage_get())
        assert isnan(tester.channels["Voltage"])
        assert tester.events.named("DeviceNotReady")[0].args == ("No such file or directory",)
        assert tester.send("GetPower").response is CommandResponse.EXECUTION_ERROR
        assert tester.events.named("PowerReading") == []


def test_nonsense_is_no_figure() -> None:
    """REQ-INA-003."""
    with ComponentTester(Ina219Manager, settings={"device": FOLDER}) as tester:
        put(tester, "in1_input", b"?\n")
        assert isnan(tester.call.voltage_get())
        assert "is no number" in tester.events.named("DeviceNotReady")[0].args[0]


def test_a_dead_sensor_is_tried_ever_more_rarely_and_comes_back() -> None:
    """REQ-INA-004. Upstream: a sensor that failed was not recovered."""
    with ComponentTester(Ina219Manager) as tester:
        craft = spacecraft_of(tester.platform)
        craft.broken.add("rails/sys")
        tries = []
        read = craft.read
        craft.read = lambda path: (tries.append(tester.platform.clock.now_ns() // 10**9), read(path))[1]  # type: ignore[method-assign, func-returns-value]
        for _ in range(200):
            tester.call.voltage_get()
            tester.advance(1)
        assert tries == [0, 1, 3, 7, 15, 31, 63, 123, 183]
        craft.broken.clear()
        tester.advance(60)
        assert tester.call.voltage_get() > 7.0
        assert tester.send("GetVoltage").response is CommandResponse.OK


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(Ina219Manager) == []
