"""Databases: migrations, transactions that count whole or not at all, and damage that is kept aside."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.platform.seeded import SeededRandom
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.platform.system import SystemPlatform
from kittiwake.storage.database import (
    ConstraintBroken,
    Database,
    DatabaseFault,
    DatabaseTooNew,
    open_database,
)
from tests.framework.storage.crashes import new_platform
from tests.framework.storage.kills import run_until_killed

if TYPE_CHECKING:
    from pathlib import Path

PATH = "/data/jobs.sqlite"
FIRST = ("CREATE TABLE job (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",)
SECOND = (
    "ALTER TABLE job ADD COLUMN runs INTEGER NOT NULL DEFAULT 0",
    "CREATE INDEX job_runs ON job (runs)",
)


def opened(platform: Any, path: str = PATH, *, durable: bool = True) -> Database:
    database, findings = open_database(platform, path, (FIRST,), durable=durable)
    assert findings == ()
    return database


def names(database: Database) -> list[str]:
    return [name for (name,) in database.rows("SELECT name FROM job ORDER BY id")]


def add(database: Database, *new: str) -> None:
    with database.transaction():
        for name in new:
            database.run("INSERT INTO job (name) VALUES (?)", name)


@pytest.fixture(params=["system", "simulated"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, str]:
    if request.param == "system":
        return SystemPlatform(), str(tmp_path / "jobs.sqlite")
    return new_platform(), PATH


def test_what_was_committed_is_read_back_after_a_close(machine: tuple[Any, str]) -> None:
    database = opened(*machine)
    add(database, "report", "picture")
    database.close()
    assert names(opened(*machine)) == ["report", "picture"]


def test_a_transaction_that_raises_leaves_nothing(machine: tuple[Any, str]) -> None:
    database = opened(*machine)

    def half() -> None:
        with database.transaction():
            database.run("INSERT INTO job (name) VALUES ('half')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert names(database) == []
    add(database, "whole")
    assert names(database) == ["whole"]


def test_what_stands_is_read_once_until_something_is_written_or_taken_back(
    machine: tuple[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = opened(*machine)
    count = "SELECT count(*) FROM job"
    asked: list[str] = []
    read = database.value

    def value(sql: str) -> Any:
        asked.append(sql)
        return read(sql)

    monkeypatch.setattr(database, "value", value)
    assert [database.standing_value(count) for _ in range(3)] == [0, 0, 0]
    assert asked == [count]
    add(database, "report", "picture")
    assert [database.standing_value(count) for _ in range(2)] == [2, 2]
    assert asked == [count, count]

    def half() -> None:
        with database.transaction():
            database.run("INSERT INTO job (name) VALUES ('half')")
            assert database.standing_value(count) == 3
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert database.standing_value(count) == 2


def test_what_the_schema_refuses_is_a_value_error_and_takes_the_whole_transaction_back(
    machine: tuple[Any, str],
) -> None:
    database = opened(*machine)
    add(database, "report")
    with pytest.raises(ConstraintBroken, match="UNIQUE"):
        add(database, "new", "report")
    assert names(database) == ["report"]


def test_many_rows_and_returned_ids(machine: tuple[Any, str]) -> None:
    database = opened(*machine)
    with database.transaction():
        database.run_many("INSERT INTO job (name) VALUES (?)", [(f"job {number}",) for number in range(100)])
        [(last,)] = database.run("INSERT INTO job (name) VALUES ('last') RETURNING id")
    assert last == 101
    assert database.value("SELECT count(*) FROM job") == 101
    assert database.value("SELECT id FROM job WHERE name = 'none'") is None


def test_writes_outside_of_a_transaction_are_refused(machine: tuple[Any, str]) -> None:
    with pytest.raises(AssertionError):
        opened(*machine).run("INSERT INTO job (name) VALUES ('x')")


def test_a_schema_climbs_the_steps_that_it_lacks_and_keeps_its_rows(machine: tuple[Any, str]) -> None:
    database = opened(*machine)
    add(database, "report")
    database.close()
    platform, path = machine
    database, findings = open_database(platform, path, (FIRST, SECOND))
    assert findings == ()
    assert database.rows("SELECT name, runs FROM job") == [("report", 0)]
    assert database.value("PRAGMA user_version") == 2


def test_a_step_that_fails_half_way_leaves_the_schema_as_it_was(machine: tuple[Any, str]) -> None:
    database = opened(*machine)
    database.close()
    platform, path = machine
    with pytest.raises(DatabaseFault):
        open_database(platform, path, (FIRST, (SECOND[0], "CREATE NONSENSE")))
    database, _ = open_database(platform, path, (FIRST, SECOND))
    assert database.rows("SELECT name, runs FROM job") == []


def test_a_database_of_later_software_is_refused_and_left_alone(machine: tuple[Any, str]) -> None:
    platform, path = machine
    database, _ = open_database(platform, path, (FIRST, SECOND))
    add(database, "report")
    database.close()
    with pytest.raises(DatabaseTooNew, match="schema version 2, this software knows 1"):
        open_database(platform, path, (FIRST,))
    database, _ = open_database(platform, path, (FIRST, SECOND))
    assert names(database) == ["report"]


def test_a_damaged_file_is_kept_aside_and_a_new_database_takes_its_place(machine: tuple[Any, str]) -> None:
    platform, path = machine
    database = opened(platform, path)
    add(database, "report")
    database.close()
    with platform.files.open(path, "w") as file:
        file.write_at(0, b"no database at all" * 100)
        file.sync()
    database, findings = open_database(platform, path, (FIRST,))
    assert names(database) == []
    [finding] = findings
    assert finding.kept_as == f"{path}.bad.0"
    assert "is damaged" in finding.reason
    assert platform.files.read(finding.kept_as, 1 << 20).startswith(b"no database")


def test_a_page_that_rotted_is_found_at_the_opening(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    database = opened(SystemPlatform(), str(path))
    with database.transaction():
        database.run_many("INSERT INTO job (name) VALUES (?)", [(f"a job of some length {n}",) for n in range(2000)])
    database.close()
    content = bytearray(path.read_bytes())
    content[4096:8192] = bytes(4096)
    path.write_bytes(content)
    database, findings = open_database(SystemPlatform(), str(path), (FIRST,))
    assert names(database) == []
    assert [finding.kept_as for finding in findings] == [f"{path}.bad.0"]


@given(st.lists(st.lists(st.integers(0, 9999), min_size=1, max_size=4, unique=True), max_size=6), st.integers(0, 99))
def test_a_power_cut_at_any_operation_keeps_each_transaction_whole(groups: list[list[int]], seed: int) -> None:
    random = SeededRandom(seed)
    platform = new_platform(seed)
    platform.files.cut_at(platform.files.operations + 1 + random.below(16), after=random.chance(0.5))
    done: list[int] = []
    under_way: list[int] = []
    try:
        database = opened(platform)
        for place, group in enumerate(groups):
            under_way = [place * 10_000 + number for number in group]
            add(database, *map(str, under_way))
            done += under_way
            under_way = []
    except PowerCut:
        pass
    found = [int(name) for name in names(opened(platform.restart() if random.chance(0.3) else platform.crash()))]
    assert found in (done, done + under_way)


@given(st.integers(0, 40), st.integers(0, 1 << 30))
def test_without_durability_a_power_cut_takes_the_last_transactions_and_a_kill_none(count: int, seed: int) -> None:
    def run(platform: SimulatedPlatform) -> SimulatedPlatform:
        database = opened(platform, durable=False)
        for number in range(count):
            add(database, str(number))
        return platform

    everything = [str(number) for number in range(count)]
    assert names(opened(run(new_platform(seed)).restart())) == everything
    left = names(opened(run(new_platform(seed)).crash()))
    assert left == everything[: len(left)]
    assert count - len(left) < 16


def test_a_transaction_that_the_process_left_open_is_gone_after_it() -> None:
    platform = new_platform()
    database = opened(platform)
    database.transaction().__enter__()
    database.run("INSERT INTO job (name) VALUES ('open')")
    assert names(opened(platform.restart())) == []


def test_a_full_disk_takes_the_transaction_back() -> None:
    platform = new_platform()
    database = opened(platform)
    platform.files.fail_every("commit", errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        add(database, "report")
    platform.files.heal()
    assert names(database) == []
    add(database, "picture")
    assert names(opened(platform.crash())) == ["picture"]


_WRITER = """
from kittiwake.storage.database import open_database
database, findings = open_database(SystemPlatform(), path, (("CREATE TABLE job (number INTEGER)",),))
assert findings == ()
for number in range(first, first + 100000):
    with database.transaction():
        database.run("INSERT INTO job VALUES (?)", number)
        database.run("INSERT INTO job VALUES (?)", -number)
    acknowledge(number)
"""


def test_a_killed_process_has_lost_no_transaction_that_it_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    first = 1
    for seed in range(6):
        last = run_until_killed(_WRITER, path, first, SeededRandom(seed))
        database, findings = open_database(SystemPlatform(), str(path), (("CREATE TABLE job (number INTEGER)",),))
        assert findings == ()
        numbers = [number for (number,) in database.rows("SELECT number FROM job WHERE number > 0 ORDER BY number")]
        negatives = database.rows("SELECT -number FROM job WHERE number < 0 ORDER BY -number")
        assert numbers == list(range(1, numbers[-1] + 1))
        assert [number for (number,) in negatives] == numbers
        assert numbers[-1] in (last, last + 1)
        database.close()
        first = numbers[-1] + 1
