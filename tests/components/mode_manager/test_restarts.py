"""Restarts: what is recalled, what leads to safe mode, the silence of the ground, and the power going at any moment."""

from __future__ import annotations

import errno

import pytest

from kittiwake.model import CommandResponse
from kittiwake.model.fw import TimeInterval
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated import PowerCut
from kittiwake.testing import ComponentTester
from kittiwake_components import ModeManager
from kittiwake_components.ports.mode import SafeModeReason, SystemMode
from tests.components.mode_manager.satellite import NORMAL, SAFE, Satellite

DAY_S = 86_400
APID = 3


def test_an_announced_reboot_goes_on_in_the_same_mode() -> None:
    """REQ-MM-013."""
    with Satellite() as satellite:
        tester = satellite.tester
        tester.send("SET_MODE", SystemMode.PAYLOAD)
        tester.send("SET_MODE", SystemMode.HIBERNATE)
        tester.call.prepare_for_reboot()
        assert satellite.events() == ["PreparingForReboot"]
        tester.restart()
        satellite.live(1)
        assert satellite.mode == SystemMode.HIBERNATE
        assert satellite.events() == []
        tester.reboot()
        satellite.live(1)
        assert satellite.mode == SystemMode.HIBERNATE


def test_an_end_without_notice_leads_to_safe_mode_with_the_loads_off_before_anything_runs() -> None:
    """REQ-MM-014, REQ-MM-015. Upstream: what was done at boot vanished, because no port was connected yet."""
    with Satellite() as satellite:
        tester = satellite.tester
        satellite.live(5)
        tester.restart()
        first = [entry[1] for entry in tester.trace]
        assert first == [f"load_switch_turn_off[{index}]" for index in range(8)]
        assert satellite.mode == SAFE
        satellite.live(1)
        assert satellite.events() == ["UnintendedRebootDetected", "EnteringSafeMode"]
        assert tester.channels["CurrentSafeModeReason"] is SafeModeReason.SYSTEM_FAULT
        assert tester.channels["SafeModeEntryCount"] == 1
        assert tester.channels["UnintendedReboots"] == 1
        assert len(tester.ports.run_sequence) == 1


def test_a_reboot_while_safe_is_flagged_and_keeps_the_reason() -> None:
    """REQ-MM-014. Upstream: a reboot while safe was not flagged, and not counted."""
    with Satellite() as satellite:
        tester = satellite.tester
        satellite.volts = 6.0
        satellite.live(11)
        for reboots in (1, 2):
            tester.restart()
            satellite.live(1)
            assert satellite.events() == ["UnintendedRebootDetected"]
            assert tester.channels["UnintendedReboots"] == reboots
            assert tester.channels["CurrentSafeModeReason"] is SafeModeReason.LOW_BATTERY
            assert tester.channels["SafeModeEntryCount"] == 1
        satellite.volts = 8.4
        satellite.live(11)
        assert satellite.mode == NORMAL


def test_an_announcement_that_nothing_follows_does_not_hold_for_ever() -> None:
    """REQ-MM-013."""
    with Satellite() as satellite:
        satellite.tester.call.prepare_for_reboot()
        satellite.live(301)
        satellite.tester.restart()
        satellite.live(1)
        assert "UnintendedRebootDetected" in satellite.events()


@pytest.mark.parametrize("slots", [("a",), ("b",), ("a", "b")])
def test_a_record_that_cannot_be_trusted_leads_to_safe_mode(slots: tuple[str, ...]) -> None:
    """REQ-MM-015. Upstream: a corrupt file meant NORMAL, with the loads on."""
    with Satellite() as satellite:
        tester = satellite.tester
        satellite.live(1)
        tester.stop()
        for slot in slots:
            raw = bytearray(tester.read_file(f"/mode_state.bin.{slot}"))
            raw[-3] ^= 0x10
            tester.write_file(f"/mode_state.bin.{slot}", bytes(raw))
        tester.restart()
        assert [entry[1] for entry in tester.trace][-8:] == [f"load_switch_turn_off[{index}]" for index in range(8)]
        satellite.live(1)
        assert satellite.mode == SAFE
        assert tester.channels["CurrentSafeModeReason"] is SafeModeReason.SYSTEM_FAULT
        assert satellite.events().count("StateRecovered") == len(slots)
        assert satellite.loads() == set()


def test_a_disk_that_fails_is_reported_and_the_mode_holds_in_memory() -> None:
    """REQ-MM-016."""
    with Satellite() as satellite:
        tester = satellite.tester
        satellite.live(1)
        tester.files.fail_every("sync", errno.ENOSPC)
        tester.send("FORCE_SAFE_MODE")
        assert "StatePersistenceFailure" in satellite.events()
        assert satellite.mode == SAFE
        tester.files.heal()


def test_a_boot_loop_is_safe_mode() -> None:
    """REQ-MM-017."""
    with Satellite() as satellite:
        tester = satellite.tester
        tester.call.boot_loop(5)
        assert satellite.events() == ["BootLoopSafe", "EnteringSafeMode"]
        assert tester.channels["CurrentSafeModeReason"] is SafeModeReason.BOOT_LOOP
        tester.send("EXIT_SAFE_MODE")
        tester.restart()
        tester.call.boot_loop(6)
        assert tester.channels["CurrentSafeModeReason"] is SafeModeReason.BOOT_LOOP
        assert satellite.mode == SAFE


# The silence of the ground


def test_three_days_without_authenticated_traffic_are_command_loss() -> None:
    """REQ-MM-018."""
    with Satellite() as satellite:
        tester = satellite.tester
        satellite.live(1)
        tester.advance(3 * DAY_S - 10.0)
        satellite.live(1)
        assert satellite.mode == NORMAL
        assert tester.channels["CommandLossRemaining"] == 9
        tester.advance(20.0)
        satellite.live(1)
        assert satellite.mode == SAFE
        assert satellite.events() == ["CommandLossDetected", "EnteringSafeMode"]
        assert tester.channels["CurrentSafeModeReason"] is SafeModeReason.COMMAND_LOSS
        assert len(tester.ports.stop_watchdog) == 1
        assert len(tester.ports.run_sequence) == 1
        tester.restart()
        satellite.live(60)
        assert satellite.mode == SAFE
        assert satellite.events() == ["UnintendedRebootDetected"]
        assert tester.ports.stop_watchdog == []


def test_command_loss_while_safe_cycles_the_power_too() -> None:
    """REQ-MM-018."""
    with Satellite() as satellite:
        satellite.tester.send("FORCE_SAFE_MODE")
        satellite.live(1)
        satellite.tester.advance(3 * DAY_S + 20.0)
        satellite.live(2)
        assert satellite.events()[-1] == "CommandLossDetected"
        assert len(satellite.tester.ports.stop_watchdog) == 1
        assert satellite.tester.channels["CurrentSafeModeReason"] is SafeModeReason.GROUND_COMMAND


def test_only_authenticated_traffic_ends_the_silence() -> None:
    """REQ-MM-018. Upstream: any routed packet did, an unauthenticated NO_OP too."""
    with Satellite() as satellite:
        tester = satellite.tester
        for _ in range(5):
            satellite.live(1)
            tester.advance(DAY_S)
            tester.call.packet_routed(APID, True)
        satellite.live(1)
        assert satellite.mode == NORMAL
        for _ in range(4):
            satellite.live(1)
            tester.advance(DAY_S)
            tester.call.packet_routed(APID, False)
        satellite.live(1)
        assert satellite.mode == SAFE


def test_a_clock_that_is_set_is_no_silence() -> None:
    """REQ-MM-018. Upstream: setting the clock triggered command loss."""
    with Satellite() as satellite:
        for step_s in (30 * DAY_S, -400 * DAY_S):
            satellite.live(5)
            clock = satellite.tester.platform.clock
            clock.set_wall_ns(clock.wall_ns() + step_s * NS_PER_S)
            satellite.live(20)
        assert satellite.mode == NORMAL


def test_a_boot_loop_does_not_keep_command_loss_away() -> None:
    """REQ-MM-019. Upstream: the time was kept in memory only, so that a boot loop never reached three days."""
    with Satellite() as satellite:
        tester = satellite.tester
        tester.set_parameter("COMM_LOSS_TIME", TimeInterval(3600, 0))
        tester.save_parameter("COMM_LOSS_TIME")
        lived_s = 0
        while not tester.events.named("CommandLossDetected"):
            satellite.live(45)
            lived_s += 45
            if not tester.events.named("CommandLossDetected"):
                tester.restart()
            assert lived_s < 3 * 3600
        assert lived_s > 3600


def test_a_silence_that_ended_is_forgotten_on_disk_too() -> None:
    """REQ-MM-019."""
    with Satellite() as satellite:
        tester = satellite.tester
        satellite.live(1)
        tester.advance(2 * DAY_S)
        satellite.live(1)
        tester.call.packet_routed(APID, True)
        satellite.live(1)
        tester.restart()
        satellite.live(1)
        assert tester.channels["CommandLossRemaining"] > 3 * DAY_S - 60


def test_a_time_of_zero_switches_command_loss_off() -> None:
    """REQ-MM-018."""
    with Satellite(parameters={"COMM_LOSS_TIME": TimeInterval(0, 0)}) as satellite:
        satellite.live(1)
        satellite.tester.advance(30 * DAY_S)
        satellite.live(1)
        assert satellite.mode == NORMAL


# The power goes


MODES = (SystemMode.HIBERNATE, SystemMode.NORMAL, SystemMode.PAYLOAD, SystemMode.NORMAL, SystemMode.SAFE_MODE)


def begun(seed: int) -> ComponentTester[ModeManager]:
    """One that is about to have its first cycle."""
    return ComponentTester(ModeManager, seed=seed, returns={"voltage_get": 8.4})


def live_through(tester: ComponentTester[ModeManager]) -> None:
    """Its first cycle, some modes, an announced end."""
    tester.call.run(0)
    for mode in MODES:
        assert tester.send("SET_MODE", mode).response is CommandResponse.OK
        tester.call.run(0)
        tester.advance(1.0)
    tester.call.prepare_for_reboot()


@pytest.mark.parametrize("after", [False, True])
def test_a_power_cut_at_any_file_operation_leaves_safe_mode_or_a_mode_that_was_announced(after: bool) -> None:
    """REQ-MM-014, REQ-MM-015. Upstream: the state was written in place, and torn by a power cut."""
    whole = begun(0)
    first = whole.files.operations + 1
    live_through(whole)
    last = whole.files.operations
    assert last - first > 20
    for operation in range(first, last + 1):
        for kill in (False, True):
            tester = begun(operation)
            tester.files.cut_at(operation, after=after)
            with pytest.raises(PowerCut):
                live_through(tester)
            tester.restart() if kill else tester.crash()
            tester.call.run(0)
            assert tester.call.get_mode() is SystemMode.SAFE_MODE
            tester.finish()
