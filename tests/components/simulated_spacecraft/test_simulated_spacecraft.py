"""SimulatedSpacecraft: launched as the settings say, changed by command, and the same one after a restart."""

from __future__ import annotations

from struct import pack

import pytest

from kittiwake.model import CommandResponse
from kittiwake.simulation.spacecraft import spacecraft_of
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import SimulatedSpacecraft

Tester = ComponentTester[SimulatedSpacecraft]


def test_it_is_launched_as_the_settings_say() -> None:
    """REQ-SIM-001, REQ-SIM-005."""
    settings = {"charge_percent": 25.0, "panel_w": 3.0, "rate_deg_s": 6.0, "antenna_stuck": True}
    with ComponentTester(SimulatedSpacecraft, settings=settings) as tester:
        tester.call.run(0)
        craft = spacecraft_of(tester.platform)
        assert craft.is_stuck
        assert craft.generated_w() == 3.0
        assert tester.channels["StateOfCharge"] == pytest.approx(25.0)
        assert tester.channels["InSunlight"] is True
        assert tester.channels["AntennaReleased"] is False
        assert tester.channels["BodyRate"] == pytest.approx(6.0)


def test_the_ground_changes_its_fate() -> None:
    """REQ-SIM-004."""
    with ComponentTester(SimulatedSpacecraft) as tester:
        tester.call.run(0)
        craft = spacecraft_of(tester.platform)
        full = craft.read("rails/sys/in1_input")
        assert tester.send("SET_CHARGE", 2.0).response is CommandResponse.OK
        assert craft.read("rails/sys/in1_input") < 6700 < full
        assert tester.send_raw("SET_CHARGE", pack(">f", 101.0)).response is CommandResponse.VALIDATION_ERROR
        assert tester.send("SET_PANEL", 0.0).response is CommandResponse.OK
        assert craft.generated_w() == 0.0
        assert tester.send("SET_ANTENNA", True).response is CommandResponse.OK
        assert craft.read("antenna/value") == 1.0
        assert len(tester.events.named("FateChanged")) == 3


def test_it_goes_on_after_a_restart_where_it_stood() -> None:
    """REQ-SIM-003."""
    with ComponentTester(SimulatedSpacecraft) as tester:
        tester.call.run(0)
        craft = spacecraft_of(tester.platform)
        craft.write("switches/payloadPower/value", 1)
        craft.write("burnwires/0/value", 1)
        for _ in range(300):
            tester.advance(10)
            tester.call.run(0)
        charge, faces, turn = craft.battery.charge, craft.temperatures_c["face0"], craft.sun.turn
        rate, pose = craft.attitude.rate, craft.attitude.pose
        tester.crash()
        craft = spacecraft_of(tester.platform)
        assert craft.battery.charge == pytest.approx(charge, abs=0.01)
        assert craft.temperatures_c["face0"] == pytest.approx(faces, abs=5)
        assert craft.sun.turn == pytest.approx(turn, abs=0.02)
        assert craft.attitude.rate == rate
        assert craft.antenna_released
        assert craft.loads.on == set()
        tester.reboot()
        assert spacecraft_of(tester.platform).attitude.pose != pose


@pytest.mark.parametrize("content", [b"", b"KWAR" + bytes(200), b"x" * 3000])
def test_a_damaged_record_launches_anew_and_says_so(content: bytes) -> None:
    """REQ-SIM-006."""
    with ComponentTester(SimulatedSpacecraft) as tester:
        tester.send("SET_CHARGE", 10.0)
        for slot in ("a", "b"):
            tester.write_file(f"simulated_spacecraft.{slot}", content)
        tester.restart()
        tester.call.run(0)
        assert tester.channels["StateOfCharge"] == pytest.approx(80.0, abs=0.1)
        assert tester.events.named("FileFault")


def test_settings_that_make_no_sense_are_refused() -> None:
    """REQ-SIM-001."""
    for name, value in (("charge_percent", 120.0), ("orbit_s", 1.0), ("eclipse_share", -0.1)):
        check = SimulatedSpacecraft.__declarations__.settings[name].check
        with pytest.raises(ValueError, match="is outside"):
            check(value)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(SimulatedSpacecraft) == []
