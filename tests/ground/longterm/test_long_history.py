"""Long history: Parquet files by day that are whole or not there, what retention may rely on, and questions in SQL."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.cli.main import main
from kittiwake_ground.archive import Archive, ArchiveInUse, NewEvent, Retention
from kittiwake_ground.archive.opening import lock_folder
from kittiwake_ground.longterm.asking import QueryRefused, ask
from kittiwake_ground.longterm.exporting import KEPT, SAME, WRITTEN, ExportedBefore, export_parquet
from kittiwake_ground.longterm.partitions import DAY_US, Partition, day_bounds, day_of, day_text
from kittiwake_ground.longterm.rows import plain_value
from kittiwake_ground.longterm.writing import PARTIAL, read_written
from tests.peers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: no Parquet files can be written")
pytest.importorskip("duckdb", reason="DuckDB is not installed: nobody can be asked")

NOW_US = 20_000 * DAY_US + 1
"""A microsecond after midnight."""

TODAY = day_of(NOW_US)
YESTERDAY = TODAY - 1


def tag(time_us: int) -> int:
    return 2 << 64 | time_us


def sample(channel: str, time_us: int, value: Any) -> tuple[str, int, int, Any]:
    return channel, tag(time_us), time_us, value


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    keep_all = Retention(None, None, None, None, None, None)
    with Archive(tmp_path / "archive", keep_all, lambda: NOW_US, commit_interval_s=0.0) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "parquet"


def export(archive: Archive, folder: Path, now_us: int = NOW_US, **options: Any) -> dict[tuple[str, int], str]:
    """Exports, and gives what became of each partition."""
    archive.flush()
    place = folder.parent / "archive"
    return {
        (one.partition.kind, one.partition.day): one.outcome for one in export_parquet(place, folder, now_us, **options)
    }


@given(time_us=st.integers(0, 1 << 62))
def test_each_time_is_in_one_day_that_is_closed_at_its_beginning_and_open_at_its_end(time_us: int) -> None:
    start_us, end_us = day_bounds(day_of(time_us))
    assert start_us <= time_us < end_us or time_us == end_us == 1 << 62
    assert day_of(start_us) == day_of(time_us)
    assert len(day_text(day_of(time_us))) == 10


def test_rows_at_midnight_are_of_the_day_that_begins(archive: Archive, folder: Path) -> None:
    start_us, end_us = day_bounds(YESTERDAY)
    archive.add_samples("Ref", [sample("a.B", at, at) for at in (start_us - 1, start_us, end_us - 1, end_us)])
    export(archive, folder)
    found = ask(
        folder, "SELECT CAST(day AS VARCHAR), list(whole ORDER BY whole) FROM samples GROUP BY day ORDER BY day"
    )
    assert found.rows == [
        [day_text(YESTERDAY - 1), [start_us - 1]], [day_text(YESTERDAY), [start_us, end_us - 1]],
        [day_text(TODAY), [end_us]],
    ]  # fmt: skip


VALUES: tuple[Any, ...] = (
    1.5, -0.0, 7, -(1 << 63), (1 << 64) - 1, True, False, math.nan, math.inf, "text", [1, 2.5],
    {"a": {"b": [None]}}, None,
)  # fmt: skip


def test_every_kind_of_value_comes_back_as_it_was_archived(archive: Archive, folder: Path) -> None:
    start_us = day_bounds(YESTERDAY)[0]
    archive.add_samples("Ref", [sample("a.B", start_us + at, value) for at, value in enumerate(VALUES)])
    export(archive, folder)
    table = pq.read_table(Partition("samples", "Ref", YESTERDAY).path(folder)).to_pylist()
    back = [plain_value(row["value"], row["whole"], row["text"], row["kind"]) for row in table]
    kept = [one.value for one in archive.samples("Ref", "a.B")]
    assert repr(back) == repr(kept)


def test_only_what_is_missing_or_has_changed_is_written(archive: Archive, folder: Path) -> None:
    old_us, late_us = day_bounds(TODAY - 10)[0], day_bounds(YESTERDAY)[0]
    archive.add_samples("Ref", [sample("a.B", old_us, 1), sample("a.B", late_us, 2)])
    archive.add_events("Ref", [NewEvent("a.Said", "FATAL", tag(late_us), late_us, "x", {"n": 1})])
    id = archive.record_command("Ref", "a.DO", 5, {"x": 1}, by="ada", at_us=late_us)
    outcomes = export(archive, folder)
    assert set(outcomes.values()) == {WRITTEN}
    assert len(outcomes) == 4
    archive.update_command(id, "completed", at_us=late_us + 5, response="OK")
    outcomes = export(archive, folder)
    assert outcomes.pop(("commands", YESTERDAY)) == WRITTEN
    assert set(outcomes.values()) == {SAME}
    (command,) = ask(folder, "SELECT state, steps, sent_by FROM commands").rows
    assert command[0] == "completed"
    assert [one["state"] for one in json.loads(command[1])] == ["queued", "completed"]
    archive.add_samples("Ref", [sample("a.B", late_us + 1, 3), sample("a.B", old_us + 1, 4)])
    outcomes = export(archive, folder)
    assert outcomes["samples", YESTERDAY] == WRITTEN
    assert outcomes["samples", TODAY - 10] == SAME  # so old that it is not looked at any more
    assert export(archive, folder, again=True)["samples", TODAY - 10] == WRITTEN


def test_a_file_that_has_more_than_the_archive_is_kept(archive: Archive, folder: Path, tmp_path: Path) -> None:
    start_us = day_bounds(YESTERDAY)[0]
    archive.add_samples("Ref", [sample("a.B", start_us + at, at) for at in range(5)])
    export(archive, folder)
    with Archive(tmp_path / "other" / "archive", Retention(), lambda: NOW_US, commit_interval_s=0.0) as other:
        other.add_samples("Ref", [sample("a.B", start_us, 0)])
        other.flush()
        (one,) = export_parquet(tmp_path / "other" / "archive", folder, NOW_US, again=True)
    assert (one.outcome, one.rows) == (KEPT, 5)
    assert ask(folder, "SELECT count(*) FROM samples").rows == [[5]]


def test_an_unreadable_file_is_written_anew_and_two_exports_do_not_meet(archive: Archive, folder: Path) -> None:
    archive.add_samples("Ref", [sample("a.B", day_bounds(YESTERDAY)[0], 1)])
    export(archive, folder)
    path = Partition("samples", "Ref", YESTERDAY).path(folder)
    path.write_bytes(path.read_bytes()[:-9])
    path.with_name(PARTIAL).write_bytes(b"what a kill left")
    assert export(archive, folder)["samples", YESTERDAY] == WRITTEN
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    claim = lock_folder(folder)
    with pytest.raises(ArchiveInUse):
        export(archive, folder)
    os.close(claim)


def test_a_kill_leaves_the_old_file_or_the_new_one_and_never_a_half(archive: Archive, folder: Path) -> None:
    start_us = day_bounds(YESTERDAY)[0]
    archive.add_samples("Ref", [sample("a.B", start_us + at, float(at)) for at in range(20_000)])
    export(archive, folder)
    path = Partition("samples", "Ref", YESTERDAY).path(folder)
    command = [sys.executable, "-m", "tests.ground.longterm.exporting_process", str(folder.parent / "archive")]
    for attempt in range(4):
        process = subprocess.Popen([*command, str(folder), str(NOW_US)], stdout=subprocess.PIPE, cwd=ROOT)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.05 + attempt * 0.037)  # somewhere in the midst of it; every moment must do
        process.kill()
        process.wait(10)
        process.stdout.close()
        written = read_written(path)
        assert written is not None
        assert written.rows == 20_000
        assert ask(folder, "SELECT count(*), sum(value) FROM samples").rows == [[20_000, 199_990_000.0]]
    assert set(export(archive, folder).values()) == {SAME}
    assert list(folder.rglob(PARTIAL)) == []


def test_samples_go_only_once_they_are_in_a_file(tmp_path: Path, folder: Path) -> None:
    first, second = TODAY - 30, TODAY - 20
    hold = ExportedBefore(tmp_path / "archive", folder)
    keep = Retention(samples_s=86_400.0, hold=hold)
    now_us = day_bounds(TODAY)[0]
    with Archive(tmp_path / "archive", keep, lambda: now_us, commit_interval_s=0.0) as archive:
        days = (first, second, TODAY - 1)
        archive.add_samples("Ref", [sample("a.B", day_bounds(day)[0] + at, at) for day in days for at in range(3)])
        archive.flush()
        archive.sweep()
        assert len(archive.samples("Ref", "a.B")) == 9
        export_parquet(tmp_path / "archive", folder, now_us, end_us=day_bounds(second)[0])
        archive.sweep()
        assert hold("Ref", now_us) == day_bounds(second)[0]
        assert len(archive.samples("Ref", "a.B")) == 6
        export_parquet(tmp_path / "archive", folder, now_us)
        archive.sweep()
        assert len(archive.samples("Ref", "a.B")) == 3
        assert hold("Ref", now_us) == now_us
        # A file that is lost, or that lacks rows which came late, is relied on no more.
        Partition("samples", "Ref", TODAY - 1).path(folder).unlink()
        assert hold("Ref", now_us) == day_bounds(TODAY - 1)[0]
    assert ask(folder, "SELECT count(*) FROM samples").rows == [[6]]


REFUSED = (
    ("DROP VIEW samples", "one SELECT"), ("SELECT 1; SELECT 2", "one SELECT"), ("", "one SELECT"),
    ("COPY (SELECT 1) TO 'x.parquet'", "one SELECT"), ("ATTACH 'x.db'", "one SELECT"),
    ("SET threads = 8", "one SELECT"), ("PRAGMA version", "one SELECT"), ("SELEC 1", "syntax error"),
    ("SELECT * FROM read_csv('/etc/passwd')", "disabled by configuration"),
    ("SELECT * FROM read_text('/proc/self/environ')", "disabled by configuration"),
    ("SELECT nothing FROM samples", "nothing"), ("SELECT 1" + " " * 20_000, "at most 20000"),
    ("SELECT sum(a.range * b.range) FROM range(1000000) a, range(1000000) b", "took longer"),
    ("SELECT list(range) FROM range(100000000)", "Memory"),
)  # fmt: skip
"""Questions, and a word of why they are not answered."""


def test_a_question_cannot_write_read_elsewhere_or_take_too_much(archive: Archive, folder: Path) -> None:
    archive.add_samples("Ref", [sample("a.B", NOW_US, 1)])
    export(archive, folder)
    for sql, words in REFUSED:
        with pytest.raises(QueryRefused, match=words):
            ask(folder, sql, timeout_s=0.2 if words == "took longer" else 20.0, memory_mb=64)


def test_answers_are_cut_and_written_in_jsons_terms(archive: Archive, folder: Path) -> None:
    archive.add_samples("Ref", [sample("a.B", NOW_US + at, math.nan if at else 1.5) for at in range(3)])
    export(archive, folder)
    found = ask(folder, "SELECT time, value, deployment, day FROM samples ORDER BY time", limit=2)
    assert found.columns == ["time", "value", "deployment", "day"]
    assert found.cut
    assert found.rows == [
        ["2024-10-04T00:00:00.000001", 1.5, "Ref", "2024-10-04"],
        ["2024-10-04T00:00:00.000002", "nan", "Ref", "2024-10-04"],
    ]  # fmt: skip
    assert ask(folder, "SELECT * FROM events").rows == []
    with pytest.raises(QueryRefused, match="no folder"):
        ask(folder / "nowhere", "SELECT 1")


def test_the_command_line_exports_an_archive_in_use_and_asks(
    archive: Archive, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive.add_samples("Ref", [sample("a.B", NOW_US - at, float(at)) for at in range(4)])
    archive.flush()
    words = ["ground", "export", "--parquet", str(folder), "--archive", str(folder.parent / "archive")]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "Ref 2024-10-04 samples: 2 rows, written" in out
    assert main(words) == 0
    assert "written" not in capsys.readouterr().out.replace(day_text(TODAY), "")
    query = ["ground", "query", "--parquet", str(folder)]
    assert main([*query, "SELECT channel, max(value) AS most FROM samples GROUP BY channel"]) == 0
    assert capsys.readouterr().out.split() == ["channel", "most", "a.B", "3.0"]
    assert main([*query, "--json", "--limit", "1", "SELECT whole, value FROM samples ORDER BY value"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"whole": None, "value": 0.0}
    assert "first 1 rows" in shown.err
    assert main([*query, "DELETE FROM samples"]) == 1
    assert "one SELECT" in capsys.readouterr().err
    with suppress(SystemExit):
        assert main([*words, "--events"]) == 2
    assert main([*words[:4], "--archive", str(folder / "none")]) == 1
    assert main([*words, "--deployment", "Nobody"]) == 1
    assert "it has Ref" in capsys.readouterr().err
