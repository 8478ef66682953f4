"""The modes: commands, requests, the battery, and every step of the declared machine."""

from __future__ import annotations

from struct import Struct
from typing import Any

import pytest
from hypothesis import given, settings

from kittiwake.model import CommandResponse
from kittiwake.model.state_diagram import transition_rows
from kittiwake.storage.record import AtomicRecord
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.testing.state_machines import Step, steps_of, take
from kittiwake.testing.strategies import Action, actions_of
from kittiwake_components import ModeManager
from kittiwake_components.mode_manager.component import ModeSignal
from kittiwake_components.ports.mode import SafeModeReason, SystemMode
from tests.components.mode_manager.satellite import HIBERNATE, NORMAL, PAYLOAD, SAFE, Satellite

NAN = float("nan")
FACES = {0, 1, 2, 3, 4, 5}


def test_the_design_sheet_says_what_the_declarations_say() -> None:
    assert differences(ModeManager) == []


def test_a_first_start_is_normal_with_its_loads_on() -> None:
    """REQ-MM-001, REQ-MM-003."""
    with Satellite() as satellite:
        satellite.live(1)
        assert satellite.tester.channels["CurrentMode"] == NORMAL
        assert satellite.tester.channels["CurrentSafeModeReason"] is SafeModeReason.NONE
        assert satellite.loads() == FACES
        assert satellite.events() == []


def test_the_ground_forces_safe_mode_and_ends_it() -> None:
    """REQ-MM-002, REQ-MM-003, REQ-MM-004."""
    with Satellite() as satellite:
        tester = satellite.tester
        satellite.live(1)
        assert tester.send("FORCE_SAFE_MODE").response is CommandResponse.OK
        assert satellite.mode == SAFE
        assert satellite.events() == ["ManualSafeModeEntry", "EnteringSafeMode"]
        assert satellite.loads() == set()
        assert tester.ports.run_sequence == [("/seq/enter_safe.bin", 1)]
        assert tester.send("FORCE_SAFE_MODE").response is CommandResponse.OK
        assert satellite.events() == ["SafeModeRequestIgnored"]
        tester.send("GET_CURRENT_MODE")
        tester.send("GET_SAFE_MODE_REASON")
        readings = [event.args[0] for event in tester.events]
        assert readings == [SystemMode.SAFE_MODE, SafeModeReason.GROUND_COMMAND]
        satellite.events()
        assert tester.send("EXIT_SAFE_MODE").response is CommandResponse.OK
        assert satellite.mode == NORMAL
        assert satellite.events() == ["ExitingSafeMode"]
        assert satellite.loads() == FACES
        assert tester.send("EXIT_SAFE_MODE").response is CommandResponse.OK
        assert satellite.events() == []
        assert tester.channels["SafeModeEntryCount"] == 1


def test_commands_before_the_first_cycle_are_carried_out() -> None:
    """REQ-MM-002."""
    with Satellite() as satellite:
        assert satellite.tester.send("FORCE_SAFE_MODE").response is CommandResponse.OK
        assert satellite.mode == SAFE


def test_the_end_of_its_own_sequence_is_told_and_of_no_other() -> None:
    """REQ-MM-005."""
    with Satellite() as satellite:
        tester = satellite.tester
        tester.call.complete_sequence(0, CommandResponse.OK)
        tester.send("FORCE_SAFE_MODE")
        token = tester.ports.run_sequence[0][1]
        satellite.events()
        tester.call.complete_sequence(token + 1, CommandResponse.OK)
        assert satellite.events() == []
        tester.call.complete_sequence(token, CommandResponse.OK)
        assert satellite.events() == ["SafeModeSequenceCompleted"]
        tester.call.complete_sequence(token, CommandResponse.EXECUTION_ERROR)
        assert tester.events[0].args == (CommandResponse.EXECUTION_ERROR,)


@pytest.mark.parametrize(
    "asked, reason",
    [(SafeModeReason.NONE, SafeModeReason.EXTERNAL_REQUEST), (SafeModeReason.LORA, SafeModeReason.LORA)],
)
def test_another_component_asks_for_safe_mode(asked: SafeModeReason, reason: SafeModeReason) -> None:
    """REQ-MM-006."""
    with Satellite() as satellite:
        satellite.live(1)
        satellite.tester.call.force_safe_mode_in(asked)
        assert satellite.mode == SAFE
        assert satellite.events() == ["ExternalFaultDetected", "EnteringSafeMode"]
        assert satellite.tester.channels["CurrentSafeModeReason"] is reason
        satellite.tester.call.force_safe_mode_in(SafeModeReason.LIMIT_VIOLATION)
        assert satellite.tester.channels["CurrentSafeModeReason"] is reason


def test_a_request_waits_for_the_machines_own_turn() -> None:
    """REQ-MM-006. Upstream: whoever called changed the mode from its own thread, unguarded."""
    with Satellite() as satellite:
        satellite.live(1)
        with satellite.tester.held():
            satellite.tester.call.force_safe_mode_in(SafeModeReason.LORA)
            assert satellite.tester.component.get_mode() == NORMAL
        assert satellite.mode == SAFE


def test_less_is_done_when_the_energy_ledger_wants_it() -> None:
    """REQ-MM-020."""
    with Satellite() as satellite:
        satellite.live(1)
        satellite.tester.call.mode_wanted(SystemMode.HIBERNATE)
        assert satellite.mode == HIBERNATE
        satellite.tester.call.mode_wanted(SystemMode.SAFE_MODE)
        assert satellite.mode == SAFE
        assert satellite.tester.channels["CurrentSafeModeReason"] is SafeModeReason.EXTERNAL_REQUEST
        for wanted in (SystemMode.HIBERNATE, SystemMode.SAFE_MODE, SystemMode.NORMAL):
            satellite.tester.call.mode_wanted(wanted)
            assert satellite.mode == SAFE


def test_a_wanted_hibernation_ends_when_it_is_taken_back() -> None:
    """REQ-MM-021."""
    with Satellite() as satellite:
        tester = satellite.tester
        satellite.live(1)
        tester.send("SET_MODE", SystemMode.PAYLOAD)
        tester.call.mode_wanted(SystemMode.HIBERNATE)
        tester.call.prepare_for_reboot()
        tester.restart()
        satellite.live(1)
        assert satellite.mode == HIBERNATE
        tester.call.mode_wanted(SystemMode.NORMAL)
        assert satellite.mode == NORMAL
        assert satellite.loads() == {0, 1, 2, 3, 4, 5}
        tester.call.mode_wanted(SystemMode.NORMAL)
        assert satellite.mode == NORMAL


@pytest.mark.parametrize("was_wanted_first", [False, True])
def test_a_hibernation_that_the_ground_commanded_is_nobody_elses_to_end(was_wanted_first: bool) -> None:
    """REQ-MM-021."""
    with Satellite() as satellite:
        satellite.live(1)
        if was_wanted_first:
            satellite.tester.call.mode_wanted(SystemMode.HIBERNATE)
        satellite.tester.send("SET_MODE", SystemMode.HIBERNATE)
        satellite.tester.call.mode_wanted(SystemMode.HIBERNATE)
        satellite.tester.call.mode_wanted(SystemMode.NORMAL)
        assert satellite.mode == HIBERNATE
        satellite.tester.restart()
        satellite.live(1)
        satellite.tester.call.mode_wanted(SystemMode.NORMAL)
        assert satellite.mode == SAFE, "the end was not announced"


def test_a_record_of_the_version_before_is_read() -> None:
    """REQ-MM-021: it did not say who wanted the mode, so that only the ground ends it."""
    with Satellite() as satellite:
        record = AtomicRecord(satellite.tester.files, "/kittiwake/mode_state.bin", 1, 19)
        record.write(Struct(">BB?IIQ").pack(HIBERNATE, 0, True, 7, 3, 0))
        satellite.tester.crash()
        satellite.live(1)
        assert satellite.mode == HIBERNATE
        assert satellite.tester.channels["SafeModeEntryCount"] == 7
        satellite.tester.call.mode_wanted(SystemMode.NORMAL)
        assert satellite.mode == HIBERNATE


def test_every_listener_is_told_of_every_change() -> None:
    """REQ-MM-007. Upstream: only the first listener was told that safe mode is left."""
    with Satellite() as satellite:
        satellite.live(1)
        satellite.tester.send("FORCE_SAFE_MODE")
        satellite.tester.send("EXIT_SAFE_MODE")
        told = [(SystemMode.NORMAL,), (SystemMode.SAFE_MODE,), (SystemMode.NORMAL,)]
        assert [list(calls) for calls in satellite.tester.ports.mode_changed] == [told] * 8


# The battery


@pytest.mark.parametrize("reading", [6.6, 0.0, -1.0, NAN])
def test_a_battery_that_is_low_or_cannot_be_read_for_ten_seconds_means_safe_mode(reading: float) -> None:
    """REQ-MM-008."""
    with Satellite() as satellite:
        satellite.live(3)
        satellite.volts = reading
        satellite.live(10)
        assert satellite.mode == NORMAL
        satellite.live(1)
        assert satellite.mode == SAFE
        assert satellite.events() == ["AutoSafeModeEntry", "EnteringSafeMode"]
        assert satellite.tester.channels["CurrentSafeModeReason"] is SafeModeReason.LOW_BATTERY
        assert satellite.loads() == set()


def test_a_dip_that_does_not_last_changes_nothing() -> None:
    """REQ-MM-008."""
    with Satellite() as satellite:
        for _ in range(5):
            satellite.volts = 6.0
            satellite.live(9)
            satellite.volts = 6.7
            satellite.live(1)
        assert satellite.mode == NORMAL


def test_two_low_readings_with_a_gap_between_them_are_not_consecutive() -> None:
    """REQ-MM-008."""
    with Satellite() as satellite:
        satellite.volts = 6.0
        satellite.live(1)
        satellite.tester.advance(60.0)
        satellite.live(2)
        assert satellite.mode == NORMAL


def test_the_battery_ends_only_what_it_began() -> None:
    """REQ-MM-009."""
    with Satellite() as satellite:
        satellite.volts = 6.0
        satellite.live(11)
        satellite.events()
        satellite.volts = 8.0
        satellite.live(30)
        assert satellite.mode == SAFE
        satellite.volts = 8.1
        satellite.live(10)
        assert satellite.mode == SAFE
        satellite.live(1)
        assert satellite.mode == NORMAL
        assert satellite.events() == ["AutoSafeModeExit"]
        satellite.tester.send("FORCE_SAFE_MODE")
        satellite.live(60)
        assert satellite.mode == SAFE


def test_without_a_sensor_the_battery_is_not_watched() -> None:
    """REQ-MM-008."""
    with ComponentTester(ModeManager, open_ports=["voltage_get", "load_switch_turn_off", "load_switch_turn_on"]) as it:
        for _ in range(30):
            it.call.run(0)
            it.advance(1.0)
        assert it.channels["CurrentMode"] == NORMAL


def test_thresholds_and_debounce_are_parameters() -> None:
    """REQ-MM-010."""
    with Satellite() as satellite:
        tester = satellite.tester
        tester.set_parameter("SafeModeDebounceSeconds", 2)
        tester.set_parameter("SafeModeEntryVoltage", 7.5)
        satellite.volts = 7.4
        satellite.live(3)
        assert satellite.mode == SAFE
        assert tester.send("SafeModeEntryVoltage_PRM_SET", 8.0).response is CommandResponse.VALIDATION_ERROR


# SET_MODE and the machine

TABLE = {
    ("SAFE_MODE", "FORCED"): ["SAFE_MODE"],
    ("SAFE_MODE", "BATTERY_LOW"): ["SAFE_MODE"],
    ("SAFE_MODE", "BATTERY_RECOVERED"): ["NORMAL if is_safe_for_battery"],
    ("SAFE_MODE", "COMMANDS_LOST"): ["SAFE_MODE"],
    ("SAFE_MODE", "NORMAL_ASKED"): ["NORMAL"],
    ("SAFE_MODE", "HIBERNATE_ASKED"): ["HIBERNATE"],
    ("NORMAL", "FORCED"): ["SAFE_MODE"],
    ("NORMAL", "BATTERY_LOW"): ["SAFE_MODE"],
    ("NORMAL", "COMMANDS_LOST"): ["SAFE_MODE"],
    ("NORMAL", "HIBERNATE_ASKED"): ["HIBERNATE"],
    ("NORMAL", "PAYLOAD_ASKED"): ["PAYLOAD if has_power"],
    ("HIBERNATE", "FORCED"): ["SAFE_MODE"],
    ("HIBERNATE", "BATTERY_LOW"): ["SAFE_MODE"],
    ("HIBERNATE", "COMMANDS_LOST"): ["SAFE_MODE"],
    ("HIBERNATE", "NORMAL_ASKED"): ["NORMAL"],
    ("HIBERNATE", "ENERGY_ENOUGH"): ["NORMAL if was_wanted"],
    ("PAYLOAD", "FORCED"): ["SAFE_MODE"],
    ("PAYLOAD", "BATTERY_LOW"): ["SAFE_MODE"],
    ("PAYLOAD", "COMMANDS_LOST"): ["SAFE_MODE"],
    ("PAYLOAD", "NORMAL_ASKED"): ["NORMAL"],
    ("PAYLOAD", "HIBERNATE_ASKED"): ["HIBERNATE"],
}
"""All transitions, written out once more by hand; what is not here changes nothing."""


def test_the_machine_has_these_transitions_and_no_others() -> None:
    """REQ-MM-011."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in transition_rows(ModeManager.mode):
        goes = (row.target or row.state) + (f" if {row.guard}" if row.guard else "")
        found.setdefault((row.state, row.trigger), []).append(goes)
    assert found == TABLE


@pytest.mark.parametrize("step", steps_of(ModeManager.mode), ids=str)
def test_every_step_ends_where_the_declaration_says_and_switches_the_loads(step: Step) -> None:
    """REQ-MM-003, REQ-MM-011."""
    with Satellite() as satellite:
        satellite.live(1)
        satellite.tester.clear_history()
        arguments = (SafeModeReason.LORA,) if step.trigger is ModeSignal.FORCED else ()
        take(satellite.tester, "mode", step, arguments)
        if step.target is not step.state:
            assert satellite.mode == step.target
            loads = {SAFE: set(), HIBERNATE: set(), NORMAL: FACES, PAYLOAD: FACES | {6, 7}}
            assert satellite.loads() == loads[int(step.target)]
            is_safe = step.target is SystemMode.SAFE_MODE
            reason = satellite.tester.component.current_safe_mode_reason
            assert (reason is not SafeModeReason.NONE) == is_safe
            assert len(satellite.tester.ports.run_sequence) == is_safe


ALLOWED = {
    (SAFE, NORMAL), (SAFE, HIBERNATE), (NORMAL, SAFE), (NORMAL, HIBERNATE), (NORMAL, PAYLOAD), (HIBERNATE, SAFE),
    (HIBERNATE, NORMAL), (PAYLOAD, SAFE), (PAYLOAD, NORMAL), (PAYLOAD, HIBERNATE),
}  # fmt: skip


@pytest.mark.parametrize("before", list(SystemMode))
@pytest.mark.parametrize("after", list(SystemMode))
def test_set_mode_goes_over_or_says_why_not(before: SystemMode, after: SystemMode) -> None:
    """REQ-MM-012. Upstream: there were no modes but NORMAL and safe mode."""
    with Satellite() as satellite:
        satellite.live(1)
        if before is not SystemMode.NORMAL:
            satellite.tester.send("SET_MODE", before)
        satellite.events()
        response = satellite.tester.send("SET_MODE", after).response
        if before is after or (int(before), int(after)) in ALLOWED:
            assert response is CommandResponse.OK
            assert satellite.mode == after
        else:
            assert response is CommandResponse.EXECUTION_ERROR
            assert satellite.mode == before
            assert satellite.events() == ["ModeChangeRefused"]


def test_the_payload_is_not_switched_on_with_a_low_battery() -> None:
    """REQ-MM-012."""
    with Satellite() as satellite:
        satellite.volts = 6.0
        satellite.live(1)
        assert satellite.tester.send("SET_MODE", SystemMode.PAYLOAD).response is CommandResponse.EXECUTION_ERROR
        assert satellite.tester.events.named("ModeChangeRefused")[0].args[2] == "6.00 V are too little"


def test_which_loads_a_mode_has_is_a_setting() -> None:
    """REQ-MM-003."""
    with Satellite(settings={"normal_loads": [2], "payload_loads": [2, 7]}) as satellite:
        satellite.live(1)
        assert satellite.loads() == {2}
        satellite.tester.send("SET_MODE", SystemMode.PAYLOAD)
        assert satellite.loads() == {2, 7}


@settings(max_examples=30)
@given(actions_of(ModeManager))
def test_no_run_breaks_it_and_safe_mode_has_no_load_on(actions: list[Action]) -> None:
    """REQ-MM-003."""
    with Satellite() as satellite:
        tester: Any = satellite.tester
        for action in actions:
            action.apply(tester)
            if satellite.mode == SAFE:
                assert satellite.loads() == set()
