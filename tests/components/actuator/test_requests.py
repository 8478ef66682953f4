"""Reading of requests: their shape, the order of the checks, and times in every form."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_components.actuator.requests import (
    Request,
    RequestRefused,
    read_request,
    read_slots,
    unwrapped,
)
from kittiwake_components.actuator.tasks import Slot
from kittiwake_components.actuator.times import NaivePolicy, TimeReader
from kittiwake_components.actuator.wire_types import OnRelease
from kittiwake_components.daily_window import find_zone

NOON_US = 1_714_996_800_000_000
"""2024-05-06 12:00 UTC."""

UTC_READER = TimeReader(NaivePolicy.UTC, find_zone("UTC"), NOON_US)
GOOD = ["campus/b1", "2024-05-06 11:00:00+02:00", "2024-05-06T10:00:00+00:00"]


def refused(request: Request, taken: str = "taken") -> str:
    with pytest.raises(RequestRefused) as refusal:
        read_request(request, UTC_READER, lambda task: task == taken)
    return refusal.value.info


def test_a_request_is_read() -> None:
    """REQ-ACT-011"""
    wanted = read_request(Request("ann", "t", "LOW", [GOOD], "revert"), UTC_READER, lambda task: False)
    assert wanted.slots == [Slot("campus/b1", NOON_US - 10_800_000_000, NOON_US - 7_200_000_000, 7200, 0)]
    assert (wanted.requester, wanted.task, wanted.on_release) == ("ann", "t", OnRelease.REVERT)


@pytest.mark.parametrize(
    "request_, info",
    [
        (Request("ann", "taken", None, [["d", 1, 2]]), "MALFORMED_REQUEST: TypeError: a time is a string, not int"),
        (Request(None, "taken", None, []), "TASK_ID_ALREADY_EXISTS"),
        (Request(None, None, None, []), "MISSING_TASK_ID"),
        (Request(None, "t", None, []), "MISSING_PRIORITY"),
        (Request(None, "t", "low", []), "INVALID_PRIORITY"),
        (Request(None, "t", "", []), "INVALID_PRIORITY"),
        (Request(None, "t", ["LOW"], []), "INVALID_PRIORITY"),
        (Request(None, "t", "LOW", []), "MISSING_AGENT_ID"),
        (Request("", "t", "LOW", []), "MALFORMED_REQUEST_EMPTY"),
        (Request("", "t", "LOW", None), "MALFORMED_REQUEST_EMPTY"),
        (Request("", "", "LOW", [GOOD]), "MALFORMED_REQUEST: TypeError: agentid must be a nonempty string"),
        (Request("ann", "", "LOW", [GOOD]), "MALFORMED_REQUEST: TypeError: taskid must be a nonempty string"),
        (Request("ann", ["t"], "LOW", [GOOD]), "MALFORMED_REQUEST: TypeError: taskid must be a nonempty string"),
        (Request("ann", "t" * 201, "LOW", [GOOD]), "MALFORMED_REQUEST: ValueError: a taskid has at most 200 bytes"),
        (Request("ann", "\ud800", "LOW", [GOOD]), "MALFORMED_REQUEST: ValueError: a text is not valid Unicode"),
        (Request("ann", "t", "LOW", [GOOD], "drop"), "MALFORMED_REQUEST: ValueError: on_release is default, hold or"),
    ],
)
def test_the_first_fault_counts_in_the_original_s_order(request_: Request, info: str) -> None:
    """REQ-ACT-011"""
    assert refused(request_).startswith(info)


def test_a_blank_task_is_none_of_its_faults() -> None:
    """REQ-ACT-011"""
    assert read_request(Request("ann", " ", "LOW", [GOOD]), UTC_READER, lambda task: False).task == " "


@pytest.mark.parametrize(
    "slots, fault",
    [
        ("campus", "TypeError"),
        (7, "TypeError"),
        ([7], "TypeError"),
        ([["d", "2024-05-06"]], "ValueError"),
        ([["d", "2024-05-06", "2024-05-07", "x"]], "ValueError"),
        ([[None, "2024-05-06", "2024-05-07"]], "TypeError"),
        ([["d", None, "2024-05-07"]], "TypeError"),
        ([["d", "nonsense", "2024-05-07"]], "ParserError"),
        ([["d" * 256, "2024-05-06", "2024-05-07"]], "ValueError"),
        ([["d", "2024-05-06" + " " * 90, "2024-05-07"]], "ValueError"),
        ([["d", "0001-01-01 00:00:00+14:00", "9999-12-31 23:59:59-14:00"]], "OverflowError"),
    ],
)
def test_slots_of_another_shape_are_malformed(slots: Any, fault: str) -> None:
    """REQ-ACT-011"""
    assert refused(Request("ann", "t", "LOW", slots)).startswith(f"MALFORMED_REQUEST: {fault}: ")


def test_slashes_are_stripped_at_the_ends_only() -> None:
    """REQ-ACT-011"""
    times = GOOD[1:]
    assert [slot.device for slot in read_slots([["/a//b/", *times], ["", *times], ["A", *times]], UTC_READER)] == [
        "a//b", "", "A",
    ]  # fmt: skip


def test_a_message_of_one_element_is_unwrapped_once() -> None:
    """REQ-ACT-014. Upstream: lists of one element were unwrapped ambiguously; all four forms mean the same slots."""
    forms: list[tuple[Any, int]] = [(GOOD, 1), ([GOOD], 1), ([[GOOD, GOOD]], 2), ([GOOD, GOOD], 2), ([[GOOD]], 1)]
    for message, count in forms:
        assert len(read_slots(unwrapped(message), UTC_READER)) == count
    assert unwrapped([]) == []
    assert unwrapped(None) is None


def read(text: str, policy: NaivePolicy = NaivePolicy.LOCAL, zone: str = "UTC") -> tuple[int, int]:
    return TimeReader(policy, find_zone(zone), NOON_US).read(text)


@pytest.mark.parametrize(
    "text, time_us, offset_s",
    [
        ("2024-05-06 12:00:00", NOON_US, 0),
        ("2024-05-06T12:00:00.000250", NOON_US + 250, 0),
        ("2024-05-06T14:00:00.000000+02:00", NOON_US, 7200),
        ("2024-05-06T12:00:00Z", NOON_US, 0),
        ("6 May 2024 12pm", NOON_US, 0),
        ("May 6, 2024 12:00 UTC", NOON_US, 0),
        ("Mon, 06 May 2024 14:00:00 +0200", NOON_US, 7200),
        ("12:00", NOON_US, 0),
        ("1:30 pm", NOON_US + 5_400_000_000, 0),
    ],
)
def test_times_are_read_in_many_forms(text: str, time_us: int, offset_s: int) -> None:
    """REQ-ACT-012: a time of day alone is today's."""
    assert read(text) == (time_us, offset_s)


@pytest.mark.parametrize("text", ["2024-05-06 12:00 EST", "2024-05-06 12:00 CET", "2024-05-06 12:00 BRST"])
def test_an_abbreviation_is_no_zone(text: str) -> None:
    """REQ-ACT-012: dateutil takes such a time for local time, with a warning that nobody sees."""
    with pytest.raises(ValueError, match="zone"):
        read(text)


def test_without_dateutil_iso_is_read_and_the_rest_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ-ACT-012"""
    monkeypatch.setitem(sys.modules, "dateutil", None)
    assert read("2024-05-06 12:00:00") == (NOON_US, 0)
    with pytest.raises(ValueError, match="without dateutil"):
        read("6 May 2024 12pm")


def test_naive_times_go_by_the_declared_policy() -> None:
    """REQ-ACT-012. Upstream: naive times were those of the zone in which the program happened to run."""
    text = "2024-05-06 14:00:00"
    assert read(text, NaivePolicy.LOCAL, "Europe/Berlin") == (NOON_US, 7200)
    assert read(text, NaivePolicy.UTC, "Europe/Berlin") == (NOON_US + 7_200_000_000, 0)
    with pytest.raises(ValueError, match="no zone"):
        read(text, NaivePolicy.REFUSE)
    assert read(text + "+02:00", NaivePolicy.REFUSE) == (NOON_US, 7200)


def test_naive_and_aware_times_may_stand_in_one_request() -> None:
    """REQ-ACT-012. Upstream: naive and aware times in one request raised a TypeError that nobody caught."""
    reader = TimeReader(NaivePolicy.LOCAL, find_zone("Europe/Berlin"), NOON_US)
    slots = read_slots(
        [["d", "2024-05-06 14:00:00", "2024-05-06T12:30:00Z"], ["d", "2024-05-06 15:00+02:00", "2024-05-06 15:30:00"]],
        reader,
    )
    assert [(slot.start_us - NOON_US, slot.end_us - NOON_US) for slot in slots] == [
        (0, 1_800_000_000), (3_600_000_000, 5_400_000_000),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text, offset_s",
    [
        ("2024-10-27 02:30:00", 3600),  # twice: the second
        ("2024-03-31 02:30:00", 3600),  # never
        ("2024-03-31 01:59:59", 3600),
        ("2024-03-31 03:00:00", 7200),
        ("2024-10-27 01:59:59", 7200),
        ("2024-10-27 03:00:00", 3600),
    ],
)
def test_a_local_time_that_comes_twice_or_never_is_standard_time(text: str, offset_s: int) -> None:
    """REQ-ACT-012"""
    assert read(text, zone="Europe/Berlin")[1] == offset_s


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=30)
    | st.sampled_from(GOOD),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(JSON, JSON, JSON, JSON)
def test_whatever_comes_is_read_or_refused(task: Any, priority: Any, slots: Any, on_release: Any) -> None:
    """REQ-ACT-032"""
    for asked in (slots, [["d", slots, GOOD[2]]], [[task, *GOOD[1:]]]):
        try:
            wanted = read_request(Request("ann", task, priority, asked, on_release), UTC_READER, lambda name: False)
        except RequestRefused:
            continue
        assert wanted.slots
