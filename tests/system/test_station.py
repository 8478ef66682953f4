"""The battery device: one cycle from wake to powerdown, and the next one after the sleep."""

from __future__ import annotations

import json

import pytest

from kittiwake.wire.time_tag import TAG_SIZE
from kittiwake_components.enrollment.states import EnrollState
from tests.system.station_wake import ENROLLED, PREFIX, StationWake

pytestmark = pytest.mark.virtual_time

ORDERS = [
    {"id": "1", "command": "CdhCore.cmdDisp.CMD_NO_OP"},
    {"id": "2", "command": f'{PREFIX}scheduler.JOB_ADD "noop" "every 1h" "" COMMAND "CdhCore.cmdDisp.CMD_NO_OP" ONCE '
     "AT_MOST_ONCE"},
    {"id": "3", "command": "supervisor.get_last_cycle()"},
]  # fmt: skip
STATUS = "status/monitoring-1.0/"


def test_a_cycle_goes_from_the_wake_to_an_acknowledged_powerdown() -> None:
    orders = {"incoming/monitoring-1.0/commands.json": json.dumps(ORDERS).encode()}
    station = StationWake(files={**ENROLLED, **orders})
    took_s = station.run_until_cut()
    assert 120 <= took_s < 140, "on trial it waits for somebody to be heard"
    [(cycle, _, _, failed)] = station.named("supervisor.CycleFinished")
    assert (cycle, failed) == (1, 0)
    assert station.named("enrollment.ConfigOnTrial")
    assert [one["status"] for one in station.read_json(STATUS + "last_monitoring_status.json")["commands"]] == [
        "OK", "OK", "OK"
    ]  # fmt: skip
    assert station["supervisor"].watchdog_released is True
    [(_, sleep_s)] = station.named("powerManager.PowerdownScheduled")
    assert 3500 <= sleep_s <= 3600, "the job that a command has added is the next to be done"
    assert station.named("monitoring.ValueUnknown") == []
    station.deployment.stop()


def test_the_report_says_how_the_device_is() -> None:
    station = StationWake(files=ENROLLED)
    station.run_until_cut()
    report = station.read_json(STATUS + "report-00000001.json")
    values = {name: entry and entry["value"] for name, entry in report["values"].items()}
    assert 6 < values["battery_voltage"] < 9
    assert values["power_mode"] == "BATTERY"
    assert values["wake_reason"] == "POWER_ON"
    assert values["boot_count"] == 1
    assert values["framework_version"]
    assert report["services"]["enrollment"]["state"] == "ENROLLED"
    assert report["services"]["jobs"] == []
    station.deployment.stop()


def test_it_sleeps_and_does_at_the_next_wake_what_is_due() -> None:
    orders = {"incoming/monitoring-1.0/commands.json": json.dumps(ORDERS).encode()}
    station = StationWake(files={**ENROLLED, **orders})
    station.run_until_cut()
    woken = station.sleep()
    woken.run_until_cut()
    assert woken.named("scheduler.JobSucceeded") == [("noop",)]
    assert woken.named("startupManager.BootLoopDetected") == []
    assert woken.read_json(STATUS + "report-00000002.json")["services"]["last_cycle"]["cycle"] == 1
    [(_, sleep_s)] = woken.named("powerManager.PowerdownScheduled")
    assert 3460 <= sleep_s <= 3490, "an hour after the last, on trial for two minutes of it"


def test_a_device_that_nobody_enrols_sleeps_and_tries_again() -> None:
    """Upstream: enrolment ran with no watchdog and no limit, and drained the battery."""
    station = StationWake()
    for _ in range(3):
        assert 600 <= station.run_until_cut() < 620
        assert station.named("enrollment.EnrollTimeout") == [(600,)]
        [(_, sleep_s)] = station.named("powerManager.PowerdownScheduled")
        assert 3590 <= sleep_s <= 3600
        assert station.named("monitoring.ReportWritten") == []
        station = station.sleep()
        assert station["enrollment"].enrolment.state is EnrollState.FACTORY


def test_values_of_the_report_are_those_of_the_channels() -> None:
    station = StationWake(files=ENROLLED)
    station.run_until_cut()
    cell = station["CdhCore.tlmSend"].tlm_get(0x10061000 + 1)
    assert int.from_bytes(cell[TAG_SIZE:], "big") == 1
