"""How long whole deployments take to fly in virtual time: a station's year, a silent satellite's three days, a day.

`kittiwake sim` flies both as it does for anybody, with its invariants checked, but without any fault. The station's
power unit wakes it each quarter of an hour, and cuts its power after each wake: each is a boot from its files. A ground
is there, so that it need not wait for one; the satellite has none. A day of the station and ten minutes of the others
are flown and stand for the rest. The reference is a bare loop that builds the same deployments as often, and runs none
of them. Decision 31 says why two budgets are missed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Figure, cpu_seconds_of, undisturbed
from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.simulation.mission import Mission
from kittiwake.simulation.scenario import Contact, Order, Scenario
from kittiwake.storage.root import Root
from kittiwake.topology.compile import load_topology
from kittiwake.topology.image import build_image

if TYPE_CHECKING:
    from kittiwake.runtime.image import Image

TOPOLOGIES = Path(__file__).resolve().parent.parent / "topologies"
YEAR_WAKES = 365 * 24 * 4
HOURS = 24
SHORT_S = 600
SATELLITE_S = 3 * 86_400
DAY_S = 86_400
REPETITIONS = 3
ADD_JOB = (
    'StationDeployment.scheduler.JOB_ADD "quarter", "every 15m from 2026-01-01T00:15", "", COMMAND, '
    '"CdhCore.cmdDisp.CMD_NO_OP", ONCE, AT_LEAST_ONCE'
)


def _image(name: str) -> Image:
    return build_image(load_topology(TOPOLOGIES / name), "")


def _flown_s(
    image: Image, length_s: int, orders: tuple[Order, ...] = (), *, contact_s: float = 0.001
) -> tuple[float, int]:
    """CPU seconds of a mission without faults, and its starts. Raises `RuntimeError` if an invariant broke."""
    scenario = Scenario(
        length_ns=length_s * NS_PER_S, draws="nothing", orders=orders, contacts=(Contact(0, contact_s),)
    )
    mission = Mission(image, scenario)
    taken_s = cpu_seconds_of(mission.fly)
    if mission.broken is not None:
        raise RuntimeError(str(mission.broken))
    return taken_s, mission.machine.life


def _built_s(image: Image) -> float:
    platform = SimulatedPlatform()
    platform.files.make_folder("/device")
    return cpu_seconds_of(lambda: Deployment(image, platform, Root(platform.files, "/device"), {}))


def figures() -> list[Figure]:
    """Seconds for a year of the station, and days a second of the reference deployment."""
    station, satellite, reference = (_image(f"{name}.yaml") for name in ("station", "proves", "reference"))
    orders = (Order(20 * NS_PER_S, ADD_JOB),)
    flights = [_flown_s(station, HOURS * 3600, orders, contact_s=HOURS * 3600.0) for _ in range(REPETITIONS)]
    if any(starts < HOURS * 4 for _, starts in flights):
        raise RuntimeError("the station did not wake each quarter of an hour")
    year_s = YEAR_WAKES * undisturbed(taken_s / starts for taken_s, starts in flights)
    built_s = YEAR_WAKES * undisturbed(_built_s(station) for _ in range(HOURS * 4))
    silent_s = undisturbed(_flown_s(satellite, SHORT_S)[0] for _ in range(REPETITIONS)) * SATELLITE_S / SHORT_S
    day_s = undisturbed(_flown_s(reference, SHORT_S, contact_s=SHORT_S)[0] for _ in range(REPETITIONS))
    days = SHORT_S / DAY_S / day_s
    started_s = undisturbed(_built_s(satellite) for _ in range(HOURS * 4))
    starts = 1 / undisturbed(_built_s(reference) for _ in range(HOURS * 4))
    return [
        Figure("simulated year of the station, a wake each 15 min", year_s, "s", built_s, year_s, 120, 60),
        Figure("three simulated days of the silent satellite", silent_s, "s", started_s, silent_s, 120, 60),
        Figure("simulated days per second, reference.yaml", days, "days/s", starts, days, 0.25, 0.5, True),
    ]
