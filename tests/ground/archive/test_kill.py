"""The archive's process is killed at work: what was put in until a second before is there, and all of it fits."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from kittiwake_ground.archive import Archive
from tests.ground.archive.killed import START

STEP_US = 250_000
START_US = START % (1 << 64)


@pytest.mark.parametrize("run_s", [1.3, 2.1])
def test_a_kill_loses_at_most_the_last_second(tmp_path: Path, run_s: float) -> None:
    script = str(Path(__file__).with_name("killed.py"))
    process = subprocess.Popen([sys.executable, script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    reported = [process.stdout.readline().split()]
    began_s = float(reported[0][1])
    # The lines are read as they come, so that the process never waits for a full pipe.
    while float(reported[-1][1]) - began_s < run_s:
        reported.append(process.stdout.readline().split())
    process.kill()
    killed_s = time.monotonic()
    reported += [line.split() for line in process.stdout.read().splitlines() if line.count(" ") == 1]
    process.wait()
    process.stdout.close()
    due = max(int(number) for number, at_s in reported if float(at_s) < killed_s - 1.0)

    with Archive(tmp_path) as archive:
        assert archive.quarantined is None
        values = [sample.value for sample in archive.samples("Ref", "A")]
        assert due > 0
        assert len(values) >= due
        assert values == list(range(len(values)))
        assert [sample.value for sample in archive.samples("Ref", "B")] == values[::2]
        assert len(archive.events("Ref", limit=10_000)) == len(values) // 100
        check_buckets(archive, len(values))
        # The archive goes on where it was cut off, and takes what is sent again for what it is.
        again = [("A", START + number * STEP_US, 1, number) for number in range(len(values) + 50)]
        archive.add_samples("Ref", again)
        archive.flush()
        assert archive.statistics.duplicates == len(values)
        check_buckets(archive, len(again))


def check_buckets(archive: Archive, count: int) -> None:
    """The roll-ups hold what the samples hold."""
    end_us = START_US + count * STEP_US
    for parts in (2, 7, 60, 500):
        found = archive.buckets("Ref", "A", START_US, end_us, parts)
        assert sum(found.count) == count
        for index, start_us in enumerate(found.start_us):
            first = max(0, -(-(start_us - START_US) // STEP_US))
            last = min(count, -(-(start_us + found.width_us - START_US) // STEP_US)) - 1
            assert (found.min[index], found.max[index], found.last[index]) == (first, last, last)
            assert found.mean[index] == pytest.approx((first + last) / 2)
