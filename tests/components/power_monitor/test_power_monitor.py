"""PowerMonitor: energy by each rail's own time, kept over restarts and power cuts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import PowerMonitor
from kittiwake_components.power_monitor.energy import RailEnergy

Tester = ComponentTester[PowerMonitor]

WATTS = {"sys_power_get": 3.6, "sol_power_get": 7.2}
"""1 and 2 mWh a second."""


def monitor_with(watts: dict[str, Any], **more: Any) -> Tester:
    rails = {"sys_voltage_get": 7.5, "sys_current_get": 0.5, "sol_voltage_get": 5.0, "sol_current_get": 1.0}
    return ComponentTester(PowerMonitor, returns={**rails, **watts}, **more)


def run(tester: Tester, seconds: int, step_s: float = 1.0) -> None:
    for _ in range(seconds):
        tester.advance(step_s)
        tester.call.run(0)


def totals(tester: Tester) -> Any:
    return tester.channels["TotalPowerConsumption"], tester.channels["TotalPowerGenerated"]


def test_both_rails_are_read_and_added_up_in_each_cycle() -> None:
    """REQ-PM-001, REQ-PM-002.

    Upstream: generated energy stays near 0, because the rail's time was moved on by the other one before it was used.
    """
    with monitor_with(WATTS) as tester:
        run(tester, 101)
        assert totals(tester) == (pytest.approx(100.0), pytest.approx(200.0))
        for port in ("sys_voltage_get", "sys_current_get", "sys_power_get", "sol_voltage_get", "sol_power_get"):
            assert len(getattr(tester.ports, port)) == 101


def test_consumption_is_the_system_rail_alone() -> None:
    """Upstream: consumption adds what the panel generates. REQ-PM-002."""
    with monitor_with({"sys_power_get": 0.0, "sol_power_get": 7.2}) as tester:
        run(tester, 11)
        assert totals(tester) == (0.0, pytest.approx(20.0))


def test_the_wall_clock_changes_nothing() -> None:
    """Upstream: energy is added up by the wall clock, so that setting it makes up energy. REQ-PM-002."""
    with monitor_with(WATTS) as tester:
        run(tester, 6)
        for step_s in (86_400, -86_400, 5, -5):
            tester.platform.clock.set_wall_ns(tester.platform.clock.wall_ns() + step_s * 10**9)
            run(tester, 1)
        assert totals(tester) == (pytest.approx(9.0), pytest.approx(18.0))


def test_a_small_sum_is_not_lost_beside_a_large_one() -> None:
    """Upstream: a single-precision sum stands still once it is large. REQ-PM-002."""
    energy = RailEnergy()
    energy.mwh = 1e8
    for second in range(1001):
        energy.sample(1.0, second * 10**9)
    assert energy.mwh - 1e8 == pytest.approx(1000 / 3.6, rel=1e-4)


@pytest.mark.parametrize("bad", [-0.1, 1000.1, float("nan"), float("inf"), float("-inf")])
def test_a_bad_sample_counts_nothing(bad: float) -> None:
    """REQ-PM-003."""
    watts = [3.6]
    with monitor_with({**WATTS, "sys_power_get": lambda: watts[0]}) as tester:
        run(tester, 3)
        watts[0] = bad
        run(tester, 2)
        watts[0] = 3.6
        run(tester, 1)
        assert totals(tester) == (pytest.approx(5.0), pytest.approx(10.0))


def test_a_gap_counts_nothing() -> None:
    """REQ-PM-003."""
    with monitor_with(WATTS) as tester:
        run(tester, 3)
        run(tester, 1, step_s=9.0)
        assert totals(tester)[0] == pytest.approx(11.0)
        run(tester, 1, step_s=10.0)
        assert totals(tester)[0] == pytest.approx(11.0)
        run(tester, 1)
        assert totals(tester)[0] == pytest.approx(12.0)


@given(st.lists(st.tuples(st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 20 * 10**9)), max_size=50))
def test_energy_never_goes_back_and_stays_within_what_was_possible(samples: list[tuple[float, int]]) -> None:
    """REQ-PM-002, REQ-PM-003."""
    energy, now, before = RailEnergy(), 0, 0.0
    for watts, after_ns in samples:
        now += after_ns
        energy.sample(watts, now)
        assert before <= energy.mwh <= before + 1000.0 * 10.0 / 3.6
        before = energy.mwh


def test_the_totals_outlive_a_restart_and_a_power_cut() -> None:
    """Upstream: the totals are lost at a reboot. REQ-PM-004."""
    with monitor_with(WATTS) as tester:
        run(tester, 11)
        tester.reboot()
        run(tester, 1)
        assert totals(tester) == (pytest.approx(10.0), pytest.approx(20.0))
        run(tester, 100)
        tester.crash()
        run(tester, 1)
        assert totals(tester) == (pytest.approx(69.0, abs=1.5), pytest.approx(138.0, abs=3))


def test_resets_and_readings() -> None:
    """REQ-PM-005, REQ-PM-004."""
    with monitor_with(WATTS) as tester:
        run(tester, 11)
        assert tester.send("GET_TOTAL_POWER").response is CommandResponse.OK
        assert tester.events.named("TotalPowerConsumptionReading")[0].args == (pytest.approx(10.0),)
        assert tester.events.named("TotalPowerGeneratedReading")[0].args == (pytest.approx(20.0),)
        assert tester.send("RESET_TOTAL_POWER").response is CommandResponse.OK
        assert totals(tester) == (0.0, pytest.approx(20.0))
        tester.crash()
        run(tester, 1)
        assert totals(tester) == (0.0, pytest.approx(20.0))
        assert tester.send("RESET_TOTAL_GENERATION").response is CommandResponse.OK
        assert tester.events.names() == ["TotalGenerationReset"]
        assert totals(tester) == (0.0, 0.0)


def life(platform: SimulatedPlatform, seen: list[int]) -> None:
    """Some seconds, a reset, and some more; `seen` gets 1 once the reset is answered."""
    tester = monitor_with(WATTS, platform=platform, settings={"save_interval_s": 2})
    run(tester, 5)
    if tester.send("RESET_TOTAL_POWER").response is CommandResponse.OK:
        seen.append(1)
    run(tester, 3)
    tester.stop()


def test_a_cut_anywhere_leaves_totals_that_once_held() -> None:
    """REQ-PM-004."""
    platform = SimulatedPlatform(0)
    life(platform, [])
    for operation in range(1, platform.files.operations + 1):
        for after in (False, True):
            cut = SimulatedPlatform(operation)
            cut.files.cut_at(operation, after=after)
            seen: list[int] = []
            try:
                life(cut, seen)
            except PowerCut:
                pass
            tester = monitor_with(WATTS, platform=cut.crash())
            tester.call.run(0)
            consumed, generated = totals(tester)
            assert any(abs(consumed - known) < 1e-6 for known in range(6))
            assert any(abs(generated - known) < 1e-6 for known in range(0, 17, 2))
            assert not seen or consumed <= 3.0
            tester.finish()


def test_a_damaged_record_is_kept_aside_and_said_so() -> None:
    """REQ-PM-006."""
    with monitor_with(WATTS) as tester:
        run(tester, 11)
        tester.reboot()
        for slot in ("a", "b"):
            if tester.files.exists(f"/kittiwake/power_totals.{slot}"):
                tester.write_file(f"power_totals.{slot}", b"KWAR" + bytes(30))
        tester.restart()
        run(tester, 1)
        assert totals(tester) == (0.0, 0.0)
        assert "power_totals" in tester.events.named("TotalsFileFault")[0].args[0]


def test_a_disk_that_refuses_is_a_warning() -> None:
    """REQ-PM-006."""
    with monitor_with(WATTS, settings={"file": "/totals/file"}) as tester:
        run(tester, 61)
        assert totals(tester)[0] == pytest.approx(60.0)
        assert tester.events.named("TotalsFileFault")
        assert tester.send("RESET_TOTAL_POWER").response is CommandResponse.EXECUTION_ERROR


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(PowerMonitor) == []


def test_the_rails_are_recorded_as_a_data_product() -> None:
    """REQ-PM-007."""
    with monitor_with(WATTS) as tester:
        tester.send("RECORD_RAILS", 3)
        run(tester, 5)
        [product] = tester.products
        assert product.container == "Rails"
        assert product.records == [
            ("SystemVoltage", [7.5] * 3),
            ("SystemPower", [pytest.approx(3.6)] * 3),
            ("SolarPower", [pytest.approx(7.2)] * 3),
        ]
        assert [one.args for one in tester.events.named("RailsRecorded")] == [(3,)]
        tester.send("RECORD_RAILS", 1)
        run(tester, 1)
        assert len(tester.products) == 2


def test_a_reading_that_no_record_holds_is_recorded_as_the_greatest_one() -> None:
    """REQ-PM-007. A random run found that it failed every cycle from then on, with the recording under way for ever."""
    with monitor_with({"sys_power_get": 1e300, "sol_power_get": -1e300, "sys_voltage_get": float("nan")}) as tester:
        tester.send("RECORD_RAILS", 2)
        run(tester, 3)
        (_, voltages), (_, consumed), (_, generated) = tester.products[0].records
        assert all(one != one for one in voltages)  # NaN says that nothing was measured
        assert (consumed, generated) == ([pytest.approx(3.4e38)] * 2, [pytest.approx(-3.4e38)] * 2)
        tester.send("RECORD_RAILS", 1)
        run(tester, 1)
        assert len(tester.products) == 2


def test_one_recording_at_a_time_and_none_that_nobody_takes() -> None:
    """REQ-PM-007."""
    with monitor_with(WATTS) as tester:
        tester.send("RECORD_RAILS", 2)
        assert tester.send("RECORD_RAILS", 2).response is CommandResponse.BUSY
    with monitor_with(WATTS, open_ports=["product_send_out"]) as tester:
        assert tester.send("RECORD_RAILS", 2).response is CommandResponse.EXECUTION_ERROR
