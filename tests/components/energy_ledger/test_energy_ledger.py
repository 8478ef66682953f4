"""EnergyLedger: what awake time, sleep, processor and radios take, what is left, and who is told."""

from __future__ import annotations

import json
from struct import Struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.storage.record import AtomicRecord
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import EnergyLedger
from kittiwake_components.energy_ledger.board import Board, Spent, days_left, energy_mwh
from kittiwake_components.ports.bearer import BEARERS
from kittiwake_components.ports.mode import SystemMode
from tests.components.power_cuts import cut_everywhere

HOUR_S = 3600
BOARD = {"asleep_mw": 10.0, "idle_mw": 1000.0, "busy_mw": 3000.0, "radio_mw": [500.0, 2000.0], "battery_mwh": 10_000.0}


def ledger(**parameters: Any) -> ComponentTester[EnergyLedger]:
    return ComponentTester(
        EnergyLedger, settings=BOARD, parameters=parameters, queue=30, returns={"battery_left_get": float("nan")}
    )


def wanted(tester: ComponentTester[EnergyLedger]) -> list[SystemMode]:
    return [mode for (mode,) in tester.ports.mode_wanted]


def live(tester: ComponentTester[EnergyLedger], seconds: int, step_s: int = 60) -> None:
    for _ in range(0, seconds, step_s):
        tester.advance(step_s)
        tester.call.run(0)


def report(tester: ComponentTester[EnergyLedger]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tester.read_file("/status/energy.json"))
    return found


def test_the_design_sheet_says_what_the_declarations_say() -> None:
    assert differences(EnergyLedger) == []


def test_an_hour_awake_takes_what_the_board_draws_idle() -> None:
    """REQ-EL-001."""
    with ledger() as tester:
        live(tester, HOUR_S)
        assert tester.channels["CycleEnergy"] == pytest.approx(1000.0)
        assert tester.channels["BatteryLeft"] == pytest.approx(9000.0)
        assert tester.channels["DaysLeft"] == pytest.approx(9 / 24)
        assert tester.channels["BudgetLeft"] == -1.0


def test_processor_time_counts_by_component() -> None:
    """REQ-EL-001, REQ-EL-002: in a simulation time stands still in handlers, so the test lets them have taken some."""
    with ledger() as tester:
        tester.deployment.queues()[0].busy_ns += 1800 * 10**9
        live(tester, HOUR_S)
        assert tester.channels["CpuUs"] == 1_800_000_000
        assert tester.channels["CycleEnergy"] == pytest.approx(0.5 * 1000 + 0.5 * 3000)
        first, second, *_ = tester.channels["Consumers"]
        assert (first.name, first.cpu_us) == ("tested", 1_800_000_000)
        assert first.messages >= 59
        assert second.name == ""


def test_a_radio_counts_while_it_is_in_use() -> None:
    """REQ-EL-003."""
    with ledger() as tester:
        tester.call.radio_on(1)
        tester.call.radio_on(1)
        live(tester, HOUR_S // 2)
        tester.call.radio_off(1)
        tester.call.radio_off(1)
        tester.call.radio_off(0)
        tester.call.radio_on(200)
        live(tester, HOUR_S // 2)
        assert tester.channels["CycleEnergy"] == pytest.approx(1000.0 + 1000.0)


def test_sleep_and_cycles_add_up_over_restarts() -> None:
    """REQ-EL-004."""
    with ledger() as tester:
        live(tester, HOUR_S)
        tester.reboot(off_s=23 * HOUR_S)
        live(tester, 60)
        assert tester.channels["Cycle"] == 2
        assert tester.channels["TotalEnergy"] == pytest.approx(1000.0 + 230.0 + 1000.0 / 60, rel=1e-4)
        assert tester.channels["AsleepShare"] == pytest.approx(95.8, abs=0.1)
        assert tester.channels["AwakeSeconds"] == 60


def test_a_kill_forgets_ten_minutes_at_most() -> None:
    """REQ-EL-004: what is forgotten counts as sleep."""
    with ledger() as tester:
        live(tester, 3 * HOUR_S)
        tester.crash()
        live(tester, 60)
        assert tester.channels["TotalEnergy"] >= 3000.0 - 1000.0 * 660 / 3600


def test_a_wall_clock_that_stepped_makes_no_sleep_of_years() -> None:
    """REQ-EL-004. Upstream: times by the wall clock are believed whatever they say."""
    with ledger() as tester:
        live(tester, 60)
        tester.reboot(off_s=40 * 86400)
        live(tester, 60)
        assert tester.channels["AsleepShare"] == 0.0
        tester.reboot(off_s=-5000)
        live(tester, 60)
        assert tester.channels["AsleepShare"] == 0.0


def test_a_battery_that_will_not_last_wants_hibernation_and_then_safe_mode_once_each() -> None:
    """REQ-EL-005."""
    with ledger(HIBERNATE_DAYS=0.3, SAFE_DAYS=0.1) as tester:
        live(tester, 2 * HOUR_S)
        assert list(tester.ports.mode_wanted) == []
        live(tester, HOUR_S)
        assert list(tester.ports.mode_wanted) == [(SystemMode.HIBERNATE,)]
        live(tester, 6 * HOUR_S)
        assert list(tester.ports.mode_wanted) == [(SystemMode.HIBERNATE,), (SystemMode.SAFE_MODE,)]
        assert [event.name for event in tester.events] == ["BatteryWillNotLast"] * 2


def test_nothing_is_wanted_before_an_hour_is_known() -> None:
    """REQ-EL-005: the first seconds of a start say nothing about days."""
    with ledger(HIBERNATE_DAYS=3000.0) as tester:
        live(tester, HOUR_S - 60)
        assert list(tester.ports.mode_wanted) == []


def test_an_account_that_has_run_out_wants_nothing_where_nobody_set_a_limit() -> None:
    """REQ-EL-005: a battery that the sun charges, unknown to the ledger, must not lead to safe mode."""
    with ledger() as tester:
        live(tester, 11 * HOUR_S)
        assert tester.channels["BatteryLeft"] == 0.0
        assert list(tester.ports.mode_wanted) == []


def test_a_spent_budget_wants_hibernation_and_begins_anew_after_a_day() -> None:
    """REQ-EL-006."""
    with ledger(DAILY_BUDGET_MWH=1500.0) as tester:
        live(tester, HOUR_S)
        assert tester.call.energy_left() == pytest.approx(500.0)
        live(tester, HOUR_S)
        assert list(tester.ports.mode_wanted) == [(SystemMode.HIBERNATE,)]
        assert tester.call.energy_left() == 0.0
        tester.reboot(off_s=23 * HOUR_S)
        live(tester, 120)
        assert tester.channels["BudgetLeft"] == pytest.approx(1500.0, abs=40)


def test_a_new_day_takes_a_hibernation_for_the_budget_back_once() -> None:
    """REQ-EL-010: over restarts; the first day's hibernation would else last for ever."""
    with ledger(DAILY_BUDGET_MWH=1500.0) as tester:
        live(tester, 2 * HOUR_S)
        assert wanted(tester) == [SystemMode.HIBERNATE]
        tester.reboot(off_s=20 * HOUR_S)
        live(tester, 120)
        assert wanted(tester) == [SystemMode.HIBERNATE], "a mode manager that knows nothing is told again"
        assert len(tester.events.named("BudgetSpent")) == 0
        tester.reboot(off_s=2 * HOUR_S)
        live(tester, 120)
        assert wanted(tester) == [SystemMode.NORMAL]
        [event] = tester.events.named("EnergyEnough")
        assert event.args[0] is SystemMode.HIBERNATE
        tester.reboot(off_s=100)
        live(tester, 600)
        assert wanted(tester) == []


def test_a_battery_that_was_charged_takes_it_back_beyond_the_hysteresis() -> None:
    """REQ-EL-010."""
    with ledger(HIBERNATE_DAYS=0.25) as tester:
        live(tester, 5 * HOUR_S)
        assert wanted(tester) == [SystemMode.HIBERNATE]
        # Awake it takes 1,000 mWh an hour: 0.25 days are 6,000 mWh, and a fifth more 7,200 mWh.
        assert tester.send("SET_CHARGE", 7000.0).response is CommandResponse.OK
        live(tester, 60)
        assert wanted(tester) == [SystemMode.HIBERNATE]
        assert tester.send("SET_CHARGE", 7500.0).response is CommandResponse.OK
        live(tester, 60)
        assert wanted(tester) == [SystemMode.HIBERNATE, SystemMode.NORMAL]
        live(tester, 2 * HOUR_S)
        assert wanted(tester) == [SystemMode.HIBERNATE, SystemMode.NORMAL, SystemMode.HIBERNATE]
        assert len(tester.events.named("BatteryWillNotLast")) == 2


@given(st.lists(st.floats(0.0, 10_000.0), max_size=30))
def test_what_is_wanted_changes_only_across_the_hysteresis(measures: list[float]) -> None:
    """REQ-EL-010, REQ-EL-012: whatever is measured, every wish is followed by the one before it being taken back."""
    with ledger(HIBERNATE_DAYS=0.1) as tester:
        live(tester, HOUR_S)
        for measure in measures:
            tester.ports.battery_left_get.returns = measure
            before = list(wanted(tester))
            live(tester, 60)
            for mode in wanted(tester)[len(before) :]:
                assert (measure <= 2400.0) if mode is SystemMode.HIBERNATE else (measure > 2400.0 * 1.2 - 1.0)
        told = wanted(tester)
        assert told == [SystemMode.HIBERNATE, SystemMode.NORMAL] * (len(told) // 2) + told[len(told) // 2 * 2 :]


def test_a_safe_mode_that_was_wanted_is_taken_back_as_well() -> None:
    """REQ-EL-010: the mode manager leaves it to the ground, and the ledger may want it again."""
    with ledger(HIBERNATE_DAYS=0.3, SAFE_DAYS=0.1) as tester:
        live(tester, 9 * HOUR_S)
        assert tester.send("RESET_LEDGER").response is CommandResponse.OK
        assert tester.send("SET_CHARGE", 10_000.0).response is CommandResponse.OK
        live(tester, HOUR_S - 60)
        assert wanted(tester)[-1] is SystemMode.SAFE_MODE, "an hour has to be known"
        live(tester, 120)
        assert wanted(tester)[-1] is SystemMode.NORMAL


def test_the_power_units_account_of_the_sleep_counts_whatever_the_wall_clock_says() -> None:
    """REQ-EL-011. Upstream: times by the wall clock are believed whatever they say."""
    with ledger() as tester:
        live(tester, 60)
        for off_s, slept_s in ((7200, 3600), (-5000, 1800), (40 * 86_400, 1800)):
            tester.reboot(off_s=off_s)
            tester.call.slept_in(slept_s)
            live(tester, 60)
        tester.call.cycle_ends()
        assert report(tester)["slept_s"] == 1800
        asleep_s = 3600 + 1800 + 1800
        assert tester.channels["AsleepShare"] == pytest.approx(100 * asleep_s / (asleep_s + 240), rel=1e-5)
        tester.reboot(off_s=100)
        live(tester, 60)
        tester.call.slept_in(90)
        assert tester.channels["AsleepShare"] == pytest.approx(100 * (asleep_s + 100) / (asleep_s + 400), rel=1e-4)
        live(tester, 60)
        assert tester.channels["AsleepShare"] == pytest.approx(100 * (asleep_s + 90) / (asleep_s + 450), rel=1e-4)


def test_a_sleep_that_nobody_can_have_measured_is_not_believed() -> None:
    """REQ-EL-011."""
    with ledger() as tester:
        live(tester, 60)
        tester.reboot(off_s=100)
        tester.call.slept_in(0xFFFFFFFF)
        live(tester, 60)
        tester.call.cycle_ends()
        assert report(tester)["slept_s"] == pytest.approx(100, abs=1)


def test_a_measured_battery_counts_and_is_reckoned_on_while_nobody_measures() -> None:
    """REQ-EL-012."""
    with ledger() as tester:
        tester.ports.battery_left_get.returns = 5000.0
        live(tester, HOUR_S)
        assert tester.channels["BatteryLeft"] == pytest.approx(5000.0)
        tester.ports.battery_left_get.returns = float("nan")
        live(tester, HOUR_S)
        assert tester.channels["BatteryLeft"] == pytest.approx(4000.0)
        for nonsense in (-1.0, float("inf")):
            tester.ports.battery_left_get.returns = nonsense
            live(tester, 60)
            assert tester.channels["BatteryLeft"] == pytest.approx(4000.0, abs=40)
        tester.reboot()
        live(tester, 60)
        assert tester.channels["BatteryLeft"] == pytest.approx(4000.0, abs=80)


def test_a_record_of_the_version_before_is_read() -> None:
    """REQ-EL-009, REQ-EL-010."""
    with ledger() as tester:
        size = Struct(f">4Q{BEARERS}QddQdQ")
        record = AtomicRecord(tester.files, "/kittiwake/energy_ledger", 1, size.size)
        record.write(size.pack(3_600_000_000, 0, 0, 4, *[0] * BEARERS, 8000.0, 1000.0, 0, 0.0, 0))
        tester.crash()
        live(tester, 60)
        assert tester.channels["Cycle"] == 5
        assert tester.channels["BatteryLeft"] == pytest.approx(8000.0, abs=20)


def test_energy_left_is_that_of_the_battery_without_a_budget() -> None:
    """REQ-EL-006."""
    with ledger() as tester:
        live(tester, HOUR_S)
        assert tester.call.energy_left() == pytest.approx(9000.0)
        assert tester.send("SET_CHARGE", 4000.0).response is CommandResponse.OK
        assert tester.call.energy_left() == pytest.approx(4000.0)
        tester.reboot()
        live(tester, 60)
        assert tester.channels["BatteryLeft"] == pytest.approx(4000.0, abs=20)


def test_the_end_of_a_cycle_is_reported_as_event_and_file() -> None:
    """REQ-EL-007."""
    with ledger() as tester:
        live(tester, HOUR_S)
        tester.call.cycle_ends()
        [event] = tester.events.named("EnergyReport")
        assert event.args[0] == 1
        assert event.args[1] == pytest.approx(HOUR_S)
        found = report(tester)
        assert found["energy_mwh"] == pytest.approx(1000.0)
        assert found["components"][0]["name"] == "tested"
        assert tester.send("REPORT_ENERGY").response is CommandResponse.OK
        tester.reboot(off_s=100)
        live(tester, 60)
        tester.call.cycle_ends()
        assert report(tester)["cycle"] == 2
        assert report(tester)["slept_s"] == pytest.approx(100, abs=1)


def test_a_reset_begins_anew_and_keeps_the_charge() -> None:
    """REQ-EL-008."""
    with ledger() as tester:
        live(tester, HOUR_S)
        assert tester.send("RESET_LEDGER").response is CommandResponse.OK
        live(tester, 60)
        assert tester.channels["Cycle"] == 1
        assert tester.channels["TotalEnergy"] == pytest.approx(1000 / 60)
        assert tester.channels["BatteryLeft"] == pytest.approx(9000.0, abs=20)


def test_a_power_cut_at_any_file_operation_leaves_the_old_or_the_new() -> None:
    """REQ-EL-009."""

    def prepared(seed: int) -> ComponentTester[EnergyLedger]:
        tester = ComponentTester(EnergyLedger, settings=BOARD, queue=30, seed=seed)
        tester.send("SET_CHARGE", 5000.0)
        tester.call.cycle_ends()
        return tester

    def scenario(tester: ComponentTester[EnergyLedger], noted: list[int]) -> None:
        if tester.send("SET_CHARGE", 4000.0).response is CommandResponse.OK:
            noted.append(1)
        tester.call.cycle_ends()

    def judge(tester: ComponentTester[EnergyLedger], noted: list[int], ports: Any) -> None:
        left = round(tester.call.energy_left())
        assert left in ((4000,) if noted else (4000, 5000))
        assert report(tester)["battery_left_mwh"] in (5000.0, 4000.0)

    assert cut_everywhere(prepared, scenario, judge) > 4


def test_a_record_that_cannot_be_read_begins_anew_and_is_told() -> None:
    """REQ-EL-009."""
    with ledger() as tester:
        tester.write_file("/energy_ledger.a", b"rubbish")
        tester.write_file("/energy_ledger.b", b"")
        tester.crash()
        assert [event.name for event in tester.events] == ["FileFault"] * 2
        live(tester, 60)
        assert tester.channels["Cycle"] == 1


@given(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(0, 10**15), st.floats(0, 1e5), st.floats(0, 1e5))
def test_energy_is_never_negative_and_grows_with_what_is_spent(
    awake: int, cpu: int, asleep: int, idle_mw: float, more_mw: float
) -> None:
    """REQ-EL-001."""
    board = Board(1.0, idle_mw, idle_mw + more_mw, [more_mw])
    spent = Spent(awake, cpu, asleep, 1, (awake,))
    once = energy_mwh(board, spent)
    assert once >= 0.0
    assert energy_mwh(board, spent.plus(Spent(1000, 500, 1000, 1, (1000, 5)))) >= once
    assert days_left(100.0, once, spent.lasted_us) >= 0.0
