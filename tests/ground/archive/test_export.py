"""CSV exports."""

from __future__ import annotations

import csv
from enum import IntEnum
from typing import TYPE_CHECKING

import pytest

from kittiwake_ground.archive import Archive, NewEvent, UnknownChannel, export, history

if TYPE_CHECKING:
    from collections.abc import Iterable

NOON_US = 1_767_268_800_000_001
WALL = 2 << 64


class Mode(IntEnum):
    NOMINAL = 7


def rows(pieces: Iterable[str]) -> list[list[str]]:
    return list(csv.reader("".join(pieces).splitlines(keepends=True)))


def test_samples_come_with_both_times_and_every_kind_of_value(archive: Archive) -> None:
    values = [0.1, True, Mode.NOMINAL, 'a "quoted", text', (1, 2)]
    archive.add_samples("Ref", [("A", WALL | NOON_US + n, 9, value) for n, value in enumerate(values)])
    archive.add_samples("Ref", [("B", 1 << 64 | 5, NOON_US, 1)])
    archive.flush()
    header, *found = rows(archive.export_csv("Ref", ["A", "B"]))
    assert header == list(export.SAMPLE_COLUMNS)
    assert [row[3:5] for row in found] == [
        ["0.1", ""], ["true", ""], ["7", "NOMINAL"], ['a "quoted", text', ""], ["[1,2]", ""], ["1", ""],
    ]  # fmt: skip
    time = "2026-01-01T12:00:00.000001+00:00"
    assert found[0] == [time, str(NOON_US), "A", "0.1", "", "TB_WORKSTATION_TIME", str(NOON_US), "9"]
    assert found[-1] == [time, str(NOON_US), "B", "1", "", "TB_PROC_TIME", "5", str(NOON_US)]


def test_an_export_of_any_length_comes_in_pieces(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "_PAGE_ROWS", 10)
    archive.add_samples("Ref", [("A", WALL | NOON_US + number // 3, 0, number) for number in range(95)])
    archive.flush()
    pieces = list(archive.export_csv("Ref", ["A"], NOON_US, NOON_US + 30))
    assert len(pieces) == 10
    assert [row[3] for row in rows(pieces)[1:]] == [str(number) for number in range(90)]


def test_events_come_newest_first(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_PAGE_EVENTS", 2)
    archive.add_events(
        "Ref", [NewEvent("a.E", "FATAL", WALL | NOON_US + n, 7, f"line\n{n}", {"n": n}) for n in range(5)]
    )
    archive.flush()
    header, *found = rows(archive.export_events_csv("Ref", NOON_US, NOON_US + 4))
    assert header == list(export.EVENT_COLUMNS)
    assert [row[4] for row in found] == ["line\n3", "line\n2", "line\n1", "line\n0"]
    assert found[0][2:4] + found[0][5:6] == ["FATAL", "a.E", '{"n":3}']


def test_a_time_beyond_the_calendar_is_still_exported(archive: Archive) -> None:
    archive.add_samples("Ref", [("A", WALL | 100_000 * 366 * 86_400_000_000 + 3, 0, 1)])
    archive.flush()
    assert rows(archive.export_csv("Ref", ["A"]))[1][0].endswith(".000003")


def test_a_channel_that_is_not_there_is_named(archive: Archive) -> None:
    with pytest.raises(UnknownChannel, match="nothing of 'Ref'"):
        list(archive.export_csv("Ref", ["A"]))
