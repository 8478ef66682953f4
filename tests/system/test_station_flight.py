"""A battery device through days of virtual time: every wake, every job, and never too long awake.

`KITTIWAKE_STATION_DAYS` and `KITTIWAKE_STATION_SEEDS` make a campaign of it.
"""

from __future__ import annotations

import os
from hashlib import sha256
from itertools import count, pairwise, product
from math import ceil
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated import WALL_START_NS
from kittiwake.platform.simulated_databases import SimulatedDatabases
from kittiwake.runtime.wiring import Entries
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image
from kittiwake.wire.power_link import WakeReason
from kittiwake_components.scheduler.jobs import RunState
from tests.system.battery_device import battery_device
from tests.system.station_flight import RECORDINGS, ROOT, Cut, StationFlight
from tests.system.station_wake import ENROLLED, MACHINE, PREFIX, built, put_file

if TYPE_CHECKING:
    from kittiwake.runtime.image import Image

DAYS = float(os.environ.get("KITTIWAKE_STATION_DAYS", "2"))
SEEDS = int(os.environ.get("KITTIWAKE_STATION_SEEDS", "2"))
LOG_KEEP = 1000
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
HOUR_NS = HOUR_US * 1000
START_US = WALL_START_NS // 1000

ADD_HOURLY = (
    '.scheduler.JOB_ADD "hourly", "every 1h from 2026-01-01T01:00", "", COMMAND, '
    '"CdhCore.cmdDisp.CMD_NO_OP", ALL, AT_LEAST_ONCE'
)
ADD_DAILY = (
    '.scheduler.JOB_ADD "daily", "cron 30 6 * * *", "Europe/Berlin", COMMAND, '
    '"CdhCore.cmdDisp.CMD_NO_OP_STRING good_morning", ONCE, AT_MOST_ONCE'
)


VAULT = "/vault"
ADD_SYNC = (
    '.scheduler.JOB_ADD "sync", "every 1h from 2026-01-01T01:00", "", COMMAND, '
    '"ReferenceDeployment.transferService.SYNC_STORE vault", ONCE, AT_LEAST_ONCE'
)
TRANSFERS = f"""
  transferService:
    component: kittiwake_components.TransferService
    id: 0x10043000
    queue: 20
    priority: 22
    settings: {{stores: ["store_name=vault kind=logs bucket_name={VAULT} folder=/{RECORDINGS}"]}}
"""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Image:
    folder = tmp_path_factory.mktemp("station")
    wired = "    - rateGroup1Hz.member_out -> transferService.run\n"
    topology = battery_device(folder, "{}", TRANSFERS.lstrip("\n"), wired, ", transferService.*")
    return build_image(load_topology(topology), "")


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
    if enrollment is None:
        deployment.run_for(0.5)
    else:
        deployment.run_for(15)
        Entries(deployment).call(enrollment, "packet_routed", 0, enrollment._context)(0, True)
    for line in (ADD_HOURLY, ADD_DAILY):
        flight.command(flight.name + line)
    deployment.run_for(0.1)
    assert flight.instance("scheduler").job_count == 2
    if enrollment is None:
        flight.command(flight.name + ADD_SYNC)
    deployment.run_for(0.4)


def last_look(flight: StationFlight) -> None:
    """Boots once more, without any brown-out, so that the record can be read."""
    flight.wake_up()
    flight._boot()
    assert flight.deployment is not None
    flight.deployment.run_for(5)


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
    forgotten = due.index(hourly[0]) if len(runs) >= LOG_KEEP else 0
    due = due[forgotten:]
    assert hourly == due[: len(hourly)]
    assert len(due) - len(hourly) <= 1
    for name, _, attempt, state in runs:
        assert state in (RunState.OK, RunState.FAILED), "what was cut off is settled at the next start"
        if name == "daily":
            assert attempt == 1
        else:
            assert state == RunState.OK
    # Not by the device's own record, but by what was seen from outside:
    daily = [state for name, _, _, state in runs if name == "daily"]
    assert daily.count(RunState.OK) <= flight.executed["CMD_NO_OP_STRING"] <= len(daily) + ceil(forgotten / 24)
    # The last look may have done one more, and one that a brown-out cut off is done once more.
    done = len(hourly) + forgotten
    assert done - 1 <= flight.executed["CMD_NO_OP"] <= done + len(flight.brown_outs)


@pytest.fixture(params=["reference", "station"])
def image(request: pytest.FixtureRequest) -> Any:
    return built() if request.param == "station" else request.getfixturevalue("reference")


@pytest.mark.timeout(300)
def test_a_device_wakes_for_each_job_and_sleeps_in_between(image: Image) -> None:
    flight = with_jobs(image, 0)
    flight.fly(DAYS)
    cuts = flight.cuts()
    assert set(cuts[1:]) == {WakeReason.TIMER}
    assert len(cuts) == pytest.approx(DAYS * 25, abs=3)
    assert flight.longest_awake_s() < 60
    assert [boots for _, boots in flight.boots] == list(range(1, len(flight.boots) + 1))
    judge(flight)
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
    assert {cut.at_dispatch for cut in flight.brown_outs} == {True, False}
    judge(flight)


def test_a_database_that_forgets_what_it_was_told_to_keep_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flights can fail: here an intent, a result or a job goes with the power."""
    opened = SimulatedDatabases.open
    monkeypatch.setattr(SimulatedDatabases, "open", lambda self, path, durable: opened(self, path, durable=False))
    flight = with_jobs(built(), 0, brown_outs=0.4)
    flight.fly(2)
    with pytest.raises(AssertionError):
        judge(flight)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_thirty_days_of_wakes_and_brown_outs() -> None:
    flight = with_jobs(built(), 30, brown_outs=0.3)
    flight.fly(30)
    assert len(flight.brown_outs) > 100
    assert {(cut.at_dispatch, cut.after, cut.is_blip) for cut in flight.brown_outs} == set(
        product((False, True), repeat=3)
    )
    judge(flight)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whichever_dispatch_of_a_cycle_is_the_last_the_next_start_makes_up_for_it(image: Image) -> None:
    assert cut_each(image, (False, True), at_dispatch=True) > 90


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_whichever_file_operation_of_a_cycle_is_the_last_the_next_start_makes_up_for_it() -> None:
    """Before each of them alone: after one, the disk is as it is before the next."""
    assert cut_each(built(), (False,), at_dispatch=False) > 180


def cut_each(image: Image, afters: tuple[bool, ...], *, at_dispatch: bool) -> int:
    """Has the power go at each step of a wake cycle with a job in turn, one in each cycle; how many steps there are."""
    flight = with_jobs(image, 0)
    for number in count(1):
        before = len(flight.brown_outs)
        for after in afters:
            while (flight.now_ns + NS_PER_S) % HOUR_NS > 2 * NS_PER_S:
                flight.awake()
            cut = Cut(at_dispatch, number, after, is_blip=(number + after) % 3 == 0)
            flight.awake(cut)
            flight.awake()
            due = (flight.now_ns - NS_PER_S) // HOUR_NS
            assert due <= flight.executed["CMD_NO_OP"] <= due + len(flight.brown_outs) + 1, cut
        if len(flight.brown_outs) == before:
            break
    judge(flight)
    return number - 1
