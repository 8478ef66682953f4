"""A battery device through days of virtual time: every wake, every job, and never too long awake.

`KITTIWAKE_STATION_DAYS` and `KITTIWAKE_STATION_SEEDS` make a campaign of it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from kittiwake.platform.simulated import WALL_START_NS
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image
from kittiwake.wire.power_link import WakeReason
from kittiwake_components.scheduler.jobs import RunState
from tests.system.battery_device import battery_device
from tests.system.station_flight import StationFlight

if TYPE_CHECKING:
    from kittiwake.runtime.image import Image

DAYS = float(os.environ.get("KITTIWAKE_STATION_DAYS", "2"))
SEEDS = int(os.environ.get("KITTIWAKE_STATION_SEEDS", "2"))
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
START_US = WALL_START_NS // 1000

ADD_HOURLY = (
    'ReferenceDeployment.scheduler.JOB_ADD "hourly", "every 1h from 2026-01-01T01:00", "", COMMAND, '
    '"CdhCore.cmdDisp.CMD_NO_OP", ALL, AT_LEAST_ONCE'
)
ADD_DAILY = (
    'ReferenceDeployment.scheduler.JOB_ADD "daily", "cron 30 6 * * *", "Europe/Berlin", COMMAND, '
    '"CdhCore.cmdDisp.CMD_NO_OP_STRING good_morning", ONCE, AT_MOST_ONCE'
)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return build_image(load_topology(battery_device(tmp_path_factory.mktemp("station"))), "")


def with_jobs(image: Image, seed: int, brown_outs: float) -> StationFlight:
    """A flight whose device has got its jobs, safely, in its first awake time."""
    flight = StationFlight(image, seed, brown_outs=0.0)
    flight.unit.advance(0)
    flight._boot()
    assert flight.deployment is not None
    flight.deployment.run_for(0.5)
    for line in (ADD_HOURLY, ADD_DAILY):
        flight.command(line)
    flight.deployment.run_for(0.5)
    assert flight.instance("scheduler").job_count == 2
    flight._advance(flight.platform.clock.now_ns())
    flight._dark()
    flight.brown_out_chance = brown_outs
    return flight


def last_look(flight: StationFlight) -> None:
    """Boots once more, without any brown-out, so that the record can be read."""
    flight.brown_out_chance = 0.0
    while not flight.unit.is_on:
        flight._advance(max(flight.unit.next_ns(), flight.now_ns + 1))
    flight._boot()
    assert flight.deployment is not None
    flight.deployment.run_for(5)


@pytest.mark.timeout(300)
def test_a_device_wakes_for_each_job_and_sleeps_in_between(image: Image) -> None:
    flight = with_jobs(image, 0, brown_outs=0.0)
    flight.fly(DAYS)
    cuts = flight.cuts()
    assert set(cuts[1:]) == {WakeReason.TIMER}
    assert len(cuts) == pytest.approx(DAYS * 25, abs=3)
    assert flight.longest_awake_s() < 60
    last_look(flight)
    hourly = [slot for name, slot, *_ in flight.runs() if name == "hourly"]
    assert hourly == list(range(START_US + HOUR_US, START_US + HOUR_US * (len(hourly) + 1), HOUR_US))
    daily = [slot for name, slot, *_ in flight.runs() if name == "daily"]
    assert daily == [START_US + 5 * HOUR_US + HOUR_US // 2 + DAY_US * day for day in range(len(daily))]
    assert len(daily) == round(DAYS)
    assert {state for *_, state in flight.runs()} == {RunState.OK}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_through_brown_outs_no_job_is_lost_or_run_against_its_policy(image: Image, seed: int) -> None:
    flight = with_jobs(image, seed, brown_outs=0.4)
    flight.fly(DAYS)
    assert flight.brown_outs > 0
    assert flight.longest_awake_s() <= flight.hard_limit_s + 0.5
    last_look(flight)
    runs = flight.runs()
    hourly = [slot for name, slot, *_ in runs if name == "hourly"]
    now_us = flight.platform.clock.wall_ns() // 1000
    due = list(range(START_US + HOUR_US, now_us, HOUR_US))
    assert hourly == due[: len(hourly)]
    assert len(due) - len(hourly) <= 1
    for name, _, attempt, state in runs:
        assert state in (RunState.OK, RunState.FAILED), "what was cut off is settled at the next start"
        if name == "daily":
            assert attempt == 1
        else:
            assert state == RunState.OK
