"""Contacts, the passes they make, and the files they come from."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.faults import Faults
from kittiwake_ground.passes.contact import HORIZON_US, Contact, ContactRefused, clash, passes_of
from kittiwake_ground.passes.reading import read_contacts

S = 1_000_000
HOUR = 3600
T0 = 1_764_230_400 * S  # 2025-11-27T08:00:00Z


def at(start_s: float, duration_s: float = 600, **more: Any) -> Contact:
    """A contact so long after T0."""
    return Contact(T0 + round(start_s * S), duration_s, **more)


def spans(found: Any) -> list[tuple[int, int]]:
    """The starts and ends of passes, in seconds after T0."""
    return [((one.start_us - T0) // S, (one.end_us - T0) // S) for one in found]


contacts = st.builds(
    at,
    st.integers(0, 5000),
    st.integers(1, 900),
    id=st.integers(1, 5),
    every_s=st.sampled_from([0, 0, 900, 1700, 86400]),
    until_us=st.sampled_from([0, T0 + 9000 * S]),
)


@given(st.lists(contacts, max_size=5), st.integers(-2000, 90000), st.integers(-2000, 90000))
def test_passes_come_in_order_and_apart_and_are_the_same_whenever_one_looks(
    planned: list[Contact], from_s: int, later_s: int
) -> None:
    from_us, later_us = sorted((T0 + from_s * S, T0 + later_s * S))
    found = list(passes_of(planned, from_us, from_us + 100_000 * S))
    assert all(one.start_us < one.end_us and one.end_us > from_us for one in found)
    assert all(one.end_us <= other.start_us for one, other in pairwise(found))
    seen_later = list(passes_of(planned, later_us, from_us + 100_000 * S))
    assert seen_later == [one for one in found if one.end_us > later_us]
    for one in planned:
        for start_us in islice(one.starts(from_us), 20):
            covered = any(each.start_us < start_us + one.duration_us and each.end_us > start_us for each in found)
            assert covered or start_us >= from_us + 100_000 * S


def test_a_contact_recurs_with_exceptions_until_its_end() -> None:
    daily = at(0, 600, every_s=86400, until_us=T0 + 4 * 86400 * S, skipped_us=(T0 + 86400 * S,))
    days = [start // 86400 for start, _ in spans(passes_of([daily], T0 + 601 * S, T0 + HORIZON_US))]
    assert days == [2, 3]
    assert spans(passes_of([daily], T0 + 599 * S, T0 + S * 86400)) == [(0, 600)]


def test_passes_of_several_contacts_do_not_overlap() -> None:
    found = passes_of([at(0, 600, id=1), at(300, 600, id=2), at(310, 20, id=3), at(2000, 5, id=4)], T0)
    assert spans(found) == [(0, 600), (600, 900), (2000, 2005)]
    assert clash([at(500, 10), at(0, 600)], T0) is not None
    assert clash([at(600, 10), at(0, 600), at(610, 5)], T0) is None
    found_later = clash([at(0, 100, every_s=1000), at(50_090, 5, id=7)], T0)
    assert found_later is not None
    assert (spans(found_later), found_later[1].contact.id) == ([(50_000, 50_100), (50_090, 50_095)], 7)


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration_s": 0.5}, {"duration_s": 8 * 86400}, {"down_bps": -1}, {"efficiency": 0},
        {"efficiency": float("nan")},
        {"every_s": 300}, {"every_s": 1, "duration_s": 1}, {"until_us": 1}, {"name": "a\nb"}, {"link": "x" * 81},
        {"skipped_us": tuple(range(501))},
    ],
    ids=lambda one: "-".join(one),
)  # fmt: skip
def test_a_contact_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ContactRefused):
        Contact(**{"start_us": T0, "duration_s": 600.0, **wrong})


def test_a_table_is_read() -> None:
    text = (
        "start,end,duration_s,name,link,down_bps,up_bps,every_s,until\n"
        "# from the planner\n"
        '2025-11-27T08:00:00Z,2025-11-27T08:10:00Z,,"north, first",lora,9600,1200,,\n'
        "\n"
        "2025-11-27T10:00:00+01:00,,300,,cell,,,86400,2025-12-01T00:00:00Z\n"
    )
    north, cell = read_contacts(text, "passes.csv", "ada")
    assert (north.name, north.link, north.down_bps, north.up_bps) == ("north, first", "lora", 9600, 1200)
    assert (north.start_us, north.duration_s, north.origin, north.by) == (T0, 600, "imported", "ada")
    assert (cell.start_us, cell.every_s, cell.until_us - T0) == (T0 + HOUR * S, 86400, 88 * HOUR * S)
    assert north.uid != cell.uid


def test_a_calendar_is_read() -> None:
    text = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
        "BEGIN:VEVENT\r\nUID:one@sky\r\nDTSTART:20251127T080000Z\r\nDTEND:20251127T081200Z\r\n"
        "SUMMARY:A long na\r\n me\\, folded\r\nLOCATION:dish\r\nX-KITTIWAKE-DOWN-BPS:256000\r\n"
        "BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nDURATION:PT1M\r\nEND:VALARM\r\nEND:VEVENT\r\n"
        "BEGIN:VEVENT\r\nDTSTART:20251128T000000Z\r\nDURATION:PT12M30S\r\nRRULE:FREQ=DAILY;COUNT=3\r\n"
        "EXDATE:20251129T000000Z\r\nEND:VEVENT\r\n"
        "BEGIN:VEVENT\r\nDTSTART;TZID=Europe/Berlin:20251127T090000\r\nDURATION:PT1H\r\nUID:zone\r\nEND:VEVENT\r\n"
        "BEGIN:VEVENT\r\nUID:gone\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\n"
        "END:VCALENDAR\r\n"
    )
    one, daily, zoned = read_contacts(text, "passes.ics")
    assert (one.start_us, one.duration_s, one.name, one.link) == (T0, 720, "A long name, folded", "dish")
    assert (one.down_bps, one.uid) == (256000, "one@sky")
    assert spans(passes_of([daily], T0)) == [(16 * HOUR, 16 * HOUR + 750), (64 * HOUR, 64 * HOUR + 750)]
    assert zoned.start_us == T0


@pytest.mark.parametrize(
    "text, line, words",
    [
        ("", 1, "the first line names the columns"),
        ("start,end\n", 1, "there is no contact"),
        ("start,ende\n", 1, "no column 'ende'"),
        ("start,end\n2025-11-27T08:00:00Z,27.11.\n", 2, "no time"),
        ("start,duration_s\n2025-11-27T08:00:00Z,0\n", 2, "lasts 1 to"),
        ("start,duration_s\n2025-11-27T08:00:00Z,9,9\n", 2, "3 cells"),
        ("start,duration_s,uid\n2025-11-27T08:00:00Z,9,a\n2025-11-28T08:00:00Z,9,a\n", 3, "twice"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:2025\nDURATION:PT1M\nEND:VEVENT\n", 3, "no time"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20251127T080000Z\nEND:VEVENT\n", 2, "neither DTEND nor DURATION"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20251127T080000Z\n", 2, "no end"),
        (
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20251127T080000Z\nDURATION:PT1M\nRRULE:FREQ=MONTHLY\nEND:VEVENT\n",
            5, "FREQ is MINUTELY",
        ),
    ],
    ids=range(11),
)  # fmt: skip
def test_a_fault_of_a_file_says_where(text: str, line: int, words: str) -> None:
    with pytest.raises(Faults) as found:
        read_contacts(text, "passes")
    assert (found.value.faults[0].line, words in found.value.faults[0].message) == (line, True), found.value


calendars = st.text("BEGIN:VT\nDSR;=,0129Zz", max_size=200).map(lambda one: f"BEGIN:VCALENDAR\n{one}")


@given(st.text(max_size=300) | calendars)
def test_no_file_is_a_fault_of_ours(text: str) -> None:
    with pytest.raises(Faults) as found:
        read_contacts(text, "any")
    assert all(one.line >= 1 for one in found.value.faults)
