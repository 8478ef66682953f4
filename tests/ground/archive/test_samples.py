"""Samples and buckets, held against lists in memory, and what becomes of each kind of value."""

from __future__ import annotations

import tempfile
from enum import IntEnum
from itertools import pairwise
from math import inf, isnan, nan
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_ground.archive import Archive, Retention, UnknownChannel
from kittiwake_ground.archive.buckets import MAX_BUCKETS, WIDTHS_OFFERED_US, pieces, width_for
from kittiwake_ground.archive.rollups import WIDTHS_US

if TYPE_CHECKING:
    from kittiwake_ground.archive import Buckets, Sample

KEEP_ALL = Retention(None, None, None, None, None, None)
SECOND = 1_000_000
DAY = 86_400 * SECOND
DAY_0 = 20_000 * DAY
WALL, SPACECRAFT, PROCESS, NONE = 2 << 64, 3 << 64, 1 << 64, 0


class Mode(IntEnum):
    SAFE = 0
    NOMINAL = 7


class Vector(NamedTuple):
    x: float
    mode: Mode


times = st.builds(
    lambda day, part, many, off: DAY_0 + day * DAY + part * many * SECOND + off,
    st.integers(0, 2),
    st.sampled_from([1, 5, 60, 600, 3_600, 21_600]),
    st.integers(0, 12),
    st.sampled_from([-1, 0, 0, 1, 2_500_000]),
)
values = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, -2.25, 1e9, inf, nan, True, Mode.NOMINAL, "text"]))
tags = st.one_of(
    times.map(WALL.__or__), times.map(SPACECRAFT.__or__), st.integers(0, 3 * SECOND).map(PROCESS.__or__), st.just(NONE)
)
batches = st.lists(st.lists(st.tuples(st.sampled_from("AB"), tags, times, values), min_size=1, max_size=12), max_size=6)


def key_time(tag: int, received_us: int) -> int:
    """The rule of the archive, said again: the device's time if it is a date, else the time of reception."""
    return tag % (1 << 64) if tag >> 64 in (2, 3) else received_us


def identity(value: Any) -> tuple[Any, ...]:
    """What makes values the same."""
    return type(value) is bool, isinstance(value, Mode), str(value) if value != value else value


class Model:
    """What the archive must hold: per channel, rows in the order of time and of coming."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[int, int, int, Any]]] = {"A": [], "B": []}

    def add(self, name: str, tag: int, received_us: int, value: Any) -> None:
        """Adds a sample, unless it is there."""
        time_us = key_time(tag, received_us)
        for there_us, there_tag, _, there in self.rows[name]:
            if (there_us, there_tag, identity(there)) == (time_us, tag, identity(value)):
                return
        self.rows[name].append((time_us, tag, received_us, value))
        self.rows[name].sort(key=lambda row: row[0])

    def within(self, name: str, start_us: int, end_us: int) -> list[tuple[int, int, int, Any]]:
        """The rows of [start, end)."""
        return [row for row in self.rows[name] if start_us <= row[0] < end_us]


def plain(sample: Sample) -> tuple[int, int, Any]:
    return sample.time_us, sample.tag, identity(sample.value)


def expected(value: Any) -> tuple[Any, ...]:
    return identity(int(value) if isinstance(value, Mode) else value)


def assert_same(found: float, wanted: float) -> None:
    assert (isnan(found) and isnan(wanted)) or found == pytest.approx(wanted, rel=1e-9)


def check_buckets(
    found: Buckets, rows: list[tuple[int, int, int, Any]], start_us: int, end_us: int, count: int
) -> None:
    """The buckets are those that the rows give, at the width that was chosen."""
    wanted: dict[int, list[float]] = {}
    for time_us, _, _, value in rows:
        if not isinstance(value, str) and value == value:
            wanted.setdefault(time_us // found.width_us * found.width_us, []).append(float(value))
    assert list(found.start_us) == sorted(wanted)
    if start_us < end_us:
        assert (end_us - 1) // found.width_us - start_us // found.width_us < count
    for index, start in enumerate(found.start_us):
        numbers = wanted[start]
        assert found.count[index] == len(numbers)
        assert found.min[index] == min(numbers)
        assert found.max[index] == max(numbers)
        assert found.last[index] == numbers[-1]
        assert_same(found.mean[index], sum(numbers) / len(numbers))


@given(batches, st.sets(st.integers(0, 5)), st.lists(st.tuples(times, times, st.sampled_from([2, 3, 40, 999]))))
def test_any_interval_holds_what_a_list_in_memory_holds(
    batches: list[list[tuple[str, int, int, Any]]], reopened: set[int], questions: list[tuple[int, int, int]]
) -> None:
    model = Model()
    questions = [
        *questions,
        (0, 1 << 62, 2),
        (DAY_0 - DAY, DAY_0 + 4 * DAY, 999),
        (DAY_0 + 5 * SECOND, DAY_0 + DAY, 40),
    ]
    with tempfile.TemporaryDirectory() as folder:
        archive = Archive(Path(folder), KEEP_ALL, commit_interval_s=0.0)
        try:
            for number, batch in enumerate(batches):
                for sample in batch:
                    model.add(*sample)
                assert archive.add_samples("Ref", batch)
                archive.flush()
                if number in reopened:
                    archive.close()
                    archive = Archive(Path(folder), KEEP_ALL, commit_interval_s=0.0)
            for name, rows in model.rows.items():
                for start_us, end_us, count in questions if rows else ():
                    within = model.within(name, start_us, end_us)
                    samples = archive.samples("Ref", name, start_us, end_us)
                    assert [plain(sample) for sample in samples] == [(*row[:2], expected(row[3])) for row in within]
                    found = archive.buckets("Ref", name, start_us, end_us, count)
                    check_buckets(found, within, start_us, end_us, count)
                if rows:
                    assert plain(archive.latest("Ref")[name]) == (*rows[-1][:2], expected(rows[-1][3]))
        finally:
            archive.close()


@given(st.integers(0, 10**8), st.integers(0, 10**8), st.integers(0, len(WIDTHS_US) - 1))
def test_pieces_cover_the_time_once_and_in_order(start_s: int, length_s: int, level: int) -> None:
    start_us, end_us = start_s * SECOND + 17, (start_s + length_s) * SECOND + 5
    found = pieces(start_us, end_us, level)
    assert len(found) <= 2 * (level + 1) + 1
    at_us = start_us
    for piece in found:
        assert piece.start_us == at_us < piece.end_us
        if piece.level >= 0:
            assert piece.start_us % WIDTHS_US[piece.level] == piece.end_us % WIDTHS_US[piece.level] == 0
        at_us = piece.end_us
    assert at_us == max(start_us, end_us) or not found


def test_every_level_and_every_width_offered_divides_those_above_it() -> None:
    assert all(high % low == 0 for low, high in pairwise(WIDTHS_US))
    assert sorted(WIDTHS_OFFERED_US) == list(WIDTHS_OFFERED_US)
    coarse = [width for width in WIDTHS_OFFERED_US if width >= WIDTHS_US[0]]
    assert all(any(width % level == 0 and width <= 12 * level for level in WIDTHS_US) for width in coarse[:14])


@pytest.mark.parametrize("count", [-1, 0, 1, MAX_BUCKETS + 1])
def test_a_count_of_buckets_out_of_bounds_is_refused(archive: Archive, count: int) -> None:
    with pytest.raises(ValueError, match=f"2 to 10000 buckets can be asked for, not {count}"):
        width_for(0, DAY, count)
    archive.add_samples("Ref", [("A", WALL | DAY_0, DAY_0, 1)])
    archive.flush()
    with pytest.raises(ValueError, match="buckets can be asked for"):
        archive.buckets("Ref", "A", 0, DAY, count)


@pytest.mark.parametrize(
    "value, there, name",
    [
        (1, 1, ""), (-(1 << 63), -(1 << 63), ""), (0.25, 0.25, ""), (True, True, ""), (inf, inf, ""),
        ((1 << 64) - 1, (1 << 64) - 1, ""), (Mode.NOMINAL, 7, "NOMINAL"), ("é\n", "é\n", ""), ((1, 2.5), [1, 2.5], ""),
        (Vector(0.5, Mode.SAFE), {"x": 0.5, "mode": "SAFE"}, ""), ((nan, -inf), ["nan", "-inf"], ""),
    ],
)  # fmt: skip
def test_a_value_comes_back_as_it_went_in(archive: Archive, value: Any, there: Any, name: str) -> None:
    archive.add_samples("Ref", [("A", WALL | DAY_0, DAY_0 + 9, value)])
    archive.flush()
    (sample,) = archive.samples("Ref", "A")
    assert (sample.value, type(sample.value), sample.name) == (there, type(there), name)
    assert (sample.time_us, sample.tag, sample.received_us, sample.position) == (DAY_0, WALL | DAY_0, DAY_0 + 9, 0)


def test_nan_is_kept_and_left_out_of_the_buckets(archive: Archive) -> None:
    archive.add_samples("Ref", [("A", WALL | DAY_0 + number, 0, value) for number, value in enumerate([1.0, nan, 3.0])])
    archive.flush()
    assert [sample.value for sample in archive.samples("Ref", "A")][::2] == [1.0, 3.0]
    assert isnan(archive.samples("Ref", "A")[1].value)
    found = archive.buckets("Ref", "A", 0, 2 * DAY_0, 2)
    assert (list(found.count), list(found.mean)) == ([2], [2.0])


def test_both_infinities_have_no_mean_at_any_level(archive: Archive) -> None:
    archive.add_samples(
        "Ref", [("A", WALL | DAY_0 + number * 600 * SECOND, 0, v) for number, v in enumerate([inf, -inf, 1])]
    )
    archive.add_samples("Ref", [("A", WALL | DAY_0 + 5 * DAY, 0, 0)])
    archive.flush()
    found = archive.buckets("Ref", "A", DAY_0, DAY_0 + DAY, 2)
    assert (list(found.min), list(found.max), list(found.count)) == ([-inf], [inf], [3])
    assert isnan(found.mean[0])


def test_samples_of_clocks_that_know_no_date_are_found_by_the_time_they_came(archive: Archive) -> None:
    unset = WALL | 946_684_800 * SECOND
    archive.add_samples(
        "Ref", [("A", PROCESS | 5, DAY_0, 1), ("A", PROCESS | 5, DAY_0 + 1, 1), ("A", unset, DAY_0 + 2, 1)]
    )
    archive.flush()
    found = archive.samples("Ref", "A", DAY_0, DAY_0 + 3)
    assert [(sample.time_us - DAY_0, sample.tag) for sample in found] == [
        (0, PROCESS | 5),
        (1, PROCESS | 5),
        (2, unset),
    ]
    assert archive.statistics.duplicates == 0


def test_what_is_sent_again_is_one_sample_and_one_time_may_have_several(archive: Archive) -> None:
    for value in (1, 2, 1, 2, 3):
        archive.add_samples("Ref", [("A", WALL | DAY_0, DAY_0 + value, value)])
        archive.flush()
    assert [(sample.position, sample.value) for sample in archive.samples("Ref", "A")] == [(0, 1), (1, 2), (2, 3)]
    assert archive.statistics[:4] == (3, 0, 0, 2)


def test_members_of_arrays_and_structs_are_read_by_their_names(archive: Archive) -> None:
    rows = [("c.A", WALL | DAY_0 + number, 0, (number, {"y": [number / 2, "n"]})) for number in range(4)]
    archive.add_samples("Ref", [*rows, ("c", WALL | DAY_0, 0, Vector(7.5, Mode.SAFE))])
    archive.flush()
    assert [sample.value for sample in archive.samples("Ref", "c.A[0]")] == [0, 1, 2, 3]
    assert list(archive.buckets("Ref", "c.A[1].y[0]", DAY_0, DAY_0 + 4, 4).max) == [0.0, 0.5, 1.0, 1.5]
    assert list(archive.buckets("Ref", "c.A[1].y[0]", DAY_0 + 1, DAY_0 + 3, 2).last) == [0.5, 1.0]
    assert list(archive.buckets("Ref", "c.A[1].y[1]", 0, 2 * DAY_0, 4).count) == []
    assert list(archive.buckets("Ref", "c.x", 0, 2 * DAY_0, 4).mean) == [7.5]
    assert archive.samples("Ref", "c.mode")[0].value == "SAFE"
    assert archive.samples("Ref", "c.nothing[3]")[0].value is None


@pytest.mark.parametrize("name", ["B", "A B", "", ".x", "[0]", "B[0]", "B.x"])
def test_a_channel_that_is_not_there_is_named(archive: Archive, name: str) -> None:
    archive.add_samples("Ref", [("A", WALL | DAY_0, DAY_0, 1)])
    archive.flush()
    with pytest.raises(UnknownChannel, match="the archive holds nothing of") as fault:
        archive.samples("Ref", name)
    assert (fault.value.deployment, fault.value.channel) == ("Ref", name)
    with pytest.raises(UnknownChannel, match="nothing of 'Other'"):
        archive.buckets("Other", "A", 0, 1, 2)


def test_deployments_keep_their_channels_apart(archive: Archive) -> None:
    for number, deployment in enumerate(["Ref", "Hive"]):
        archive.add_samples(deployment, [("A", WALL | DAY_0, DAY_0, number)])
    archive.flush()
    assert archive.deployments() == ["Hive", "Ref"]
    assert archive.samples("Hive", "A")[0].value == 1
    assert {name: sample.value for name, sample in archive.latest("Ref").items()} == {"A": 0}
    assert archive.latest("Nowhere") == {}


def test_a_page_goes_on_behind_the_last_sample(archive: Archive) -> None:
    archive.add_samples("Ref", [("A", WALL | DAY_0 + number // 2, 0, number) for number in range(6)])
    archive.flush()
    first = archive.samples("Ref", "A", limit=3)
    rest = archive.samples("Ref", "A", after=(first[-1].time_us, first[-1].position))
    assert [sample.value for sample in (*first, *rest)] == list(range(6))
    with pytest.raises(ValueError, match="1 to 100000 rows can be asked for, not 0"):
        archive.samples("Ref", "A", limit=0)


def test_one_sample_that_no_column_holds_does_not_take_the_others_along(archive: Archive) -> None:
    bad = [("A", WALL | 1 << 63, 0, 1), ("A", WALL | DAY_0 + 1, 0, "\ud800"), ("A", WALL | DAY_0 + 2, 0, object())]
    archive.add_samples("Ref", [("A", WALL | DAY_0, 0, 0), *bad, ("A", WALL | DAY_0 + 3, 0, 3)])
    archive.add_samples("Ref", [("A",)])  # type: ignore[list-item]
    archive.add_samples("Ref", [("B", WALL | DAY_0, 0, 4)])
    archive.flush()
    assert [sample.value for sample in archive.samples("Ref", "A")] == [0, 3]
    assert [sample.value for sample in archive.samples("Ref", "B")] == [4]
    statistics = archive.statistics
    assert (statistics.samples, statistics.rejected, statistics.fault) == (3, 4, "")
