"""What a soak found, and whether that is as it must be."""

from __future__ import annotations

import sqlite3
import statistics
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MAX_GROWTH_MB = 16.0
"""How much more memory a process may hold at the end than once it was warm, unless less is asked for."""

THIRDS = 3
"""The medians of the first and of the last third of the readings are compared."""

MAX_POINTS = 300
"""So many readings, evenly chosen, are paired for the slope."""

COUNTER = ".Ticks"
"""How the channel ends in which an instance counts its samples."""


class Reading(NamedTuple):
    """Memory at one moment, in MB by what holds it."""

    elapsed_s: float
    memory_mb: Mapping[str, float]


class Growth(NamedTuple):
    """The memory of one process once it was warm and at the end, in MB.

    `slope_mb_h` is the median of the slopes between all pairs of readings (Theil and Sen), which a peak does not move.
    """

    name: str
    early_mb: float
    late_mb: float
    slope_mb_h: float
    max_mb: float = MAX_GROWTH_MB

    @property
    def is_flat(self) -> bool:
        """Whether it grew by no more than `max_mb`."""
        return self.late_mb - self.early_mb <= self.max_mb

    @property
    def faults(self) -> list[str]:
        """What is wrong with it."""
        if self.is_flat:
            return []
        return [f"the memory of {self.name} grew by {self.late_mb - self.early_mb:.1f} MB, more than {self.max_mb:g}"]

    def __str__(self) -> str:
        return (
            f"memory of {self.name:<24} {self.early_mb:8.1f} MB warm, {self.late_mb:8.1f} MB at the end, "
            f"{self.slope_mb_h:+7.2f} MB/h"
        )


class Bound(NamedTuple):
    """After how long a process is warm, counted from its own first reading, and how much it may grow afterwards."""

    warm_up_s: float
    max_mb: float = MAX_GROWTH_MB


def growths(readings: Sequence[Reading], bound: Bound, others: Mapping[str, Bound] | None = None) -> list[Growth]:
    """How the memory grew after the warm-up; `others` are bounds by the first word of what they are for.

    Raises `ValueError` where too few readings are left to tell.
    """
    points: dict[str, list[tuple[float, float]]] = {}
    for one in readings:
        for name, memory_mb in one.memory_mb.items():
            points.setdefault(name, []).append((one.elapsed_s, memory_mb))
    found = []
    for name, series in points.items():
        warm_up_s, max_mb = (others or {}).get(name.split()[0], bound)
        warm = [point for point in series if point[0] - series[0][0] >= warm_up_s]
        third = len(warm) // THIRDS
        if not third:
            raise ValueError(f"{name}: {len(warm)} readings after {warm_up_s:g} s are too few to tell if memory grows")
        early, late = (statistics.median([size for _, size in part]) for part in (warm[:third], warm[-third:]))
        found.append(Growth(name, early, late, slope(warm) * 3600, max_mb))
    return found


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The median slope between all pairs of points (Theil and Sen); 0 for a single one."""
    chosen = points[:: -(-len(points) // MAX_POINTS)]
    pairs = combinations(chosen, 2)
    slopes = [(second[1] - first[1]) / (second[0] - first[0]) for first, second in pairs if second[0] > first[0]]
    return statistics.median(slopes) if slopes else 0.0


class Count(NamedTuple):
    """The samples of one instance: what it counted between its first and last that came, and what is archived.

    `fewest` is the count of the channel that has the fewest.
    """

    instance: str
    channels: int
    counted: int
    fewest: int
    most: int

    @property
    def lost(self) -> int:
        """Samples of the worst channel that the deployment sent, and the archive does not have."""
        return max(0, self.counted - self.fewest)


_COUNTS = """
SELECT channels.name, count(*), min(number), max(number) FROM samples JOIN channels ON channels.id = samples.channel
GROUP BY channel
"""


def archived_counts(database: Path) -> list[Count]:
    """What an archive holds of every instance that counts its samples, asked of SQLite itself."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = {name: (count, low, high) for name, count, low, high in connection.execute(_COUNTS)}
    connection.close()
    found = []
    for counter, (_, low, high) in rows.items():
        if not counter.endswith(COUNTER):
            continue
        instance = counter.removesuffix(COUNTER)
        counts = [count for name, (count, _, _) in rows.items() if name.startswith(f"{instance}.")]
        found.append(Count(instance, len(counts), int(high - low) + 1, min(counts), max(counts)))
    return sorted(found)
