"""Veml6031Manager: light, or no figure."""

from __future__ import annotations

from math import isnan

from kittiwake.model import CommandResponse
from kittiwake.model.fw import On
from kittiwake.simulation.spacecraft import spacecraft_of
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import Veml6031Manager


def test_light_is_measured_by_cycle_port_and_command() -> None:
    """REQ-VEML-001."""
    with ComponentTester(Veml6031Manager) as tester:
        tester.call.run(0)
        assert tester.channels["VisibleLight"] > 0
        spacecraft_of(tester.platform).sun.phase_s = 5000.0
        assert tester.call.visible_light_get() == 0.0
        assert tester.send("GetVisibleLight").response is CommandResponse.OK
        assert tester.events.named("VisibleLight")[0].args == (0.0,)


def test_a_sensor_that_is_broken_or_without_power_gives_nothing() -> None:
    """REQ-VEML-002, REQ-VEML-003."""
    with ComponentTester(Veml6031Manager) as tester:
        tester.call.load_switch_state_changed(On.OFF)
        tester.call.run(0)
        assert isnan(tester.channels["VisibleLight"])
        assert tester.events.names() == []
        tester.call.load_switch_state_changed(On.ON)
        spacecraft_of(tester.platform).broken.add("light/face0")
        tester.call.run(0)
        assert tester.events.named("DeviceNotReady")[0].args == ("Input/output error",)
        assert tester.send("GetVisibleLight").response is CommandResponse.EXECUTION_ERROR


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(Veml6031Manager) == []
