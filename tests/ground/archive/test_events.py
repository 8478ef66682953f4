"""Events: filters, and paging through them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kittiwake_ground.archive import NewEvent, QueryTooLong
from kittiwake_ground.archive.archive import Archive

if TYPE_CHECKING:
    from pathlib import Path

DAY_0 = 20_000 * 86_400_000_000
WALL = 2 << 64


def event(number: int, name: str = "cmd.Done", severity: str = "ACTIVITY_HI", text: str = "done") -> NewEvent:
    return NewEvent(name, severity, WALL | DAY_0 + number, DAY_0 + number + 5, text, {"opcode": number})


@pytest.fixture
def filled(archive: Archive) -> Archive:
    archive.add_events(
        "Ref",
        [
            event(0),
            event(1, "cmd.Failed", "WARNING_HI", "50% of [all]"),
            event(2, "fileUp.Failed", "WARNING_LO", "Bad CRC"),
            event(2, "cmd.Done"),
            event(3, "health.Dead", "FATAL", "a_b gone"),
        ],
    )
    archive.add_events("Other", [event(1, "x.Y")])
    archive.flush()
    return archive


@pytest.mark.parametrize(
    "filters, numbers",
    [
        ({}, [3, 2, 2, 1, 0]),
        ({"severities": ["WARNING_HI", "WARNING_LO"]}, [2, 1]),
        ({"name": "cmd.*"}, [2, 1, 0]),
        ({"name": "*.?ailed"}, [2, 1]),
        ({"name": "cmd.[D]*"}, []),
        ({"text": "bad crc"}, [2]),
        ({"text": "0%"}, [1]),
        ({"text": "_b"}, [3]),
        ({"start_us": DAY_0 + 1, "end_us": DAY_0 + 2}, [1]),
        ({"limit": 2}, [3, 2]),
        ({"name": "cmd.*", "severities": {"WARNING_HI"}, "text": "all"}, [1]),
    ],
)
def test_filters_select(filled: Archive, filters: dict[str, Any], numbers: list[int]) -> None:
    assert [found.time_us - DAY_0 for found in filled.events("Ref", **filters)] == numbers


def test_an_event_comes_back_whole(filled: Archive) -> None:
    found = filled.events("Ref", severities=["FATAL"])[0]
    assert (found.name, found.severity, found.text) == ("health.Dead", "FATAL", "a_b gone")
    assert (found.tag, found.received_us, found.arguments) == (WALL | DAY_0 + 3, DAY_0 + 8, {"opcode": 3})


def test_pages_leave_nothing_out_and_show_nothing_twice(filled: Archive) -> None:
    seen: list[int] = []
    before: tuple[int, int] | None = None
    while page := filled.events("Ref", limit=2, before=before):
        seen += [found.id for found in page]
        before = (page[-1].time_us, page[-1].id)
    assert len(seen) == len(set(seen)) == 5


def test_events_that_are_alike_are_all_kept(archive: Archive) -> None:
    archive.add_events("Ref", [event(0), event(0)])
    archive.flush()
    assert len(archive.events("Ref")) == 2
    assert archive.events("Nobody") == []


def test_an_event_that_no_column_holds_does_not_take_the_others_along(archive: Archive) -> None:
    archive.add_events("Ref", [event(0), event(1, text="\udfff"), event(2)])
    archive.flush()
    assert [found.time_us - DAY_0 for found in archive.events("Ref")] == [2, 0]
    assert archive.statistics.rejected == 1


def test_a_query_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    with Archive(tmp_path, commit_interval_s=0.0, query_limit_s=0.001) as archive:
        archive.add_events("Ref", [event(number, text="x" * 200) for number in range(30_000)])
        archive.flush()
        with pytest.raises(QueryTooLong, match=r"longer than 0\.001 s") as fault:
            archive.events("Ref", text="nothing has this")
        assert fault.value.limit_s == 0.001
        assert archive.deployments() == ["Ref"]
