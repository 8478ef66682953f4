"""PicoTempManager: the processor's temperature, or none."""

from __future__ import annotations

from math import isnan

import pytest

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import PicoTempManager


def test_the_temperature_is_measured_by_port_and_command() -> None:
    """REQ-PICO-001."""
    with ComponentTester(PicoTempManager) as tester:
        assert tester.call.pico_temperature_get() == pytest.approx(25.0)
        assert tester.send("GetPicoTemperature").response is CommandResponse.OK
        assert tester.events.named("PicoTemperature")[0].args == (pytest.approx(25.0),)
        assert tester.channels["PicoTemperature"] == pytest.approx(25.0)


def test_a_zone_of_the_kernel_is_read_and_a_missing_one_gives_nothing() -> None:
    """REQ-PICO-001, REQ-PICO-002."""
    with ComponentTester(PicoTempManager, settings={"device": "/kittiwake/zone", "attribute": "temp"}) as tester:
        assert isnan(tester.call.pico_temperature_get())
        assert tester.events.named("DeviceNotReady")
        assert tester.send("GetPicoTemperature").response is CommandResponse.EXECUTION_ERROR
        tester.write_file("zone/temp", b"48312\n")
        tester.advance(1)
        assert tester.call.pico_temperature_get() == pytest.approx(48.312)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(PicoTempManager) == []
