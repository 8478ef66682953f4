"""What recurs by rules of iCalendar: held against python-dateutil, which other programs read such rules with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.faults import Faults
from kittiwake_ground.passes.contact import HORIZON_US, Contact, epoch_us, passes_of
from kittiwake_ground.passes.reading import read_contacts
from kittiwake_ground.passes.recurrence import DAYS, parse_rule, recurrences
from kittiwake_ground.passes.schedule import Schedule
from kittiwake_ground.passes.store import PassStore

S = 1_000_000
DAY_US = 86400 * S
FRIDAY = datetime(2025, 11, 28, 8, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
MOST = 80
"""So many starts are compared."""


def event(*lines: str, start: str = "DTSTART:20251128T080000Z") -> str:
    """A calendar with one event of ten minutes."""
    body = "\n".join(["UID:a", start, "DURATION:PT10M", *lines])
    return f"BEGIN:VCALENDAR\nBEGIN:VEVENT\n{body}\nEND:VEVENT\nEND:VCALENDAR\n"


def starts(text: str, count: int = MOST, now_us: int = 0) -> list[datetime]:
    """When the first passes of a calendar start."""
    read = read_contacts(text, "a.ics", now_us=now_us)
    found = islice(passes_of(read, now_us), count)
    return [datetime.fromtimestamp(one.start_us / S, UTC) for one in found]


def first_of(rule: str, start: datetime) -> list[datetime]:
    """The first starts by dateutil, as far as 400 days."""
    end = start + timedelta(microseconds=HORIZON_US)
    return list(islice(takewhile(lambda one: one < end, rrulestr(rule, dtstart=start)), MOST))


days = st.sets(st.integers(0, 6), min_size=1)
firsts = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)).map(lambda one: one.replace(microsecond=0))
steps = st.one_of(
    st.tuples(st.just("HOURLY"), st.integers(1, 60)),
    st.tuples(st.just("DAILY"), st.integers(1, 15)),
    st.tuples(st.just("WEEKLY"), st.integers(1, 5)),
)


def rule_of(step: tuple[str, int], on: set[int], week_start: int, end: str) -> str:
    """A rule's text."""
    freq, interval = step
    by_day = f";BYDAY={','.join(DAYS[day] for day in sorted(on))}" if on else ""
    return f"FREQ={freq};INTERVAL={interval}{by_day};WKST={DAYS[week_start]}{end}"


@given(
    firsts, steps, st.none() | days, st.integers(0, 6), st.none() | st.integers(1, 100), st.none() | st.integers(1, 90)
)
def test_in_utc_a_rule_says_what_it_says_to_others(
    first: datetime, step: tuple[str, int], on: set[int] | None, week_start: int, count: int | None, until: int | None
) -> None:
    start = first.replace(tzinfo=UTC)
    wanted = set() if on is None else {*on, start.weekday()}
    last = start + timedelta(days=until or 0)
    end = f";COUNT={count}" if count else f";UNTIL={last:%Y%m%dT%H%M%SZ}" if until else ""
    rule = rule_of(step, wanted, week_start, end)
    read = recurrences(parse_rule(rule)[0], start, epoch_us(last) + 1 if until and not count else 0, 0)
    made = [Contact(one.start_us, 1, every_s=one.every_us / S, until_us=one.until_us, id=index)
            for index, one in enumerate(read)]  # fmt: skip
    found = [datetime.fromtimestamp(one.start_us / S, UTC) for one in islice(passes_of(made, 0), MOST)]
    expected = first_of(rule, start)
    assert found[: len(expected)] == expected
    assert (
        len(found) == len(expected)
        or len(expected) < MOST <= len(found)
        or found[len(expected)] >= start + timedelta(microseconds=HORIZON_US)
    )


@given(firsts, steps.filter(lambda step: step[0] != "HOURLY"), days, st.integers(0, 6), st.none() | st.integers(1, 30))
def test_by_the_clock_of_a_zone_it_starts_at_the_same_time_of_day_in_summer_and_in_winter(
    first: datetime, step: tuple[str, int], on: set[int], week_start: int, count: int | None
) -> None:
    rule = rule_of(step, {*on, first.weekday()}, week_start, f";COUNT={count}" if count else "")
    read = recurrences(parse_rule(rule)[0], first.replace(tzinfo=BERLIN), 0, 0)
    expected = [epoch_us(one.replace(tzinfo=BERLIN)) for one in first_of(rule, first)]
    found = [one.start_us for one in read]
    assert found[: len(expected)] == expected
    assert all(one.every_us == 0 for one in read)


def test_a_rule_without_an_end_in_utc_has_none_and_makes_few_contacts() -> None:
    text = event("RRULE:FREQ=WEEKLY;BYDAY=FR,SU")
    assert [(one.every_s, one.until_us, one.uid) for one in read_contacts(text, "a.ics")] == [(7 * 86400, 0, "a")] * 2
    far_us = epoch_us(datetime(2099, 1, 1, tzinfo=UTC))
    assert [one.strftime("%a %H:%M") for one in starts(text, 3, far_us)] == ["Fri 08:00", "Sun 08:00", "Fri 08:00"]


def test_dates_are_left_out_of_whichever_contact_has_them() -> None:
    text = event(
        "RRULE:FREQ=DAILY;BYDAY=FR,SA;COUNT=5", "EXDATE:20251129T080000Z,20251205T080000Z", "EXDATE:20251230T080000Z"
    )
    assert [one.day for one in starts(text)] == [28, 6, 12]
    once = event("RRULE:FREQ=DAILY;COUNT=1", "EXDATE:20251128T080000Z")
    assert read_contacts(once, "a.ics") == []


def test_a_zone_is_read_from_now_on_for_as_far_as_passes_are_looked_for() -> None:
    start = "DTSTART;TZID=Europe/Berlin:20200101T120000"
    now_us = epoch_us(datetime(2026, 3, 28, 11, 5, tzinfo=UTC))
    text = event("RRULE:FREQ=DAILY", "EXDATE;TZID=Europe/Berlin:20260330T120000", start=start)
    found = starts(text, 1000, now_us)
    assert [(one.day, one.hour) for one in found[:3]] == [(28, 11), (29, 10), (31, 10)], (
        "one is under way, summer begins"
    )
    assert (len(found), found[-1].date().isoformat()) == (400, "2027-05-02")
    assert read_contacts(event("RRULE:FREQ=DAILY;COUNT=5", start=start), "a.ics", now_us=now_us) == []
    hourly = event("RRULE:FREQ=HOURLY;INTERVAL=12", start=start)
    assert [one.hour for one in starts(hourly, 2, now_us)] == [11, 23], "hours go on whatever the clock says"
    always = event("RRULE:FREQ=WEEKLY;UNTIL=20200115T120000Z", start="DTSTART;TZID=Etc/UTC:20200101T120000")
    assert [one.day for one in starts(always)] == [1, 8, 15]


@pytest.mark.parametrize(
    "line, words",
    [
        ("RRULE:FREQ=MONTHLY", "FREQ is MINUTELY, HOURLY, DAILY, WEEKLY, not 'MONTHLY'"),
        ("RRULE:INTERVAL=2", "FREQ is"),
        ("RRULE:FREQ=DAILY;BYHOUR=8", "BYHOUR is not known here, only FREQ, INTERVAL, COUNT, UNTIL, BYDAY, WKST"),
        ("RRULE:FREQ=WEEKLY;BYDAY=2FR", "a day is MO, TU, WE, TH, FR, SA, SU, not '2FR'"),
        ("RRULE:FREQ=WEEKLY;BYDAY=", "a day is"),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO", "the start lies on FR, which is none of BYDAY"),
        ("RRULE:FREQ=DAILY;COUNT=3;UNTIL=20260101T000000Z", "COUNT and UNTIL do not go together"),
        ("RRULE:FREQ=DAILY;FREQ=WEEKLY", "it says one thing twice"),
        ("RRULE:FREQ=DAILY;INTERVAL=0", "INTERVAL is a number from 1 to 100000, not '0'"),
        ("RRULE:FREQ=DAILY;COUNT=-1", "COUNT is a number"),
        ("RRULE:FREQ=DAILY;COUNT=9999999999", "COUNT is a number"),
        ("RRULE:FREQ=DAILY;UNTIL=20260101", "UNTIL: '20260101' is no time"),
        ("RRULE:FREQ=DAILY;UNTIL=20250101T000000Z", "UNTIL lies before the start"),
        ("RRULE:FREQ=DAILY;INTERVAL=500", "recurs each 60 seconds to 400 days"),
        ("RRULE:FREQ=MINUTELY;BYDAY=FR", "more than 1000 starts in 7 days"),
        ("RRULE:FREQ=DAILY\nRRULE:FREQ=WEEKLY", "an event has one rule"),
        ("RDATE:20251201T080000Z", "RDATE: give each of these dates an event of its own"),
        ("EXRULE:FREQ=WEEKLY", "EXRULE: leave dates out by EXDATE"),
        ("RECURRENCE-ID:20251128T080000Z", "RECURRENCE-ID: leave the pass"),
        ("EXDATE;VALUE=DATE:20251128", "EXDATE: '20251128' is no time"),
    ],
)
def test_what_is_not_supported_is_said_with_its_line(line: str, words: str) -> None:
    with pytest.raises(Faults) as found:
        read_contacts(event(line), "a.ics")
    (fault,) = found.value.faults
    assert words in fault.message
    assert fault.line in (2, 6, 7)


def test_hours_on_some_days_are_by_utc_only() -> None:
    zoned = event("RRULE:FREQ=HOURLY;BYDAY=FR", start="DTSTART;TZID=Europe/Berlin:20251128T080000")
    with pytest.raises(Faults, match="starts at a time in UTC"):
        read_contacts(zoned, "a.ics")


rules = st.lists(
    st.sampled_from([
        "FREQ=HOURLY", "FREQ=DAILY", "FREQ=WEEKLY", "FREQ=MINUTELY", "INTERVAL=7", "INTERVAL=99999", "COUNT=100000",
        "BYDAY=MO,FR", "BYDAY=FR", "WKST=SU", "UNTIL=20260101T000000Z", "UNTIL=99991231T235959Z", "x", "=", "",
    ]),
    max_size=5,
).map(";".join)  # fmt: skip
begins = st.sampled_from(["20251128T080000Z", "99991231T235959Z", "00010101T000000Z", "19691231T235959Z"])


@given(
    rules, begins | begins.map(lambda one: one.rstrip("Z")), st.sampled_from(["", ";TZID=Europe/Berlin", ";TZID=UTC"])
)
def test_no_rule_is_a_fault_of_ours_nor_takes_long(rule: str, begin: str, zone: str) -> None:
    try:
        read = read_contacts(event(f"RRULE:{rule}", start=f"DTSTART{zone}:{begin}"), "a.ics")
    except Faults:
        return
    assert len(read) <= 1000


def test_what_a_rule_made_is_replaced_by_what_it_makes_in_a_later_file(schedule: Schedule) -> None:
    first = read_contacts(event("RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR"), "a.ics")
    taken, removed = schedule.take_file(first)
    assert ([one.id for one in taken], removed) == ([1, 2, 3], 0)
    taken, removed = schedule.take_file(read_contacts(event("RRULE:FREQ=WEEKLY;BYDAY=FR,SA"), "a.ics"))
    assert ([one.id for one in taken], removed, sorted(schedule.contacts)) == ([1, 2], 1, [1, 2])
    found = [one.start_us for one in schedule.passes(epoch_us(FRIDAY), at_most=4)]
    assert [us - epoch_us(FRIDAY) for us in found] == [0, DAY_US, 7 * DAY_US, 8 * DAY_US]


@pytest.fixture
def schedule() -> Schedule:
    """A schedule without a contact."""
    return Schedule("station", PassStore(), lambda: epoch_us(FRIDAY))
