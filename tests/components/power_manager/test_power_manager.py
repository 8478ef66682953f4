"""The power manager: what it measures, how it sleeps, and that it claims nothing without the power unit's word."""

from __future__ import annotations

import errno
from math import isnan
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.power_link import PowerMode, WakeReason
from kittiwake_components import PowerManager
from kittiwake_components.ports.mode import SafeModeReason
from kittiwake_components.power_manager.battery_watch import BatteryLevel, BatteryWatch
from tests.components.power_manager.rig import DEVICE, Rig

OK, FAILED = CommandResponse.OK, CommandResponse.EXECUTION_ERROR
NOT_A_NUMBER = float("nan")


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(PowerManager) == []


def names(rig: Rig) -> list[str]:
    return [event.name for event in rig.tester.events]


def test_at_its_start_it_says_why_it_was_woken() -> None:
    """REQ-PM-001"""
    rig = Rig()
    rig.run(1)
    assert rig.tester.events.named("WakeReason")[0].args == (WakeReason.POWER_ON, 0, 0)
    assert rig.tester.channels["ModuleReady"] is True
    assert rig.tester.channels["PowerMode"] is PowerMode.BATTERY
    rig.tester.finish()


def test_it_measures_again_and_again_and_adds_the_energy_up() -> None:
    """REQ-PM-002"""
    rig = Rig(supply_w=0.4)
    rig.run(800)
    channels = rig.tester.channels
    assert 7.0 < channels["BatteryVoltage"] < 8.4
    assert channels["BatteryPower"] == pytest.approx(0.5, rel=0.01)
    assert channels["SupplyPower"] == pytest.approx(0.4, rel=0.01)
    assert channels["TotalPowerConsumption"] == pytest.approx(200, rel=0.02)
    assert channels["TotalPowerGenerated"] == pytest.approx(89, rel=0.02)
    assert channels["StateOfCharge"] == pytest.approx(80, abs=2)
    assert channels["TimeCredit"] > 0
    assert rig.tester.call.voltage_get() == pytest.approx(channels["BatteryVoltage"])
    assert rig.tester.call.power_get() == pytest.approx(0.9, rel=0.01)


def test_the_totals_outlive_a_crash_and_are_reset_by_command() -> None:
    """REQ-PM-002"""
    rig = Rig()
    rig.run(600)
    before = rig.tester.channels["TotalPowerConsumption"]
    platform = rig.tester.platform.crash()
    again = Rig(platform=platform)
    assert again.tester.component._consumed.mwh == pytest.approx(before, rel=0.15)
    assert again.send("RESET_TOTAL_POWER").response is OK
    again.run(1)
    assert again.tester.channels["TotalPowerConsumption"] == 0


def test_a_powerdown_is_answered_and_reported_once_the_power_unit_has_acknowledged_it() -> None:
    """REQ-PM-003"""
    rig = Rig()
    rig.run(1)
    assert rig.send("SCHEDULE_POWERDOWN", 3600).response is OK
    assert rig.tester.events.named("PowerdownScheduled")[0].args == (500, 3600)
    assert len(rig.tester.ports.powerdown_soon[0]) == 1
    assert rig.changes == []
    rig.run(1)
    assert [(change.is_on, change.reason) for change in rig.changes] == [(False, WakeReason.TIMER)]


def test_a_powerdown_that_is_not_acknowledged_is_a_failure_and_no_event_claims_otherwise() -> None:
    """REQ-PM-003"""
    rig = Rig()
    rig.run(1)
    rig.deaf = True
    sent = rig.send("SCHEDULE_POWERDOWN", 3600)
    rig.run(5)
    assert sent.response is FAILED
    assert rig.tester.events.named("PowerdownScheduled") == []
    assert rig.tester.events.named("PowerdownRefused")[0].args == ("the power unit does not answer",)


def test_the_supervisors_powerdown_is_answered_with_its_token() -> None:
    """REQ-PM-003"""
    rig = Rig()
    rig.run(1)
    now_us = rig.tester.platform.clock.wall_ns() // 1000
    assert rig.ask_powerdown(now_us + 600_000_000, 7) == [(7, True, 600)]
    again = Rig()
    again.run(1)
    again.deaf = True
    again.ask_powerdown(now_us + 600_000_000, 8)
    again.run(5)
    assert list(again.tester.ports.powerdown_answer) == [(8, False, 0)]


@pytest.mark.parametrize("ahead_s, sleep_s", [(-86_400, 30), (0, 30), (29, 30), (31, 31), (10_000_000, 172_800)])
def test_no_sleep_is_shorter_or_longer_than_it_may_be(ahead_s: int, sleep_s: int) -> None:
    """REQ-PM-004. Upstream: a wake in the past was passed on unchanged."""
    rig = Rig()
    rig.run(1)
    now_us = rig.tester.platform.clock.wall_ns() // 1000
    assert rig.ask_powerdown(now_us + ahead_s * 1_000_000, 1) == [(1, True, sleep_s)]


def test_a_powerdown_can_be_cancelled() -> None:
    """REQ-PM-005"""
    rig = Rig()
    rig.run(1)
    assert rig.send("CANCEL_POWERDOWN").response is FAILED
    assert rig.tester.events.named("RequestRefused")[0].args == ("CANCEL_POWERDOWN", "NOT_NOW")
    rig.send("SCHEDULE_POWERDOWN", 60)
    assert rig.send("CANCEL_POWERDOWN").response is OK
    rig.run(2)
    assert rig.changes == []


def test_the_next_start_knows_what_was_planned() -> None:
    """REQ-PM-001"""
    rig = Rig()
    rig.run(1)
    rig.send("SCHEDULE_POWERDOWN", 3600)
    rig.run(1)
    again = Rig(platform=rig.tester.platform.crash(off_ns=3600 * 10**9))
    again.run(1)
    assert again.tester.events.named("WakeReason")[0].args[2] == 3600


def test_the_watchdog_is_renewed_and_without_renewals_it_bites() -> None:
    """REQ-PM-006"""
    rig = Rig()
    for _ in range(10):
        rig.tester.call.watchdog_in(20)
        rig.run(10)
    assert rig.changes == []
    rig.run(15)
    assert [(change.is_on, change.reason) for change in rig.changes] == [(False, WakeReason.WATCHDOG)]


def test_each_sleep_is_told_once_also_where_the_program_starts_again() -> None:
    """REQ-PM-015"""
    rig = Rig()
    rig.run(2)
    assert not any(rig.tester.ports.slept_out)
    rig.send("SCHEDULE_POWERDOWN", 3600)
    rig.run(1)
    told: list[list[tuple[int]]] = []
    base_ns = rig.tester.platform.clock.now_ns() + 3601 * 10**9
    platform = rig.tester.platform.crash(off_ns=3600 * 10**9)
    for _ in range(3):
        again = Rig(platform=platform, unit=rig.unit, base_ns=base_ns)
        assert again.unit.is_on
        again.run(2)
        told.append([call for port in again.tester.ports.slept_out for call in port])
        platform = again.tester.platform.restart()
    assert told == [[(3600,)] * 4, [], []], "all listeners, at the first start alone"


def test_what_the_battery_holds_is_what_the_power_unit_last_said() -> None:
    """REQ-PM-016"""
    rig = Rig()
    assert isnan(rig.tester.call.battery_left_get())
    rig.run(2)
    left_mwh = rig.unit.battery.charge * rig.unit.battery.capacity_wh * 1000
    assert rig.tester.call.battery_left_get() == pytest.approx(left_mwh, rel=0.01)
    rig.tester.advance(60)
    assert isnan(rig.tester.call.battery_left_get())


def test_it_asks_for_no_longer_awake_time_than_its_parameter() -> None:
    """REQ-PM-007"""
    rig = Rig(parameters={"MAX_AWAKE_S": 120})
    rig.run(200)
    cut = rig.changes[0]
    assert (cut.time_ns // 10**9, cut.reason) == (120, WakeReason.HARD_LIMIT)
    assert rig.tester.events.named("CutWarning")[0].args[1] is WakeReason.HARD_LIMIT


def test_a_limit_that_has_passed_already_is_asked_for_once_and_ends_the_awake_time() -> None:
    """REQ-PM-007. Each answer was followed by the same request at once, for as long as the power lasted."""
    rig = Rig()
    rig.run(30)
    rig.tester.set_parameter("MAX_AWAKE_S", 10)
    before = rig.asked
    rig.run(1)
    assert rig.asked - before < 10
    rig.run(3)
    assert rig.changes[0].reason is WakeReason.HARD_LIMIT


def test_powered_mode_is_refused_without_a_supply() -> None:
    """REQ-PM-008"""
    rig = Rig()
    rig.run(1)
    assert rig.send("SET_MODE", PowerMode.POWERED).response is FAILED
    rig.supply_w = 5.0
    assert rig.send("SET_MODE", PowerMode.POWERED).response is OK
    rig.run(1)
    assert rig.tester.channels["PowerMode"] is PowerMode.POWERED
    assert rig.tester.events.named("PowerModeSet")[0].args == (PowerMode.POWERED,)


def test_the_supervisors_mode_is_answered_with_its_token() -> None:
    """REQ-PM-008"""
    rig = Rig()
    rig.run(1)
    rig.tester.call.mode_in(PowerMode.BATTERY, 5)
    rig.tester.call.mode_in(PowerMode.POWERED, 6)
    rig.run(1)
    assert list(rig.tester.ports.mode_done) == [(5, True, ""), (6, False, "POWERED: NO_SUPPLY")]


def test_a_power_unit_that_falls_silent_is_reported_once_and_its_return_too() -> None:
    """REQ-PM-009"""
    rig = Rig()
    rig.run(10)
    assert rig.tester.call.power_ready() is True
    rig.deaf = True
    rig.run(60)
    assert len(rig.tester.events.named("PowerModuleLost")) == 1
    assert rig.tester.channels["ModuleReady"] is False
    assert rig.tester.call.power_ready() is False
    assert rig.tester.call.voltage_get() != rig.tester.call.voltage_get()
    rig.deaf = False
    rig.run(10)
    assert len(rig.tester.events.named("PowerModuleBack")) == 1


def test_a_line_that_breaks_is_opened_again() -> None:
    """REQ-PM-009"""
    rig = Rig()
    rig.run(10)
    rig.far.close()
    rig.run(2)
    assert len(rig.tester.events.named("PowerModuleLost")) == 1
    rig.far = rig.tester.platform.network.attach_serial(DEVICE)
    rig._poller.add(rig.far.fileno(), rig._readable, None)
    rig.run(20)
    assert len(rig.tester.events.named("PowerModuleBack")) == 1
    rig.tester.finish()


def test_without_a_power_unit_commands_say_so() -> None:
    """REQ-PM-009"""
    with ComponentTester(PowerManager, settings={"unit": ""}) as tester:
        tester.call.run(0)
        assert tester.call.power_ready() is False
        for name, arguments in (
            ("SET_MODE", (PowerMode.BATTERY,)), ("SCHEDULE_POWERDOWN", (60,)), ("GET_ENERGY_BUDGET", ()),
            ("CANCEL_POWERDOWN", ()),
        ):  # fmt: skip
            assert tester.send(name, *arguments).response is FAILED


def test_a_device_that_is_not_there_is_a_lost_unit_and_no_fault() -> None:
    """REQ-PM-009"""
    with ComponentTester(PowerManager, settings={"unit": "serial:///dev/none"}) as tester:
        for _ in range(30):
            tester.advance(1)
            tester.call.run(0)
        assert tester.channels["ModuleReady"] is False


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.sampled_from([0.1, 0.3, 0.5]))
def test_over_a_lossy_line_nothing_is_done_twice_and_every_command_has_one_answer(seed: int, loss: float) -> None:
    """REQ-PM-010"""
    rig = Rig(seed=seed)
    rig.run(2)
    rig.loss = loss
    sent = []
    for _ in range(10):
        sent.append(rig.send("SCHEDULE_POWERDOWN", 3600))
        sent.append(rig.send("CANCEL_POWERDOWN"))
        sent.append(rig.send("GET_ENERGY_BUDGET"))
        rig.run(8)
        if rig.changes:
            break
    rig.loss = 0.0
    rig.run(10)
    assert all(len(one.responses) == 1 for one in sent)
    assert rig.tester.channels["RequestsRepeated"] > 0


def test_the_energy_budget_is_reported() -> None:
    """REQ-PM-011"""
    rig = Rig()
    rig.run(1)
    assert rig.send("GET_ENERGY_BUDGET").response is OK
    [budget] = rig.tester.events.named("EnergyBudget")
    assert budget.args[0] == pytest.approx(30_400, rel=0.01)
    assert rig.tester.call.credit_get() == budget.args[1]


def test_a_low_battery_is_told_after_a_while_and_its_recovery_too() -> None:
    """REQ-PM-012"""
    rig = Rig(charge=0.08)
    rig.run(5)
    assert "LowBattery" not in names(rig)
    rig.run(20)
    assert len(rig.tester.events.named("LowBattery")) == 1
    assert list(rig.tester.ports.low_power) == [(SafeModeReason.LOW_BATTERY,)]
    rig.unit.battery.charge = 0.95
    rig.run(20)
    assert len(rig.tester.events.named("BatteryRecovered")) == 1
    assert rig.tester.channels["BatteryLevel"] is BatteryLevel.NORMAL


@given(st.lists(st.tuples(st.sampled_from([5.0, 6.4, 6.9, 7.5, 8.5, NOT_A_NUMBER]), st.integers(1, 20)), max_size=30))
def test_a_level_is_taken_only_after_it_has_lasted(samples: list[tuple[float, int]]) -> None:
    """REQ-PM-012"""
    watch, now, held = BatteryWatch(), 0, 0
    last: Any = None
    for voltage, wait in samples:
        now += wait
        before = watch.level
        changed = watch.sample(voltage, now, critical_v=6.2, low_v=6.7, recover_v=8.0, debounce_ns=10)
        held = held + wait if voltage == last else 0
        last = voltage
        assert changed == (watch.level is not before)
        if changed and before is not BatteryLevel.UNKNOWN:
            assert voltage == voltage
        if changed and watch.level is BatteryLevel.NORMAL and before in (BatteryLevel.LOW, BatteryLevel.CRITICAL):
            assert voltage > 8.0
        if watch.level in (BatteryLevel.LOW, BatteryLevel.CRITICAL) and changed:
            assert voltage < 6.7


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_does_not_keep_the_device_awake(code: int) -> None:
    """REQ-PM-013"""
    rig = Rig()
    rig.run(1)
    rig.tester.files.fail_every("write_at", code)
    assert rig.send("SCHEDULE_POWERDOWN", 60).response is OK
    assert len(rig.tester.events.named("FileFault")) >= 1
    assert rig.send("RESET_TOTAL_POWER").response is FAILED


def test_the_simulated_unit_stops_the_deployment_when_it_cuts() -> None:
    """REQ-PM-014"""
    tester = ComponentTester(PowerManager)
    tester.advance(1)
    tester.call.run(0)
    assert tester.channels["ModuleReady"] is True
    tester.send("SCHEDULE_POWERDOWN", 60)
    tester.advance(1)
    assert tester.deployment.exit_reason == "the simulated power unit cut the power: TIMER"
