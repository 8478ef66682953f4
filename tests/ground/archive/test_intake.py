"""The queue: how much it takes, what it counts, and what happens while the database refuses."""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.archive import Archive, ArchiveFault, Loss, NewEvent, opening, writer
from kittiwake_ground.archive.intake import Entry, Intake
from kittiwake_ground.archive.opening import DATABASE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ground.archive.conftest import Clock

WALL = 2 << 64 | 20_000 * 86_400_000_000


def batch(first: int, count: int) -> list[tuple[str, int, int, int]]:
    return [("A", WALL + number, 0, number) for number in range(first, first + count)]


@pytest.fixture
def small(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """An archive with room for ten items, which does not wait long for a locked database."""
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_MS", 10)
    monkeypatch.setattr(writer, "RETRY_INTERVAL_S", 0.01)
    with Archive(tmp_path, clock=clock, capacity=10, commit_interval_s=0.0) as made:
        yield made


@pytest.fixture
def lock(small: Archive, tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another connection that holds the database, so that the archive cannot write."""
    connection = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    connection.close()


def await_fault(archive: Archive) -> None:
    """Waits until the writer has tried and could not write."""
    end_s = time.monotonic() + 30
    while not archive.statistics.fault:
        assert time.monotonic() < end_s
        time.sleep(0.005)


def test_what_finds_no_room_is_refused_counted_and_shown_in_history(
    small: Archive, lock: sqlite3.Connection, clock: Clock
) -> None:
    assert small.add_samples("Ref", batch(0, 6))
    assert small.add_samples("Ref", batch(6, 4))
    assert not small.add_samples("Ref", batch(10, 7))
    assert not small.add_samples("Ref", batch(17, 1))
    assert small.add_events("Ref", [NewEvent("a.E", "FATAL", WALL, 0, "kept")])
    assert small.record_command("Ref", "a.C", 1, by="ada") == 1
    assert (small.statistics.dropped, small.statistics.queued) == (8, 12)
    lock.execute("ROLLBACK")
    small.flush()
    assert [sample.value for sample in small.samples("Ref", "A")] == list(range(10))
    assert len(small.events("Ref")) == len(small.commands("Ref")) == 1
    assert small.losses("Ref") == [Loss(clock.now_us, "samples", 8)]
    assert small.add_samples("Ref", batch(20, 1))


def test_a_database_that_refuses_is_tried_again_and_says_why(small: Archive, lock: sqlite3.Connection) -> None:
    small.add_samples("Ref", batch(0, 5))
    await_fault(small)
    with pytest.raises(ArchiveFault, match=r"did not write within 0\.2 s: database is locked"):
        small.flush(0.2)
    assert small.statistics.fault == "database is locked"
    lock.execute("ROLLBACK")
    small.flush()
    small.sweep()
    assert small.statistics.fault == ""
    assert small.statistics.samples == len(small.samples("Ref", "A")) == 5


def test_a_full_disk_loses_nothing_that_fits_into_the_queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RETRY_INTERVAL_S", 0.01)
    real_open = opening.open_writer
    opened: list[sqlite3.Connection] = []

    def small_disk(path: Path, now_us: int) -> tuple[sqlite3.Connection, Path | None]:
        connection, quarantined = real_open(path, now_us)
        connection.execute("PRAGMA max_page_count = 60")
        opened.append(connection)
        return connection, quarantined

    monkeypatch.setattr("kittiwake_ground.archive.archive.open_writer", small_disk)
    with Archive(tmp_path, commit_interval_s=0.0) as archive:
        archive.add_samples("Ref", batch(0, 20_000))
        await_fault(archive)
        with pytest.raises(ArchiveFault, match="full"):
            archive.flush(0.3)
        assert archive.statistics.samples == 0
        # While the writer rests between two attempts its connection is free for this.
        opened[0].execute("PRAGMA max_page_count = 1000000")
        archive.flush()
        assert archive.statistics.samples == 20_000
        assert sum(archive.buckets("Ref", "A", 0, 1 << 62, 2).count) == 20_000


def test_closing_says_what_could_not_be_written(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_TIMEOUT_MS", 10)
    archive = Archive(tmp_path, clock=clock)
    lock = sqlite3.connect(tmp_path / DATABASE, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    archive.add_samples("Ref", batch(0, 5))
    with pytest.raises(ArchiveFault, match="5 items could not be archived: database is locked"):
        archive.close()
    lock.close()
    Archive(tmp_path, clock=clock).close()


def test_who_waits_for_room_gets_it_when_the_writer_has_written() -> None:
    intake = Intake(10, 0.0)
    entry = Entry("Ref", "samples", 8, lambda recorder: None)
    assert intake.put(entry, reserved=False)
    assert not intake.put(entry, reserved=False, wait_s=0.01)
    waiting = threading.Thread(target=lambda: results.append(intake.put(entry, reserved=False, wait_s=10)))
    results: list[bool] = []
    waiting.start()
    taken = intake.take(1)
    assert [one.size for one in taken.entries] == [8]
    assert taken.losses == {("Ref", "samples"): 8}
    assert intake.queued == 8
    intake.done(taken.number)
    waiting.join()
    assert results == [True]


def test_a_batch_larger_than_the_queue_goes_in_when_the_queue_is_empty() -> None:
    intake = Intake(10, 0.0)
    assert intake.put(Entry("Ref", "samples", 50, lambda recorder: None), reserved=False)
    assert not intake.put(Entry("Ref", "samples", 1, lambda recorder: None), reserved=False)


def test_many_threads_put_in_and_read_at_once(archive: Archive) -> None:
    def work(name: str) -> None:
        for first in range(0, 2_000, 100):
            archive.add_samples("Ref", [(name, WALL + number, 0, number) for number in range(first, first + 100)])
            archive.flush()
            assert len(archive.samples("Ref", name)) == first + 100
            assert sum(archive.buckets("Ref", name, 0, 1 << 62, 10).count) == first + 100

    failures: list[BaseException] = []

    def guarded(name: str) -> None:
        try:
            work(name)
        except BaseException as fault:
            failures.append(fault)
            raise

    threads = [threading.Thread(target=guarded, args=(f"channel{number}",)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert archive.statistics.samples == 24_000


def test_the_queue_is_half_full_until_what_was_taken_of_it_is_written() -> None:
    queue = Intake(10, 0.0)
    queue.put(Entry("Ref", "samples", 5, lambda _: None), reserved=False)
    assert not queue.half_full
    queue.put(Entry("Ref", "samples", 1, lambda _: None), reserved=False)
    assert queue.half_full
    taken = queue.take(1.0)
    assert queue.half_full
    queue.done(taken.number)
    assert not queue.half_full


def test_pausing_does_not_help_where_the_database_refuses(small: Archive, lock: sqlite3.Connection) -> None:
    small.add_samples("Ref", batch(0, 6))
    until_s = time.monotonic() + 10
    while small.is_behind:
        assert time.monotonic() < until_s
        time.sleep(0.001)
    assert small.statistics.fault
    lock.execute("ROLLBACK")
    small.flush()
    assert small.statistics.samples == 6
