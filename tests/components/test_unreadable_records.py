"""Components whose records the medium does not give at a start: what was kept is neither lost nor counted down."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.model import CommandResponse
from kittiwake.model.fw import Enabled
from kittiwake.testing import ComponentTester
from kittiwake_components import EnergyLedger, EventLog, ModeManager, PowerMonitor
from kittiwake_components.event_log.filters import FilterSeverity
from kittiwake_components.ports.mode import SystemMode
from kittiwake_components.sensor_orchestrator.stopped_sensors import StoppedSensors
from tests.components.enrollment.test_enrollment import arrives, config, contact, enrolled, package
from tests.framework.storage.crashes import FOLDER, new_platform

if TYPE_CHECKING:
    from collections.abc import Callable

OK = CommandResponse.OK
FAILED = CommandResponse.EXECUTION_ERROR
READS = ("read", "read_at")


def live(tester: ComponentTester[Any], seconds: int) -> None:
    for _ in range(seconds):
        tester.advance(1)
        tester.call.run(0)


def silent_start(tester: ComponentTester[Any], make: Callable[..., ComponentTester[Any]]) -> ComponentTester[Any]:
    """Ends a start in order, and begins the next on a disk that gives nothing."""
    tester.stop()
    platform = tester.platform.restart()
    for operation in READS:
        platform.files.fail_every(operation, errno.EIO)
    return make(platform=platform)


def next_start(tester: ComponentTester[Any], make: Callable[..., ComponentTester[Any]]) -> ComponentTester[Any]:
    tester.stop()
    return make(platform=tester.platform.restart())


def kept_aside(tester: ComponentTester[Any]) -> list[str]:
    return [name for name in tester.platform.files.list(tester.root.path) if ".bad." in name]


def monitor(**options: Any) -> ComponentTester[Any]:
    watts = {"sys_voltage_get": 7.5, "sys_current_get": 0.5, "sol_voltage_get": 5.0, "sol_current_get": 1.0}
    return ComponentTester(PowerMonitor, returns={**watts, "sys_power_get": 3.6, "sol_power_get": 7.2}, **options)


def test_totals_of_energy_go_on_where_they_were() -> None:
    tester = monitor()
    live(tester, 101)
    tester = silent_start(tester, monitor)
    live(tester, 101)
    assert tester.component.total_power_consumption == pytest.approx(100, abs=2)
    assert tester.send("RESET_TOTAL_POWER").response is FAILED
    tester.files.heal()
    live(tester, 100)
    assert kept_aside(tester) == []
    tester = next_start(tester, monitor)
    live(tester, 2)
    assert tester.component.total_power_consumption == pytest.approx(300, abs=4)
    tester.finish()


def test_a_start_that_ends_before_anything_could_be_read_leaves_the_totals() -> None:
    tester = monitor()
    live(tester, 101)
    tester = silent_start(tester, monitor)
    live(tester, 101)
    tester = next_start(tester, monitor)
    live(tester, 2)
    assert tester.component.total_power_consumption == pytest.approx(100, abs=4)
    tester.finish()


def satellite(**options: Any) -> ComponentTester[Any]:
    return ComponentTester(ModeManager, returns={"voltage_get": 8.4}, **options)


def test_the_mode_is_safe_and_what_was_counted_before_is_added() -> None:
    tester = satellite()
    for _ in range(2):
        assert tester.send("FORCE_SAFE_MODE").response is OK
        live(tester, 3)
        assert tester.send("EXIT_SAFE_MODE").response is OK
        live(tester, 3)
    tester = silent_start(tester, satellite)
    live(tester, 70)
    assert tester.component.current_mode == SystemMode.SAFE_MODE
    tester.files.heal()
    live(tester, 70)
    assert kept_aside(tester) == []
    assert tester.component._state.entries == 3
    tester = next_start(tester, satellite)
    live(tester, 2)
    assert tester.component._state.entries == 3
    assert tester.component.current_mode == SystemMode.SAFE_MODE
    tester.finish()


def ledger(**options: Any) -> ComponentTester[Any]:
    return ComponentTester(EnergyLedger, **options)


def test_the_ledger_of_energy_goes_on_where_it_was() -> None:
    tester = ledger()
    live(tester, 600)
    before = tester.component.total_energy
    tester = silent_start(tester, ledger)
    live(tester, 300)
    assert tester.send("RESET_LEDGER").response is FAILED
    tester.files.heal()
    live(tester, 300)
    assert tester.component.total_energy == pytest.approx(2 * before, rel=0.02)
    assert kept_aside(tester) == []
    tester = next_start(tester, ledger)
    live(tester, 2)
    assert tester.component.total_energy == pytest.approx(2 * before, rel=0.02)
    tester.finish()


def log(**options: Any) -> ComponentTester[Any]:
    return ComponentTester(EventLog, **options)


def test_filters_come_back_into_force_and_are_not_replaced_by_what_a_command_knows() -> None:
    tester = log()
    assert tester.send("SET_EVENT_FILTER", FilterSeverity.DIAGNOSTIC, Enabled.DISABLED).response is OK
    held_back = set(tester.component._filters.shown)
    tester = silent_start(tester, log)
    live(tester, 3)
    assert tester.send("SET_ID_FILTER", 7, Enabled.ENABLED).response is FAILED
    tester.files.heal()
    live(tester, 10)
    assert set(tester.component._filters.shown) == held_back
    assert tester.send("SET_ID_FILTER", 7, Enabled.ENABLED).response is OK
    tester = next_start(tester, log)
    assert (set(tester.component._filters.shown), set(tester.component._filters.ids)) == (held_back, {7})
    tester.finish()


def test_a_confirmed_configuration_is_not_overwritten_by_one_that_comes_while_nothing_can_be_read() -> None:
    """The record says which slot is free: without it the slot of the confirmed one was taken."""
    tester = enrolled()
    tester.stop()
    platform = tester.platform.restart()
    for operation in READS:
        platform.files.fail_every(operation, errno.EIO)
    before = {name: bytes(platform.files.disk.file(f"/kittiwake/enrollment/{name}").data) for name in ("config.a",)}
    tester = ComponentTester(type(tester.component), settings={"machine_id": "station-7"}, platform=platform)
    assert tester.send("ENROLL").response is OK
    for operation in READS:
        platform.files.mend(operation)
    platform.files.fail_every("read_at", errno.EIO)  # the package can be read, and the record cannot
    arrives(tester, package(2))
    tester.advance(1)
    after = {name: bytes(platform.files.disk.file(f"/kittiwake/enrollment/{name}").data) for name in ("config.a",)}
    assert after == before
    platform.files.heal()
    tester = ComponentTester(
        type(tester.component), settings={"machine_id": "station-7"}, platform=tester.platform.restart()
    )
    contact(tester)
    assert config(tester) == {"sequence": 1}
    tester.finish()


def test_sensors_that_were_stopped_stay_so_when_others_are() -> None:
    platform = new_platform()
    stopped = StoppedSensors(platform.files, f"{FOLDER}/stopped")
    stopped.read()
    stopped.change({"audio"}, set(), {"audio", "video"})
    stopped = StoppedSensors(platform.files, f"{FOLDER}/stopped")
    platform.files.fail_every("read_at", errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        stopped.read()
    with pytest.raises(OSError, match="Input/output"):
        stopped.change({"video"}, set(), {"audio", "video"})
    platform.files.heal()
    stopped.change({"video"}, set(), {"audio", "video"})
    stopped = StoppedSensors(platform.files, f"{FOLDER}/stopped")
    stopped.read()
    assert "audio" in stopped
    assert "video" in stopped
