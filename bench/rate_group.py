"""What a cycle of a rate group costs, and how evenly the cycles come.

A driver and an ActiveRateGroup call twenty passive members, each of which writes one channel, 100 times a second, on
the machine's own clock. The reference is a loop that sleeps in `select` until the next absolute deadline and calls the
same twenty handlers. Both run in this process, in turn; CPU time is the process's own, so that sleeping counts for
nothing.

The period's deviation is the median of how far the time between two cycles is from 10 ms. The drift is how much later
(or earlier) the promptest twentieth of the cycles of the second half comes than that of the first, over the time
between them: cycles that others on the machine made late say nothing about the mean period.
"""

from __future__ import annotations

import select
import statistics
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bench.measure import Figure, dearer
from kittiwake.model import U32, Channel, PassiveComponent, sync_port
from kittiwake.model.fw import Sched
from kittiwake.platform.system import SystemPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Platform

MEMBERS = 20
PERIOD_NS = 10_000_000
SLICES = 28
SLICE_S = 0.25
DRIFT_S = 10.0


class Member(PassiveComponent):
    """Writes one channel a cycle."""

    level = Channel(U32)

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Writes the channel."""
        self.level = context


class Stamper(PassiveComponent):
    """Notes when its cycles come."""

    def initialize(self) -> None:
        """Begins with no cycles."""
        self.times_ns: list[int] = []

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Notes the time."""
        self.times_ns.append(self.clock.now_ns())


class Store(PassiveComponent):
    """Takes the channels."""

    def tlm_register(self, cells: Any, unsent: Any) -> None:
        """Does nothing with channels: what is stored is sent by a cycle of its own."""


def rate_groups(platform: Platform, groups: list[tuple[int, list[str]]]) -> Deployment:
    """A driver with a group for each (period in ms, paths of the members' classes)."""
    components = "kittiwake_components"
    instances: list[tuple[str, str, int, int, int, str, dict[str, Any]]] = [
        ("store", f"{__name__}:Store", 0x100, 0, 0, "", {}),
        ("driver", f"{components}.rate_group_driver.component:RateGroupDriver", 0x200, 0, 0, "",
         {"tick_us": 1000, "dividers": [period_ms for period_ms, _ in groups]}),
    ]  # fmt: skip
    connections: list[tuple[int, str, int, int, str, int]] = []
    base_id = 0x1000
    for number, (_, members) in enumerate(groups):
        group = len(instances)
        path = f"{components}.active_rate_group.component:ActiveRateGroup"
        instances.append((f"group{number}", path, base_id, 10, 40 - number, "", {}))
        connections.append((1, "cycle_out", number, group, "cycle_in", 0))
        for place, member in enumerate(members):
            base_id += 0x100
            connections.append((group, "member_out", place, len(instances), "run", 0))
            instances.append((f"group{number}.member{place}", member, base_id, 0, 0, "", {}))
        base_id += 0x100
    image = {
        "name": "Bench", "version": "0", "dictionary_hash": "", "packets": [], "parameters": [],
        "instances": instances, "connections": connections, "services": {"telemetry": 0},
    }  # fmt: skip
    return Deployment(image, platform, Root(platform.files, "/"))


def _slept(calls: list[Callable[[int], object]], duration_s: float) -> None:
    """The reference: a select-sleep to each absolute deadline, then the calls."""
    now_ns = time.monotonic_ns
    due_ns = now_ns()
    end_ns = due_ns + round(duration_s * 1e9)
    while due_ns < end_ns:
        due_ns += PERIOD_NS
        while (left_ns := due_ns - now_ns()) > 0:
            select.select((), (), (), left_ns * 1e-9)
        for call in calls:
            call(0)


def _cpu_us(run: Callable[[], object]) -> float:
    began = time.process_time_ns()
    run()
    return (time.process_time_ns() - began) / 1000 / (SLICE_S * 1e9 / PERIOD_NS)


def _cpu() -> Figure:
    made = rate_groups(SystemPlatform(), [(PERIOD_NS // 1_000_000, [f"{__name__}:Member"] * MEMBERS)])
    calls: list[Any] = [one.run for one in made.instances.values() if isinstance(one, Member)]
    made.start()
    made.run_for(0.2)
    pairs = [(_cpu_us(lambda: made.run_for(SLICE_S)), _cpu_us(lambda: _slept(calls, SLICE_S))) for _ in range(SLICES)]
    made.stop()
    return dearer("rate group of 20 members, CPU per tick", pairs, "us", 2, 1.3)


def deviation_us(times_ns: list[int]) -> float:
    """The median distance of the periods from what they should be."""
    later = pairwise(times_ns)
    return statistics.median([abs(after - before - PERIOD_NS) for before, after in later]) / 1000


def drift_percent(times_ns: list[int]) -> float:
    """How far the mean period is from what it should be; cycles that were left out count as time, not as drift."""
    lateness = [(time_ns - times_ns[0] + PERIOD_NS // 2) % PERIOD_NS for time_ns in times_ns]
    half = len(times_ns) // 2
    shift_ns = _promptest(lateness[half:]) - _promptest(lateness[:half])
    return abs(shift_ns) / (statistics.median(times_ns[half:]) - statistics.median(times_ns[:half])) * 100


def _promptest(lateness_ns: list[int]) -> float:
    return statistics.quantiles(lateness_ns, n=20)[0]


def _evenness() -> list[Figure]:
    platform = SystemPlatform()
    platform.sharpen_timers()  # as `kittiwake run` does
    made = rate_groups(platform, [(PERIOD_NS // 1_000_000, [f"{__name__}:Stamper"])])
    stamper: Any = made.instances["group0.member0"]
    made.start()
    made.run_for(0.2)
    stamper.times_ns.clear()
    made.run_for(DRIFT_S)
    made.stop()
    bare: list[int] = []
    _slept([lambda _: bare.append(time.monotonic_ns())], DRIFT_S)
    deviation, drift = deviation_us(stamper.times_ns), drift_percent(stamper.times_ns)
    return [
        Figure("period deviation at 100 Hz, p50", deviation, "us", deviation_us(bare), deviation, 50, 15, noise=1),
        Figure("drift of the mean period at 100 Hz", drift, "%", drift_percent(bare), drift, 0.001, 0.0001, noise=4),
    ]


def figures() -> list[Figure]:
    """CPU per tick, period deviation and drift."""
    return [_cpu(), *_evenness()]
