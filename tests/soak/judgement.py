"""What a soak found, and whether that is as it must be."""

from __future__ import annotations

import sqlite3
import statistics
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MAX_GROWTH_MB = 16.0
"""How much more memory a process may hold at the end than once it was warm."""

EDGE_SHARE = 0.2
"""The share of the readings at either end whose medians are compared."""

COUNTER = ".Ticks"
"""How the channel ends in which an instance counts its samples."""


class Reading(NamedTuple):
    """Memory at one moment, in MB by what holds it."""

    elapsed_s: float
    memory_mb: Mapping[str, float]


class Growth(NamedTuple):
    """The memory of one process once it was warm and at the end, in MB."""

    name: str
    early_mb: float
    late_mb: float

    @property
    def is_flat(self) -> bool:
        """Whether it grew by no more than `MAX_GROWTH_MB`."""
        return self.late_mb - self.early_mb <= MAX_GROWTH_MB


def growths(readings: Sequence[Reading], warm_up_s: float) -> list[Growth]:
    """How the memory grew after the warm-up. Raises `ValueError` where too few readings are left to tell."""
    warm = [one for one in readings if one.elapsed_s >= warm_up_s]
    edge = int(len(warm) * EDGE_SHARE)
    if not edge:
        raise ValueError(f"{len(warm)} readings after {warm_up_s:g} s are too few to tell whether memory grows")

    def median(part: Sequence[Reading], name: str) -> float:
        return statistics.median([one.memory_mb[name] for one in part])

    return [Growth(name, median(warm[:edge], name), median(warm[-edge:], name)) for name in warm[0].memory_mb]


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
