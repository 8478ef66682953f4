"""Tmp112Manager: a temperature, or none."""

from __future__ import annotations

from math import isnan

import pytest

from kittiwake.model import CommandResponse
from kittiwake.model.fw import On
from kittiwake.simulation.spacecraft import spacecraft_of
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import Tmp112Manager


def test_the_temperature_is_measured_by_port_and_command() -> None:
    """REQ-TMP-001."""
    settings = {"device": "simulated/thermometers/battery2"}
    with ComponentTester(Tmp112Manager, settings=settings) as tester:
        spacecraft_of(tester.platform).temperatures_c["battery2"] = -3.25
        assert tester.call.temperature_get() == pytest.approx(-3.25)
        assert tester.channels["Temperature"] == pytest.approx(-3.25)
        assert tester.send("GetTemperature").response is CommandResponse.OK
        assert tester.events.named("Temperature")[0].args == (pytest.approx(-3.25),)


def test_a_sensor_that_does_not_answer_gives_nothing() -> None:
    """REQ-TMP-002."""
    with ComponentTester(Tmp112Manager) as tester:
        spacecraft_of(tester.platform).broken.add("thermometers/face0")
        assert isnan(tester.call.temperature_get())
        assert tester.events.named("DeviceNotReady")[0].args == ("Input/output error",)
        assert tester.send("GetTemperature").response is CommandResponse.EXECUTION_ERROR


def test_a_sensor_without_power_is_not_touched_and_tried_at_once_when_it_is_back() -> None:
    """REQ-TMP-003."""
    with ComponentTester(Tmp112Manager) as tester:
        craft = spacecraft_of(tester.platform)
        craft.broken.add("thermometers/face0")
        tester.call.temperature_get()
        tester.call.load_switch_state_changed(On.OFF)
        tester.clear_history()
        assert isnan(tester.call.temperature_get())
        assert tester.send("GetTemperature").response is CommandResponse.EXECUTION_ERROR
        assert tester.events.names() == []
        craft.broken.clear()
        tester.call.load_switch_state_changed(On.ON)
        assert tester.call.temperature_get() == pytest.approx(10.0)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(Tmp112Manager) == []
