"""The ground's archive: how fast samples are committed, and how fast buckets of millions of them are answered.

Ingest: a thousand channels at 10 Hz, in batches of a thousand, from the call that takes them to the commit of the last;
making the batches does not count. The reference is what SQLite does with the same rows by itself: one `executemany`
for each 50,000, in the order of the key, with no duplicates looked for and no roll-ups. Buckets: one channel with
10 million samples over a year, 500 buckets of the year and of an hour in it; the reference is the same answer straight
from the samples. Memory is what the process grew by while the last four fifths of that year came in.

`python -m bench.archive --samples 50000000` measures with more than the 10 million.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.measure import Figure, resident_mb, seconds_of
from kittiwake_ground.archive import Archive, Retention
from kittiwake_ground.archive.opening import DATABASE
from kittiwake_ground.archive.schema import MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = 10_000_000
CHANNELS = 1_000
INGESTED = 500_000
ROUNDS = 3
BATCH = 1_000
TRANSACTION = 50_000
BUCKETS = 500
QUERIES = 15
START_US = 20_000 * 86_400_000_000
HOUR_US = 3_600_000_000
YEAR_US = 365 * 24 * HOUR_US
WALL = 2 << 64
KEEP_ALL = Retention(None, None, None, None, None, None)
WAIT_S = 60.0
NAME = "Ref.device.temperature"


class Incomplete(AssertionError):
    """The archive does not hold what it was given."""


def _batches() -> list[list[tuple[str, int, int, float]]]:
    names = [f"Ref.instance{number // 10}.Channel{number % 10}" for number in range(CHANNELS)]
    found = []
    for first in range(0, INGESTED, BATCH):
        time_us = START_US + first // CHANNELS * 100_000
        found.append([(name, WALL | time_us, time_us + 7_000, index * 0.5) for index, name in enumerate(names)])
    return found


def _ingest() -> float:
    """Samples per second, from the first call to the last commit."""
    batches = _batches()
    with tempfile.TemporaryDirectory(prefix="kw-bench-") as folder, Archive(Path(folder), KEEP_ALL) as archive:
        began = time.perf_counter()
        for batch in batches:
            archive.add_samples("Ref", batch, wait_s=WAIT_S)
        archive.flush()
        elapsed_s = time.perf_counter() - began
        if archive.statistics.samples != INGESTED:
            raise Incomplete(f"{archive.statistics}")
    return INGESTED / elapsed_s


def _insert() -> float:
    """Rows per second that SQLite inserts into the same table."""
    rows = [
        (index, row[1] - WALL, 0, 2, None, row[2], 0, row[3], None)
        for batch in _batches()
        for index, row in enumerate(batch)
    ]
    parts = [sorted(rows[first : first + TRANSACTION]) for first in range(0, INGESTED, TRANSACTION)]
    with tempfile.TemporaryDirectory(prefix="kw-bench-") as folder:
        connection = sqlite3.connect(Path(folder) / DATABASE, isolation_level=None)
        connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; {MIGRATIONS[0]}")
        began = time.perf_counter()
        for part in parts:
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", part)
            connection.execute("COMMIT")
        elapsed_s = time.perf_counter() - began
        connection.close()
    return INGESTED / elapsed_s


def _year(samples: int) -> Iterator[list[tuple[str, int, int, float]]]:
    step_us = YEAR_US // samples
    for first in range(0, samples, BATCH):
        times = range(START_US + first * step_us, START_US + min(first + BATCH, samples) * step_us, step_us)
        yield [(NAME, WALL | time_us, time_us, float(time_us % 1_000)) for time_us in times]


def _straight(path: Path, start_us: int, end_us: int, width_us: int) -> float:
    connection = sqlite3.connect(path)
    query = (
        "SELECT time_us / ?, count(*), min(number), max(number), total(number) FROM samples"
        " WHERE channel = 1 AND time_us >= ? AND time_us < ? GROUP BY 1"
    )
    elapsed_s = seconds_of(lambda: connection.execute(query, (width_us, start_us, end_us)).fetchall())
    connection.close()
    return elapsed_s


def _buckets(archive: Archive, path: Path, what: str, start_us: int, end_us: int, expected: int) -> Figure:
    found = archive.buckets("Ref", NAME, start_us, end_us, BUCKETS)
    if sum(found.count) != expected:
        raise Incomplete(f"{what}: {sum(found.count)} samples in the buckets, not {expected}")
    times_ms = [
        seconds_of(lambda: archive.buckets("Ref", NAME, start_us, end_us, BUCKETS)) * 1e3 for _ in range(QUERIES)
    ]
    reference_ms = _straight(path, start_us, end_us, found.width_us) * 1e3
    value = statistics.median(times_ms)
    return Figure(f"bucket query, {what}", value, "ms", reference_ms, value, 10, 4)


def _history(samples: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="kw-bench-") as folder, Archive(Path(folder), KEEP_ALL) as archive:
        early_mb = 0.0
        for number, batch in enumerate(_year(samples)):
            if number == samples // BATCH // 5:
                early_mb = resident_mb()
            archive.add_samples("Ref", batch, wait_s=WAIT_S)
        archive.flush()
        grown_mb = resident_mb() - early_mb
        path = Path(folder) / DATABASE
        step_us = YEAR_US // samples
        # Neither end lies on a boundary, so that both edges are read from finer levels and from samples.
        whole = (START_US + 12_345, START_US + samples * step_us - 54_321)
        middle_us = START_US + YEAR_US // 2 + 12_345
        inside = [
            (end_us - START_US - 1) // step_us - (start_us - START_US - 1) // step_us
            for start_us, end_us in (whole, (middle_us, middle_us + HOUR_US))
        ]
        millions = f"{samples / 1e6:g} M samples"
        return [
            _buckets(archive, path, f"a year of {millions}", *whole, inside[0]),
            _buckets(archive, path, f"an hour of {millions}", middle_us, middle_us + HOUR_US, inside[1]),
            Figure("archive, memory grown while ingesting", grown_mb, "MB", early_mb, grown_mb, 32, 8),
        ]


def figures(samples: int = SAMPLES) -> list[Figure]:
    """Ingest, buckets and memory."""
    pairs = [(_ingest(), _insert()) for _ in range(ROUNDS)]
    ours = statistics.median([one for one, _ in pairs])
    theirs = statistics.median([other for _, other in pairs])
    ingest = Figure("archive ingest", ours, "1/s", theirs, ours, 150_000, 300_000, more_is_better=True)
    return [ingest, *_history(samples)]


def main() -> None:
    """Measures with as many samples as the command line says, and prints."""
    parser = argparse.ArgumentParser("python -m bench.archive", description="Measure the archive.")
    parser.add_argument("--samples", type=int, default=SAMPLES, help=f"how many to query (default {SAMPLES})")
    for figure in figures(parser.parse_args().samples):
        print(f"{figure.name:<48}{figure.value:>11.4g} {figure.unit:<8}{figure.reference:>10.4g}")


if __name__ == "__main__":
    main()
