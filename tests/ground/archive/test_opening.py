"""Opening: versions, damage, other programs' databases, and two processes at once."""

from __future__ import annotations

import sqlite3
import stat
from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.archive import (
    Archive,
    ArchiveFault,
    ArchiveInUse,
    ArchiveTooNew,
    History,
    NotAnArchive,
    Retention,
)
from kittiwake_ground.archive.opening import DATABASE
from kittiwake_ground.archive.schema import APPLICATION_ID, MIGRATIONS, migrate
from tests.ground.archive.conftest import NOW_US

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ground.archive.conftest import Clock

WALL = 2 << 64 | 20_000 * 86_400_000_000


def fill(folder: Path, clock: Clock) -> Path:
    with Archive(folder, clock=clock) as archive:
        archive.add_samples("Ref", [("A", WALL + number, 0, number) for number in range(5_000)])
    return folder / DATABASE


def test_what_was_closed_is_there_again(tmp_path: Path, clock: Clock) -> None:
    path = fill(tmp_path / "a" / "b", clock)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Archive(path.parent, clock=clock) as archive:
        assert len(archive.samples("Ref", "A")) == 5_000
    with pytest.raises(ValueError, match="the archive is closed"):
        archive.add_samples("Ref", [("A", WALL, 0, 1)])
    with pytest.raises(ValueError, match="the archive is closed"):
        archive.samples("Ref", "A")
    archive.close()


def test_a_database_of_a_later_version_is_refused_and_left_alone(tmp_path: Path, clock: Clock) -> None:
    path = fill(tmp_path, clock)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(ArchiveTooNew, match="start the version that wrote it, or name another archive folder") as fault:
        Archive(tmp_path, clock=clock)
    assert (fault.value.path, fault.value.found, fault.value.known) == (path, len(MIGRATIONS) + 1, len(MIGRATIONS))
    assert [file.name for file in tmp_path.glob("*quarantined*")] == []


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / DATABASE
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NotAnArchive, match="is a database, but no archive of Kittiwake's") as fault:
        Archive(tmp_path, clock=clock)
    assert fault.value.path == path
    assert path.read_bytes() == before


def test_a_migration_keeps_what_is_there_and_is_applied_whole_or_not_at_all(tmp_path: Path, clock: Clock) -> None:
    path = fill(tmp_path, clock)
    connection = sqlite3.connect(path, isolation_level=None)
    broken = "ALTER TABLE events ADD COLUMN note TEXT; INSERT INTO nowhere VALUES (1)"
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        migrate(connection, path, (*MIGRATIONS, broken))
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert "note" not in [row[1] for row in connection.execute("PRAGMA table_info(events)")]
    migrate(connection, path, (*MIGRATIONS, "ALTER TABLE events ADD COLUMN note TEXT"))
    migrate(connection, path, (*MIGRATIONS, "ALTER TABLE events ADD COLUMN note TEXT"))
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("SELECT count(*) FROM samples").fetchone() == (5_000,)
    connection.close()


def test_files_from_before_their_ways_were_told_went_in_packets(tmp_path: Path) -> None:
    path = tmp_path / "archive.db"
    with sqlite3.connect(path, isolation_level=None) as connection:
        migrate(connection, path, MIGRATIONS[:1])
        connection.execute("INSERT INTO deployments VALUES (1, 'Ref')")
        connection.execute(
            "INSERT INTO files VALUES (1, 1, 'down', '/a', 'a', 3, NULL, 'completed', '', 'ada', ?, ?)",
            (NOW_US, NOW_US),
        )
    connection.close()
    with Archive(tmp_path, Retention(None, None, None, None, None, None)) as archive:
        archive.add_file("Ref", "down", "/b", "b", at_us=NOW_US + 5, way="cfdp", sha256="0af1")
        archive.flush()
        assert [(one.source, one.way, one.sha256) for one in archive.files("Ref")] == [
            ("/b", "cfdp", "0af1"),
            ("/a", "packets", ""),
        ]
        assert archive.has_file("Ref", NOW_US + 5)
        assert not archive.has_file("Ref", NOW_US + 6)
        assert not archive.has_file("Hive", NOW_US)


@pytest.mark.parametrize("damage", ["header", "pages", "text"])
def test_a_broken_database_is_set_aside_and_a_new_one_begun(tmp_path: Path, clock: Clock, damage: str) -> None:
    path = fill(tmp_path, clock)
    whole = path.read_bytes()
    broken = {
        "header": b"\xff" * 100 + whole[100:],
        "pages": whole[: len(whole) // 2] + b"\x5a" * 8192 + whole[len(whole) // 2 + 8192 :],
        "text": b"this was never a database\n" * 400,
    }[damage]
    for number in range(2):
        path.write_bytes(broken)
        with Archive(tmp_path, clock=clock) as archive:
            assert archive.quarantined is not None
            assert archive.quarantined.read_bytes() == broken
            suffix = "-1" if number else ""
            assert archive.quarantined.name == f"archive.db.quarantined-2027-015T080000{suffix}"
            archive.add_samples("Ref", [("A", WALL, 0, 1)])
            archive.flush()
            assert len(archive.samples("Ref", "A")) == 1


def test_a_database_that_cannot_be_opened_is_named_and_may_be_tried_again(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / DATABASE).mkdir()
    with pytest.raises(ArchiveFault, match=f"{tmp_path / DATABASE}: unable to open database file"):
        Archive(tmp_path, clock=clock)
    (tmp_path / DATABASE).rmdir()
    Archive(tmp_path, clock=clock).close()


def test_an_archive_belongs_to_one_writer_and_any_number_of_readers(tmp_path: Path, clock: Clock) -> None:
    with Archive(tmp_path, clock=clock) as archive:
        with pytest.raises(ArchiveInUse, match="stop it, or name another archive folder") as fault:
            Archive(tmp_path, clock=clock)
        assert fault.value.folder == tmp_path
        archive.add_samples("Ref", [("A", WALL, 0, 1)])
        archive.flush()
        reader = History(tmp_path)
        assert [sample.value for sample in reader.samples("Ref", "A")] == [1]
        reader.close()
    fill(tmp_path, clock)
