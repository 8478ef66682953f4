"""Answers a query for buckets from the coarsest roll-ups that do, and from samples where these are not enough.

The time asked for is cut into pieces: the open chunks and what hangs over at both ends come from finer levels and at
last from the samples, all between from the level that fits the width. So every bucket is exact, and the rows read are a
few times the buckets asked for. Before the horizon, where the samples are gone, the time is widened to whole minutes:
a minute counts where it begins.
"""

from __future__ import annotations

from array import array
from math import nan
from typing import TYPE_CHECKING, NamedTuple

from kittiwake_ground.archive.records import Buckets
from kittiwake_ground.archive.rollups import CHUNK_US, LASTING_LEVEL, SECOND_US, WIDTHS_US

if TYPE_CHECKING:
    import sqlite3

MAX_BUCKETS = 10_000
SAMPLES = -1
"""The level of the samples themselves."""

_MINUTE_US, _HOUR_US, _DAY_US = 60 * SECOND_US, 3_600 * SECOND_US, 86_400 * SECOND_US

WIDTHS_OFFERED_US: tuple[int, ...] = (
    *(digit * 10**power for power in range(6) for digit in (1, 2, 5)),
    *(count * SECOND_US for count in (1, 2, 5, 10, 30)),
    *(count * _MINUTE_US for count in (1, 2, 5, 10, 30)),
    *(count * _HOUR_US for count in (1, 2, 3, 6, 12)),
    *(digit * 10**power * _DAY_US for power in range(8) for digit in (1, 2, 5)),
)
"""The widths of buckets: steps that people read easily, and that the levels divide."""

LAST_US = 1 << 62

_OF_SAMPLES = """
SELECT bucket, count, min, max, sum, (
    SELECT {number} FROM samples WHERE channel = :channel AND time_us >= bucket * :width AND time_us >= :start
        AND time_us < (bucket + 1) * :width AND time_us < :end AND {fits} ORDER BY time_us DESC, position DESC LIMIT 1
) FROM (
    SELECT time_us / :width AS bucket, count(*) AS count, min({number}) AS min, max({number}) AS max,
        total({number}) AS sum
    FROM samples WHERE channel = :channel AND time_us >= :start AND time_us < :end AND {fits} GROUP BY bucket
)
"""
_NUMBER = {"number": "number", "fits": "number IS NOT NULL"}
_MEMBER = {
    "number": "json_extract(text, :path)",
    "fits": "number IS NULL AND json_type(text, :path) IN ('integer', 'real', 'true', 'false')",
}
_OF_ROLLUPS = """
SELECT start_us / :width, count, min, max, sum, last FROM rollups
WHERE channel = :channel AND level = :level AND start_us >= :start AND start_us < :end ORDER BY start_us
"""

_HORIZONS = "SELECT what, time_us FROM horizons JOIN channels USING (deployment) WHERE channels.id = ?"


class Piece(NamedTuple):
    """A stretch [start, end) of time that is read from one level."""

    level: int
    start_us: int
    end_us: int


def width_for(start_us: int, end_us: int, count: int) -> int:
    """The least of the widths offered that cuts [start, end) into at most `count` buckets. Raises `ValueError`."""
    if not 2 <= count <= MAX_BUCKETS:
        raise ValueError(f"2 to {MAX_BUCKETS} buckets can be asked for, not {count}")
    for width_us in WIDTHS_OFFERED_US:
        if (end_us - 1) // width_us - start_us // width_us < count:
            return width_us
    return WIDTHS_OFFERED_US[-1]


def pieces(start_us: int, end_us: int, level: int) -> list[Piece]:
    """[start, end) cut so that as much as can be is read from `level`, and the rest from finer ones."""
    if start_us >= end_us:
        return []
    if level == SAMPLES:
        return [Piece(SAMPLES, start_us, end_us)]
    width_us = WIDTHS_US[level]
    first_us = -(-start_us // width_us) * width_us
    last_us = end_us // width_us * width_us
    if first_us >= last_us:
        return pieces(start_us, end_us, level - 1)
    return [
        *pieces(start_us, first_us, level - 1),
        Piece(level, first_us, last_us),
        *pieces(last_us, end_us, level - 1),
    ]


def _plan(connection: sqlite3.Connection, channel: int, start_us: int, end_us: int, level: int) -> list[Piece]:
    horizons = dict(connection.execute(_HORIZONS, (channel,)).fetchall())
    horizon_us = horizons.get("samples", 0)
    start_us = max(start_us, horizons.get("rollups", 0))
    found: list[Piece] = []
    if start_us < horizon_us:
        lasting_us = WIDTHS_US[LASTING_LEVEL]
        first_us = -(-start_us // lasting_us) * lasting_us
        last_us = min(-(-end_us // lasting_us) * lasting_us, horizon_us)
        found = pieces(first_us, last_us, max(level, LASTING_LEVEL))
        start_us = horizon_us
    unrolled = connection.execute("SELECT chunk FROM open_chunks WHERE channel = ? ORDER BY chunk", (channel,))
    for (chunk,) in unrolled.fetchall():
        from_us, to_us = max(chunk * CHUNK_US, start_us), min((chunk + 1) * CHUNK_US, end_us)
        if from_us < to_us:
            found += [*pieces(start_us, from_us, level), Piece(SAMPLES, from_us, to_us)]
            start_us = to_us
    return [*found, *pieces(start_us, end_us, level)]


def read_buckets(
    connection: sqlite3.Connection, channel: int, path: str, start_us: int, end_us: int, count: int
) -> Buckets:
    """At most `count` buckets of [start, end); of the member at the JSON `path`, if that is not empty.

    Raises `ValueError` for a `count` out of bounds.
    """
    start_us, end_us = max(start_us, 0), min(end_us, LAST_US)
    width_us = width_for(start_us, end_us, count)
    level = max([index for index, width in enumerate(WIDTHS_US) if width_us % width == 0], default=SAMPLES)
    if path:
        plan = [Piece(SAMPLES, start_us, end_us)]
    else:
        plan = _plan(connection, channel, start_us, end_us, level)
    samples = _OF_SAMPLES.format_map(_MEMBER if path else _NUMBER)
    found: dict[int, list[float]] = {}
    for piece in plan:
        bounds = {
            "channel": channel, "width": width_us, "level": piece.level, "path": path,
            "start": piece.start_us, "end": piece.end_us,
        }  # fmt: skip
        for row in connection.execute(samples if piece.level == SAMPLES else _OF_ROLLUPS, bounds):
            _merge(found, row)
    return _arrays(width_us, found)


def _merge(found: dict[int, list[float]], row: tuple[int, int, float, float, float | None, float]) -> None:
    """Adds a row that is later than all before it."""
    bucket, count, low, high, total, last = row
    there = found.get(bucket)
    if there is None:
        found[bucket] = [count, low, high, nan if total is None else total, last]
        return
    there[0] += count
    if low < there[1]:
        there[1] = low
    if high > there[2]:
        there[2] = high
    there[3] += nan if total is None else total
    there[4] = last


def _arrays(width_us: int, found: dict[int, list[float]]) -> Buckets:
    rows = list(found.values())
    return Buckets(
        width_us,
        array("q", [bucket * width_us for bucket in found]),
        array("q", [int(row[0]) for row in rows]),
        array("d", [row[1] for row in rows]),
        array("d", [row[2] for row in rows]),
        array("d", [row[3] / row[0] for row in rows]),
        array("d", [row[4] for row in rows]),
    )
