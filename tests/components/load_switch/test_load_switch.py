"""LoadSwitch: what it reads back is what it says, and a start opens it."""

from __future__ import annotations

import pytest

from kittiwake.model import CommandResponse
from kittiwake.model.fw import On
from kittiwake.simulation.spacecraft import spacecraft_of
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import LoadSwitch

DEVICE = "simulated/switches/payloadPower"


def test_commands_and_ports_switch_the_load_and_every_change_is_told() -> None:
    """REQ-LS-001, REQ-LS-003."""
    with ComponentTester(LoadSwitch, settings={"device": DEVICE}) as tester:
        loads = spacecraft_of(tester.platform).loads
        assert tester.channels["IsOn"] is On.OFF
        assert tester.events.names() == []
        assert tester.send("TURN_ON").response is CommandResponse.OK
        assert loads.on == {"payloadPower"}
        tester.call.turn_off_in()
        assert loads.on == set()
        tester.call.turn_on_in()
        tester.send("TURN_ON")
        assert tester.send("TURN_OFF").response is CommandResponse.OK
        changes = [On.ON, On.OFF, On.ON, On.OFF]
        assert [event.args[0] for event in tester.events.named("StatusChanged")] == changes
        assert [call[0] for call in tester.ports.load_switch_state_changed[0]] == [On.OFF, *changes]
        assert tester.channel("IsOn").history == [On.OFF, *changes]


def test_a_power_cycle_gives_the_power_back_unless_somebody_wants_otherwise() -> None:
    """REQ-LS-006: as a hive's orchestrator asks for when a sensor hangs that may not be killed."""
    with ComponentTester(LoadSwitch, settings={"device": DEVICE, "off_s": 3}) as tester:
        tester.send("TURN_ON")
        tester.call.power_cycle_in()
        assert tester.channels["IsOn"] == On.OFF
        tester.advance(2)
        tester.call.power_cycle_in()
        tester.advance(2)
        assert tester.channels["IsOn"] == On.OFF
        tester.advance(2)
        assert tester.channels["IsOn"] == On.ON
        tester.call.power_cycle_in()
        tester.send("TURN_OFF")
        tester.advance(10)
        assert tester.channel("IsOn").history == [On.OFF, On.ON, On.OFF, On.ON, On.OFF]


def test_every_start_opens_the_switch_first() -> None:
    """REQ-LS-002: what a killed process left on is off before anything else is done."""
    with ComponentTester(LoadSwitch, settings={"device": DEVICE}) as tester:
        tester.send("TURN_ON")
        before = spacecraft_of(tester.platform)
        tester.deployment.instances["tested"].start()
        assert before.loads.on == set()
        assert tester.channels["IsOn"] is On.OFF


def test_the_state_is_read_back_when_it_is_asked_for() -> None:
    """REQ-LS-005: somebody else may have moved the line."""
    with ComponentTester(LoadSwitch, settings={"device": DEVICE}) as tester:
        spacecraft_of(tester.platform).write("switches/payloadPower/value", 1)
        assert tester.call.is_on_get() is True
        assert tester.events.named("StatusChanged")[0].args == (On.ON,)
        assert tester.send("GET_IS_ON").response is CommandResponse.OK
        assert tester.events.named("IsOn")[0].args == (On.ON,)


@pytest.fixture(name="folder")
def on_files() -> ComponentTester[LoadSwitch]:
    tester = ComponentTester(LoadSwitch, settings={"device": "/kittiwake/switch"})
    tester.write_file("switch/value", b"0\n")
    tester.deployment.instances["tested"].start()
    tester.clear_history()
    return tester


def test_a_real_switch_is_a_folder_below_sys(folder: ComponentTester[LoadSwitch]) -> None:
    """REQ-LS-001."""
    assert folder.send("TURN_ON").response is CommandResponse.OK
    assert folder.read_file("switch/value") == b"1\n"
    folder.finish()


def test_a_switch_that_is_not_there_is_a_failed_command_with_its_reason(folder: ComponentTester[LoadSwitch]) -> None:
    """REQ-LS-004."""
    folder.files.remove("/kittiwake/switch/value")
    folder.files.remove_folder("/kittiwake/switch")
    assert folder.send("TURN_ON").response is CommandResponse.EXECUTION_ERROR
    assert folder.events.named("SwitchFailed")[0].args == (On.ON, "No such file or directory")
    assert folder.events.named("StatusChanged") == []
    assert folder.send("GET_IS_ON").response is CommandResponse.EXECUTION_ERROR
    assert folder.call.is_on_get() is False
    folder.finish()


def test_a_switch_that_does_not_follow_is_no_success() -> None:
    """REQ-LS-004."""
    with ComponentTester(LoadSwitch, settings={"device": DEVICE}) as tester:
        craft = spacecraft_of(tester.platform)
        craft.write = lambda path, value: None  # type: ignore[method-assign]
        assert tester.send("TURN_ON").response is CommandResponse.EXECUTION_ERROR
        assert tester.events.named("SwitchFailed")[0].args == (On.ON, "it reads back as OFF")
        assert tester.events.named("StatusChanged") == []


@pytest.mark.parametrize("place", ["", "simulated", "simulated/engines/1", "face0"])
def test_a_setting_that_names_no_device_is_refused(place: str) -> None:
    """REQ-LS-001."""
    check = LoadSwitch.__declarations__.settings["device"].check
    with pytest.raises(ValueError, match="neither a folder"):
        check(place)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(LoadSwitch) == []
