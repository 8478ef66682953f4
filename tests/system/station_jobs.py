"""The jobs of a battery device in virtual time, and the judgement of what became of them and of its files."""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING

from kittiwake.platform.simulated import WALL_START_NS
from kittiwake.runtime.wiring import Entries
from kittiwake.simulation.machine import ROOT
from kittiwake.wire.power_link import WakeReason
from kittiwake_components.scheduler.jobs import RunState
from tests.system.station_flight import RECORDINGS, StationFlight
from tests.system.station_wake import ENROLLED, MACHINE, PREFIX, put_file

if TYPE_CHECKING:
    from kittiwake.runtime.image import Image

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
HOUR_NS = HOUR_US * 1000
DAILY_US = 5 * HOUR_US + HOUR_US // 2
START_US = WALL_START_NS // 1000

ADD_HOURLY = (
    '.scheduler.JOB_ADD "hourly", "every 1h from 2026-01-01T01:00", "", COMMAND, '
    '"CdhCore.cmdDisp.CMD_NO_OP", ALL, AT_LEAST_ONCE'
)
ADD_DAILY = (
    '.scheduler.JOB_ADD "daily", "cron 30 6 * * *", "Europe/Berlin", COMMAND, '
    '"CdhCore.cmdDisp.CMD_NO_OP_STRING good_morning", ONCE, AT_MOST_ONCE'
)
RUNS_ON_RECORD = 900
VAULT = "/vault"
ADD_SYNC = (
    '.scheduler.JOB_ADD "sync", "every 1h from 2026-01-01T01:00", "", COMMAND, '
    '"ReferenceDeployment.transferService.SYNC_STORE vault", ONCE, AT_LEAST_ONCE'
)


def with_jobs(image: Image, seed: int, brown_outs: float = 0.0) -> StationFlight:
    """A flight whose device was enrolled, if it can be, and has got its jobs, safely, in its first awake time."""
    flight = StationFlight(image, seed, settings={PREFIX + "enrollment": {"machine_id": MACHINE}})
    for name, data in ENROLLED.items():
        put_file(flight.platform.files, f"{ROOT}/{name}", data)
    flight.platform.files.make_folder(VAULT)
    flight.platform.files.sync_folder("/")
    flight.awake(first=_prepare)
    assert not flight.brown_outs
    flight.records = flight.name == "ReferenceDeployment"
    flight.brown_out_chance = brown_outs
    return flight


def _prepare(flight: StationFlight) -> None:
    """Confirms the configuration, which takes ten seconds, and adds the jobs."""
    deployment = flight.deployment
    assert deployment is not None
    enrollment = deployment.instances.get(PREFIX + "enrollment")
    flight.run(0.5 if enrollment is None else 15)
    if enrollment is not None:
        Entries(deployment).call(enrollment, "packet_routed", 0, enrollment._context)(0, True)
    for line in (ADD_HOURLY, ADD_DAILY):
        flight.command(flight.name + line)
    flight.run(0.1)
    assert flight.instance("scheduler").job_count == 2
    if enrollment is None:
        flight.command(flight.name + ADD_SYNC)


def last_look(flight: StationFlight) -> None:
    """Boots once more, without any brown-out, so that the record can be read."""
    flight.wake_up()
    flight._boot()
    assert flight.deployment is not None
    flight.deployment.run_for(5)
    flight._note(was_begun=False)


def judge_transfers(flight: StationFlight) -> None:
    """Every recording stands whole in the store, or still where it was made, and the last few at most do that."""
    files = flight.platform.files
    for number, (name, data) in enumerate(flight.recordings.items()):
        source, target = f"{ROOT}/{RECORDINGS}/{name}", f"{VAULT}/{name}"
        if files.exists(target):
            assert flight.read(target) == data
            assert flight.read(f"{target}.sha256").startswith(sha256(data).hexdigest().encode())
        else:
            assert flight.read(source) == data
        if number < len(flight.recordings) - 3:
            assert files.exists(target)
            assert not files.exists(source)


def judge(flight: StationFlight) -> None:
    """Nothing lost, nothing done twice against its policy, never too long awake, whatever the brown-outs were."""
    assert flight.longest_awake_s() <= flight.hard_limit_s + 0.5
    for (start, boots), (later_start, later_boots) in pairwise(flight.boots):
        assert 1 <= later_boots - boots <= later_start - start, "each start is counted, and once"
    last_look(flight)
    judge_transfers(flight)
    judge_jobs(flight)


def judge_jobs(flight: StationFlight) -> None:
    """No job is lost, or run against its policy."""
    runs = flight.runs()
    hourly = [slot for name, slot, *_ in runs if name == "hourly"]
    now_us = flight.platform.clock.wall_ns() // 1000
    due = list(range(START_US + HOUR_US, now_us, HOUR_US))
    first = due.index(hourly[0]) if len(runs) >= RUNS_ON_RECORD else 0  # older runs are forgotten
    slots = first + len(hourly)
    assert hourly == due[first:slots]
    assert len(due) - slots <= 1
    for name, _, attempt, state in runs:
        assert state in (RunState.OK, RunState.FAILED), "what was cut off is settled at the next start"
        if name == "daily":
            assert attempt == 1
        else:
            assert state == RunState.OK
    # Not by the device's own record, but by what was seen from outside:
    daily = [state for name, _, _, state in runs if name == "daily"]
    days = (now_us - START_US - DAILY_US) // DAY_US + 1
    assert daily.count(RunState.OK) <= flight.executed["CMD_NO_OP_STRING"] <= days
    # One may be under way, and one that a brown-out or the power unit cut off is done once more.
    cut_off = len(flight.brown_outs) + sum(reason is not WakeReason.TIMER for reason in flight.cuts())
    assert slots - 1 <= flight.executed["CMD_NO_OP"] <= slots + cut_off
