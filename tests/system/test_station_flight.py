"""A battery device through days of virtual time: every wake, every job, and never too long awake.

`KITTIWAKE_STATION_DAYS` and `KITTIWAKE_STATION_SEEDS` make a campaign of it, `KITTIWAKE_STATION_MONTH=30` flies a whole
month, and `KITTIWAKE_STATION_STRIDE=1` has the power go at each step of a cycle, of station.yaml too, which has
thousands of them.
"""

from __future__ import annotations

import os
from itertools import groupby, product
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated_databases import SimulatedDatabases
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image
from kittiwake.wire.power_link import WakeReason
from kittiwake_components.ports.mode import SystemMode
from kittiwake_components.scheduler.jobs import RunState
from tests.system.battery_device import battery_device
from tests.system.station_flight import RECORDINGS, Cut
from tests.system.station_jobs import DAILY_US, DAY_US, HOUR_NS, HOUR_US, START_US, VAULT, judge, with_jobs
from tests.system.station_wake import built

if TYPE_CHECKING:
    from kittiwake.runtime.image import Image
    from tests.system.station_flight import StationFlight

pytestmark = pytest.mark.virtual_time

DAYS = float(os.environ.get("KITTIWAKE_STATION_DAYS", "2"))
SEEDS = int(os.environ.get("KITTIWAKE_STATION_SEEDS", "2"))
STRIDE = int(os.environ.get("KITTIWAKE_STATION_STRIDE", "41"))
REFERENCE_STRIDE = min(STRIDE, 3)
MONTH = int(os.environ.get("KITTIWAKE_STATION_MONTH", "12"))
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
    topology = battery_device(folder, "{}", TRANSFERS.lstrip("\n"), wired, "transferService.*, ")
    return build_image(load_topology(topology), "")


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
    assert daily == [START_US + DAILY_US + DAY_US * day for day in range(len(daily))]
    assert len(daily) == round(DAYS)
    assert {state for *_, state in flight.runs()} == {RunState.OK}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_through_brown_outs_no_job_is_lost_or_run_against_its_policy(image: Image, seed: int) -> None:
    flight = with_jobs(image, seed, brown_outs=0.4)
    flight.fly(DAYS)
    assert {cut.at_dispatch for cut in flight.brown_outs} == {True, False}
    judge(flight)


@pytest.mark.timeout(300)
def test_a_spent_budget_has_the_station_hibernate_for_the_rest_of_its_day() -> None:
    """The ledger's own days, of 24 h from its first start."""
    flight = with_jobs(built(), 0)
    modes: list[SystemMode] = []

    def lives_on_a_budget(flight: StationFlight) -> None:
        flight.instance("energyLedger").daily_budget_mwh = 80.0
        flight.run(10)
        modes.append(SystemMode(flight.instance("modeManager").current_mode))

    for _ in range(30):
        flight.awake(first=lives_on_a_budget)
    assert [mode for mode, _ in groupby(modes)] == [SystemMode.NORMAL, SystemMode.HIBERNATE, SystemMode.NORMAL]
    assert modes.count(SystemMode.HIBERNATE) > 5
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
def test_weeks_of_wakes_and_brown_outs(reference: Image) -> None:
    flight = with_jobs(reference, 30, brown_outs=0.3)
    flight.fly(MONTH)
    assert len(flight.brown_outs) > 3 * MONTH
    kinds = {(cut.at_dispatch, cut.after, cut.is_blip) for cut in flight.brown_outs}
    assert kinds == set(product((False, True), repeat=3))
    judge(flight)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("at_dispatch, least", [(True, 90), (False, 180)])
def test_whichever_step_of_a_cycle_is_the_last_the_next_start_makes_up_for_it(
    reference: Image, at_dispatch: bool, least: int
) -> None:
    """Dispatches, before and after them, and file operations, before them: that is the disk after the one before.

    Every third of them, or each with KITTIWAKE_STATION_STRIDE=1.
    """
    flight = with_jobs(reference, 0)
    number = 0
    has_come = True
    while has_come:
        number += REFERENCE_STRIDE
        for after in (False, True) if at_dispatch else (False,):
            has_come = cut_in_a_cycle(flight, Cut(at_dispatch, number, after, is_blip=(number + after) % 3 == 0))
    judge(flight)
    assert number > least


@pytest.mark.slow
@pytest.mark.timeout(3600 if STRIDE < 10 else 300)
@pytest.mark.parametrize("at_dispatch", [True, False])
def test_steps_throughout_a_cycle_of_the_station_can_be_its_last(at_dispatch: bool) -> None:
    flight = with_jobs(built(), 0)
    number = 1
    while cut_in_a_cycle(flight, Cut(at_dispatch, number, after=number // STRIDE % 2 == 1, is_blip=number % 3 == 0)):
        number += STRIDE
    judge(flight)
    assert number > 500  # a cycle dispatches some 800 times, and writes as often


def cut_in_a_cycle(flight: StationFlight, cut: Cut) -> bool:
    """Has the power go in the next cycle of the hourly job, and another cycle make up for it; whether it went."""
    while (flight.now_ns + NS_PER_S) % HOUR_NS > 2 * NS_PER_S:
        flight.awake()
    before = len(flight.brown_outs)
    flight.awake(cut)
    flight.awake()
    due = (flight.now_ns - NS_PER_S) // HOUR_NS
    assert due <= flight.executed["CMD_NO_OP"] <= due + len(flight.brown_outs) + 1, cut
    return len(flight.brown_outs) > before
