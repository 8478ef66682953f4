"""Retention: what goes when, and what can still be asked afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.archive import Archive, Frame, NewEvent, Retention, retention
from kittiwake_ground.archive.opening import DATABASE, open_writer
from kittiwake_ground.archive.sampling import SampleWriter

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ground.archive.conftest import Clock

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
WALL = 2 << 64
KEEP_ALL = Retention(None, None, None, None, None, None)


def fill(archive: Archive, from_us: int, until_us: int, step_us: int, deployment: str = "Ref") -> int:
    """One sample of A each step, which counts the steps; gives their number."""
    times = range(from_us, until_us, step_us)
    archive.add_samples(deployment, [("A", WALL | time_us, time_us, number) for number, time_us in enumerate(times)])
    archive.flush()
    return len(times)


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "STEP_ROWS", 100)


def test_old_samples_go_and_their_statistics_stay(tmp_path: Path, clock: Clock) -> None:
    start_us = clock.now_us // DAY * DAY - 10 * DAY
    with Archive(tmp_path, KEEP_ALL._replace(samples_s=86_400), clock, commit_interval_s=0.0) as archive:
        count = fill(archive, start_us, clock.now_us, 10 * 60 * SECOND)
        archive.sweep()
        horizon_us = archive.samples("Ref", "A")[0].time_us
        newest_us = archive.samples("Ref", "A")[-1].time_us
        assert newest_us - DAY <= horizon_us <= newest_us - DAY + 10 * 60 * SECOND
        for parts in (2, 11, 300, 2_000):
            found = archive.buckets("Ref", "A", start_us, clock.now_us, parts)
            assert sum(found.count) == count
            assert (min(found.min), max(found.max), found.last[-1]) == (0, count - 1, count - 1)
        # A minute before the horizon counts where it begins.
        old = archive.buckets("Ref", "A", start_us - 10 * SECOND, start_us + 10 * SECOND, 2)
        assert list(old.count) == [1]
        assert list(archive.buckets("Ref", "A", start_us + 1, start_us + 10 * SECOND, 2).count) == []
        # What comes too late for its own time is not taken, and counted.
        archive.add_samples("Ref", [("A", WALL | start_us + 5, 0, 1), ("B", WALL | start_us, 0, 1)])
        archive.flush()
        assert archive.statistics.expired == 2
        assert sum(archive.buckets("Ref", "A", start_us, clock.now_us, 11).count) == count


def test_a_channel_that_stopped_long_ago_keeps_its_statistics(tmp_path: Path, clock: Clock) -> None:
    stopped_us = clock.now_us - 5 * DAY
    with Archive(tmp_path, KEEP_ALL._replace(samples_s=86_400), clock, commit_interval_s=0.0) as archive:
        archive.add_samples("Ref", [("Stopped", WALL | stopped_us + number, 0, number) for number in range(3)])
        fill(archive, clock.now_us - DAY, clock.now_us, HOUR)
        archive.sweep()
        assert archive.samples("Ref", "Stopped") == []
        found = archive.buckets("Ref", "Stopped", stopped_us - DAY, stopped_us + DAY, 10)
        assert (list(found.count), list(found.last)) == ([3], [2.0])


def test_statistics_go_at_last(tmp_path: Path, clock: Clock) -> None:
    start_us = clock.now_us // DAY * DAY - 20 * DAY
    keep = KEEP_ALL._replace(samples_s=86_400, rollups_s=10 * 86_400)
    with Archive(tmp_path, keep, clock, commit_interval_s=0.0) as archive:
        fill(archive, start_us, clock.now_us, HOUR)
        archive.sweep()
        found = archive.buckets("Ref", "A", start_us, clock.now_us, 1_000)
        assert 10 * DAY <= clock.now_us - found.start_us[0] <= 11 * DAY + HOUR
        assert found.start_us[0] % DAY == 0
        archive.sweep()
        assert archive.buckets("Ref", "A", start_us, clock.now_us, 1_000) == found


def test_a_deployment_that_lives_in_the_past_ages_by_its_own_time(tmp_path: Path, clock: Clock) -> None:
    with Archive(tmp_path, KEEP_ALL._replace(samples_s=86_400), clock, commit_interval_s=0.0) as archive:
        fill(archive, clock.now_us - 1_000 * DAY, clock.now_us - 998 * DAY, HOUR, "Simulated")
        fill(archive, clock.now_us - 2 * DAY, clock.now_us, HOUR)
        # One sample whose clock ran ahead takes nothing else away than a day before now.
        archive.add_samples("Ref", [("A", WALL | clock.now_us + 500 * DAY, 0, 1)])
        archive.flush()
        archive.sweep()
        assert len(archive.samples("Simulated", "A")) == 25
        assert len(archive.samples("Ref", "A")) == 25
        archive.add_samples("Simulated", [("A", WALL | clock.now_us - 998 * DAY, 0, 1)])
        archive.flush()
        assert archive.statistics.expired == 0


def test_each_kind_of_thing_has_its_own_age(tmp_path: Path, clock: Clock) -> None:
    keep = Retention(None, None, events_s=30, commands_s=50, files_s=40, frames_s=10)
    with Archive(tmp_path, keep, clock, commit_interval_s=0.0) as archive:
        for age_s in (0, 20, 35, 45, 60):
            at_us = clock.now_us - age_s * SECOND
            archive.add_frames("Ref", [Frame(at_us, "up", b"x")] * 250)
            archive.add_events("Ref", [NewEvent("a.E", "FATAL", WALL | 1, at_us, "")])
            archive.add_file("Ref", "up", "a", "b", at_us=at_us)
            archive.update_command(archive.record_command("Ref", "a.C", 1, by="", at_us=at_us), "sent")
        archive.flush()
        archive.sweep()
        assert len(archive.frames("Ref")) == 250
        counts = len(archive.events("Ref")), len(archive.files("Ref")), len(archive.commands("Ref"))
        assert counts == (2, 3, 4)
        assert all(len(command.steps) == 2 for command in archive.commands("Ref"))


def test_a_database_over_its_size_gives_up_the_oldest(tmp_path: Path, clock: Clock) -> None:
    limit = 1_000_000
    with Archive(tmp_path, KEEP_ALL._replace(size_bytes=limit), clock, commit_interval_s=0.0) as archive:
        count = fill(archive, clock.now_us - 40_000 * SECOND, clock.now_us, SECOND)
        archive.add_events(
            "Ref", [NewEvent("a.E", "FATAL", WALL, clock.now_us - age * SECOND, "") for age in (0, 39_999)]
        )
        archive.flush()
        archive.sweep()
        left = archive.samples("Ref", "A")
        assert count // 4 < len(left) < count * 3 // 4
        assert [sample.value for sample in left] == list(range(count - len(left), count))
        assert len(archive.events("Ref")) == 1
        assert sum(archive.buckets("Ref", "A", 0, clock.now_us, 2).count) == count
        assert archive.statistics.fault == ""
    assert (tmp_path / DATABASE).stat().st_size < limit * 1.4


def test_a_size_that_nothing_meets_ends_with_the_last_minute(tmp_path: Path, clock: Clock) -> None:
    with Archive(tmp_path, KEEP_ALL._replace(size_bytes=1), clock, commit_interval_s=0.0) as archive:
        fill(archive, clock.now_us - 10 * DAY, clock.now_us, HOUR)
        archive.add_samples("Other", [("A", WALL | clock.now_us, 0, 1)])
        archive.flush()
        archive.sweep()
        assert len(archive.samples("Ref", "A")) == len(archive.samples("Other", "A")) == 1
        assert (
            archive.buckets("Ref", "A", clock.now_us - 10 * DAY, clock.now_us, 10).start_us[0] > clock.now_us - 3 * DAY
        )


def test_retention_that_was_cut_off_is_finished_by_the_next(tmp_path: Path, clock: Clock) -> None:
    keep = KEEP_ALL._replace(samples_s=100)
    with Archive(tmp_path, KEEP_ALL, clock, commit_interval_s=0.0) as archive:
        count = fill(archive, clock.now_us - 2_000 * SECOND, clock.now_us, SECOND)
    connection, _ = open_writer(tmp_path / DATABASE, clock.now_us)
    sweeper = retention.Sweeper(connection, SampleWriter(connection), keep)
    steps = 0
    while sweeper.step(clock.now_us):
        steps += 1
        if connection.execute("SELECT count(*) FROM samples").fetchone()[0] < count - 500:
            break
    connection.close()
    with Archive(tmp_path, keep, clock, commit_interval_s=0.0) as archive:
        assert sum(archive.buckets("Ref", "A", 0, clock.now_us, 300).count) == count
        archive.sweep()
        assert sum(archive.buckets("Ref", "A", 0, clock.now_us, 300).count) == count
        assert 100 <= len(archive.samples("Ref", "A")) <= 160
    assert steps > 5
