"""The battery device with a ground, through days of virtual time: a link that loses and is down half of the time.

`KITTIWAKE_MISSION_DAYS` says how many days; brown-outs hit any file operation and any dispatched message.
"""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.seeded import SeededRandom
from kittiwake.runtime.wiring import Entries
from kittiwake.simulation.cfdp_end import CfdpEnd
from kittiwake.simulation.ground import URL, Ground
from kittiwake.simulation.machine import ROOT
from kittiwake.simulation.surroundings.transfers import PATIENCE
from kittiwake.wire.framing import FramingParameters
from tests.system.station_flight import StationFlight
from tests.system.station_jobs import ADD_DAILY, ADD_HOURLY, judge_jobs, last_look
from tests.system.station_wake import ENROLLED, MACHINE, PREFIX, built, put_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kittiwake.runtime.deployment import Deployment

pytestmark = pytest.mark.virtual_time

DAYS = float(os.environ.get("KITTIWAKE_MISSION_DAYS", "4"))
LOSS = 0.2
BROWN_OUTS = 0.2
LOG_BYTES = 4000
WINDOW_NS = 5400 * NS_PER_S
"""The link is there for so long and then away as long: of hourly wakes some have it, and in some it comes or goes."""

ADD_SYNC = (
    f'{PREFIX}scheduler.JOB_ADD "sync", "every 1h from 2026-01-01T01:00", "", COMMAND, '
    f'"{PREFIX}transferService.SYNC_STORE logs", ONCE, AT_LEAST_ONCE'
)
JOBS = (PREFIX[:-1] + ADD_HOURLY, PREFIX[:-1] + ADD_DAILY, ADD_SYNC)
REPORT = re.compile(r"monitoring/report-\d{8}\.json")


class StationMission(StationFlight):
    """A flight with a ground; the device leaves a log in each awake time's beginning: `logs`, by name."""

    def __init__(self, seed: int) -> None:
        settings = {PREFIX + "enrollment": {"machine_id": MACHINE}, "ComCcsds.link": {"url": URL}}
        super().__init__(built(), seed, settings=settings)
        self.end = CfdpEnd(PATIENCE)
        self.ground = Ground(SeededRandom(seed + 1), "ccsds", FramingParameters(), lambda data: None, self._hear)
        self.ground.loss = LOSS
        self.logs: dict[str, bytes] = {}
        self.records = True
        self._is_up = False

    def _hear(self, packet: bytes) -> None:
        self.end.hear(packet, self.now_ns)

    def _boot(self) -> None:
        self.ground.meet(self.platform)
        super()._boot()

    def is_in_sight(self) -> bool:
        """Whether the link is there now."""
        return self.now_ns // WINDOW_NS % 2 == 0

    def meanwhile(self) -> None:
        self.ground.is_calling = self.is_in_sight()
        self.ground.turn(self.now_ns)
        self._follow_link()
        if self._is_up:
            for packet in self.end.packets(self.now_ns):
                self.ground.send(packet)

    def _follow_link(self) -> None:
        if self.ground.is_connected is not self._is_up:
            self._is_up = self.ground.is_connected
            self.end.entity.set_link(self._is_up, self.now_ns)

    def _dark(self) -> None:
        self.ground.lose_sight()
        self._follow_link()
        super()._dark()

    def _record(self) -> None:
        name = f"{len(self.logs):05}.bin"
        self.logs[name] = SeededRandom(len(self.logs)).token_bytes(1 + self.random.below(LOG_BYTES))
        put_file(self.platform.files, f"{ROOT}/logs/{name}", self.logs[name])


class StationInSight(StationMission):
    """A mission with a ground that is always there; `last_reports` are those that had arrived, after each wake."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.ground.loss = 0.0
        self.last_reports: list[int] = []

    def is_in_sight(self) -> bool:
        return True

    def _dark(self) -> None:
        self.last_reports.append(max([0, *[report["report"] for report in reports_in(self.end.receipts.files)]]))
        super()._dark()


def reports_in(files: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """The status reports among the files that have arrived, by their names."""
    return [json.loads(data) for name, data in sorted(files.items()) if REPORT.fullmatch(name)]


def prepare(flight: StationFlight, jobs: Sequence[str] = JOBS) -> None:
    """Confirms the configuration, and adds the jobs."""
    deployment: Deployment | None = flight.deployment
    assert deployment is not None
    flight.run(15)
    enrollment = deployment.instances[PREFIX + "enrollment"]
    Entries(deployment).call(enrollment, "packet_routed", 0, enrollment._context)(0, True)
    for line in jobs:
        flight.command(line)
    flight.run(0.5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_through_weeks_of_a_bad_link_and_brown_outs_nothing_is_lost() -> None:
    mission = StationMission(5)
    for name, data in ENROLLED.items():
        put_file(mission.platform.files, f"{ROOT}/{name}", data)
    mission.awake(first=prepare)
    mission.brown_out_chance = BROWN_OUTS
    mission.fly(DAYS)
    assert {cut.at_dispatch for cut in mission.brown_outs} == {True, False}
    assert mission.ground.frames_lost + mission.ground.packets_lost > 50 * DAYS
    assert mission.ground.contacts > 8 * DAYS
    assert mission.longest_awake_s() <= mission.hard_limit_s + 0.5
    last_look(mission)
    judge_jobs(mission)
    arrived = mission.end.receipts.files
    for number, (name, log) in enumerate(mission.logs.items()):
        there = arrived.get(f"logs/{name}")
        assert there == log if there is not None else mission.read(f"{ROOT}/logs/{name}") == log
        if number < len(mission.logs) - 8:
            assert there is not None, "a night without a link is made up for"
    reports = reports_in(arrived)
    numbers = [report["report"] for report in reports]
    assert numbers == list(range(1, len(numbers) + 1)), "no report is left out"
    assert len(numbers) > 18 * DAYS
    assert len(arrived) == len(reports) + sum(name.startswith("logs/") for name in arrived)


def test_the_report_of_a_wake_arrives_in_it_where_a_ground_is_there() -> None:
    """REQ-SUP-004. A device that wakes once a day would else tell how it was a day ago."""
    mission = StationInSight(6)
    for name, data in ENROLLED.items():
        put_file(mission.platform.files, f"{ROOT}/{name}", data)
    mission.awake(first=lambda flight: prepare(flight, JOBS[:1]))
    for _ in range(5):
        mission.awake()
    assert mission.last_reports == [1, 2, 3, 4, 5, 6]
