"""Statistics of channels by time, at several widths, kept beside the samples so that a year answers like an hour.

Time is cut into chunks of a minute. While samples come into a chunk it stands in `open_chunks`, by the transaction
that writes them, and readers take it from the samples. When they have moved on it is rolled: its statistics are made
anew from the samples at the finest level, and from there up through all levels, and the chunk is closed, in one
transaction. So late samples need no arithmetic of their own, and no kill leaves statistics that disagree with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

SECOND_US = 1_000_000
CHUNK_US = 60 * SECOND_US

WIDTHS_US = tuple(seconds * SECOND_US for seconds in (5, 60, 600, 3_600, 21_600, 86_400))
"""The widths of the levels, each a multiple of the one before; the first goes when the samples go."""

LASTING_LEVEL = 1
"""The finest level that is kept longer than the samples."""

_FROM_SAMPLES = """
INSERT OR REPLACE INTO rollups
SELECT :channel, 0, bucket, count, min, max, sum,
    (SELECT number FROM samples WHERE channel = :channel AND time_us >= bucket AND time_us < bucket + :width
        AND number IS NOT NULL ORDER BY time_us DESC, position DESC LIMIT 1)
FROM (
    SELECT time_us / :width * :width AS bucket, count(*) AS count, min(number) AS min, max(number) AS max,
        total(number) AS sum
    FROM samples
    WHERE channel = :channel AND time_us >= :start AND time_us < :end AND number IS NOT NULL
    GROUP BY bucket
)
"""

# A sum that is NULL was not a number, and what it is part of is none either.
_FROM_BELOW = """
INSERT OR REPLACE INTO rollups
SELECT :channel, :level, bucket, count, min, max, sum,
    (SELECT last FROM rollups WHERE channel = :channel AND level = :level - 1 AND start_us >= bucket
        AND start_us < bucket + :width ORDER BY start_us DESC LIMIT 1)
FROM (
    SELECT start_us / :width * :width AS bucket, sum(count) AS count, min(min) AS min, max(max) AS max,
        CASE WHEN count(sum) = count(*) THEN total(sum) END AS sum
    FROM rollups
    WHERE channel = :channel AND level = :level - 1 AND start_us >= :start AND start_us < :end
    GROUP BY bucket
)
"""


def roll(connection: sqlite3.Connection, channel: int, start_us: int, end_us: int) -> None:
    """Makes all levels of the chunks from `start_us` to `end_us`, multiples of `CHUNK_US`, anew from the samples."""
    for level, width_us in enumerate(WIDTHS_US):
        bounds = {
            "channel": channel, "level": level, "width": width_us,
            "start": start_us // width_us * width_us, "end": -(-end_us // width_us) * width_us,
        }  # fmt: skip
        connection.execute(_FROM_BELOW if level else _FROM_SAMPLES, bounds)


def runs(chunks: Iterable[int]) -> list[tuple[int, int]]:
    """The stretches [first, behind the last) of neighbouring numbers."""
    found: list[tuple[int, int]] = []
    for chunk in sorted(set(chunks)):
        if found and found[-1][1] == chunk:
            found[-1] = (found[-1][0], chunk + 1)
        else:
            found.append((chunk, chunk + 1))
    return found
