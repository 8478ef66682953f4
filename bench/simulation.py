"""How many days go by in a second when the clock is a simulated one.

The same driver and rate groups as in flight run on `SimulatedPlatform`: twenty members at 1 Hz, each of which writes
one channel, then five more at 10 Hz beside them. Nobody sleeps and nothing is read or written, so that the CPU time of
the process is what the wall shows on a quiet machine. The reference is what a simulation cannot do without: a heap of
deadlines and direct calls of the same handlers. It runs in turn with ours. The budget is in days per second; how far
that is from the reference the table's own columns show.
"""

from __future__ import annotations

import gc
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from bench.measure import Figure, cpu_seconds_of, paired, undisturbed
from bench.rate_group import Member, rate_groups
from kittiwake.platform.simulated import SimulatedPlatform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DAY_S = 86_400
SLICE_S = 300
SLICES = 101
MEMBER = f"{Member.__module__}:{Member.__name__}"


def _bare(groups: list[tuple[int, list[Callable[[int], object]]]], duration_s: int) -> None:
    due: list[tuple[int, int]] = [(0, number) for number in range(len(groups))]
    end_ms = duration_s * 1000
    while due[0][0] < end_ms:
        now_ms, number = heappop(due)
        period_ms, calls = groups[number]
        heappush(due, (now_ms + period_ms, number))
        for call in calls:
            call(0)


def _days_a_second(times_s: Iterable[float]) -> float:
    return SLICE_S / DAY_S / undisturbed(times_s)


def _figure(name: str, groups: list[tuple[int, int]], budget: float, stretch: float) -> Figure:
    made = rate_groups(SimulatedPlatform(), [(period_ms, [MEMBER] * count) for period_ms, count in groups])
    bare: list[tuple[int, list[Callable[[int], object]]]] = []
    for number, (period_ms, count) in enumerate(groups):
        members: list[Any] = [made.instances[f"group{number}.member{place}"] for place in range(count)]
        bare.append((period_ms, [member.run for member in members]))
    made.start()
    made.run_for(60)
    gc.collect()
    gc.freeze()  # as `kittiwake run` does
    pairs = paired(lambda: made.run_for(SLICE_S), lambda: _bare(bare, SLICE_S), SLICES, cpu_seconds_of)
    gc.unfreeze()
    made.stop()
    ours, theirs = _days_a_second(one for one, _ in pairs), _days_a_second(other for _, other in pairs)
    return Figure(name, ours, "days/s", theirs, ours, budget, stretch, True)


def figures() -> list[Figure]:
    """Simulated days per wall second."""
    return [
        _figure("simulated days per second, 20 members at 1 Hz", [(1000, 20)], 1, 2),
        _figure("simulated days per second, 5 more at 10 Hz", [(1000, 20), (100, 5)], 0.25, 0.5),
    ]
