"""When jobs are due: once, at intervals, by cron, in daily windows; over leap days, month ends and clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_components.daily_window import DailyWindow, epoch_us, find_zone, parse_minute
from kittiwake_components.scheduler.schedules import parse_schedule

S = 1_000_000
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"]
MADE = epoch_us(datetime(2026, 1, 1, tzinfo=UTC))
times = st.datetimes(datetime(2020, 1, 1), datetime(2032, 1, 1)).map(
    lambda moment: epoch_us(moment.replace(tzinfo=UTC))
)


def at(text: str) -> int:
    return epoch_us(datetime.fromisoformat(text))


def slots(text: str, zone: str, after: str, count: int) -> list[str]:
    """The slots after a time, in the zone."""
    schedule = parse_schedule(text, find_zone(zone), MADE)
    found = []
    time_us: int | None = at(after)
    for _ in range(count):
        assert time_us is not None
        time_us = schedule.after(time_us)
        if time_us is None:
            break
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
        found.append(moment.astimezone(ZoneInfo(zone)).isoformat())
    return found


def test_once_is_due_once_and_a_time_without_offset_is_in_the_zone() -> None:
    assert slots("once 2026-12-01T06:00:00", "Europe/Berlin", "2026-01-01T00:00:00+00:00", 2) == [
        "2026-12-01T06:00:00+01:00"
    ]
    assert slots("once 2026-12-01T06:00:00Z", "Europe/Berlin", "2026-01-01T00:00:00+00:00", 2) == [
        "2026-12-01T07:00:00+01:00"
    ]


def test_every_counts_from_when_the_job_was_made_or_from_its_anchor() -> None:
    assert slots("every 6h", "UTC", "2026-01-01T05:00:00+00:00", 2) == [
        "2026-01-01T06:00:00+00:00", "2026-01-01T12:00:00+00:00",
    ]  # fmt: skip
    assert slots("every 1d from 2026-03-01T09:30", "UTC", "2026-01-01T00:00:00+00:00", 2) == [
        "2026-03-01T09:30:00+00:00", "2026-03-02T09:30:00+00:00",
    ]  # fmt: skip


def test_cron_knows_leap_days_and_the_ends_of_months() -> None:
    assert slots("cron 0 12 29 2 *", "UTC", "2026-01-01T00:00:00+00:00", 2) == [
        "2028-02-29T12:00:00+00:00", "2032-02-29T12:00:00+00:00",
    ]  # fmt: skip
    assert slots("cron 0 0 31 * *", "UTC", "2026-01-31T00:00:00+00:00", 2) == [
        "2026-03-31T00:00:00+00:00", "2026-05-31T00:00:00+00:00",
    ]  # fmt: skip
    assert slots("cron 0 0 L * *", "UTC", "2026-01-31T00:00:00+00:00", 1) == ["2026-02-28T00:00:00+00:00"]


def test_a_cron_time_that_the_spring_leaves_out_comes_right_after_the_gap() -> None:
    assert slots("cron 30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00+01:00", 2) == [
        "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00",
    ]  # fmt: skip


def test_a_cron_time_that_the_autumn_has_twice_comes_once() -> None:
    assert slots("cron 30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00+02:00", 2) == [
        "2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00",
    ]  # fmt: skip


def test_a_window_has_its_begin_and_its_end() -> None:
    window = DailyWindow(parse_minute("0800"), parse_minute("2000"), 300 * S, ZoneInfo("America/New_York"))
    starts = list(window.starts(date(2026, 6, 1)))
    assert len(starts) == 145
    assert starts[0] == at("2026-06-01T08:00:00-04:00")
    assert starts[-1] == at("2026-06-01T20:00:00-04:00")


def test_a_window_over_midnight_ends_on_the_next_day() -> None:
    assert slots("window 2300-0100 every 1h", "UTC", "2026-01-01T23:30:00+00:00", 4) == [
        "2026-01-02T00:00:00+00:00", "2026-01-02T01:00:00+00:00", "2026-01-02T23:00:00+00:00",
        "2026-01-03T00:00:00+00:00",
    ]  # fmt: skip


def test_a_window_over_a_clock_change_keeps_its_steps_of_elapsed_time() -> None:
    assert slots("window 0100-0400 every 1h", "Europe/Berlin", "2026-03-29T00:30:00+01:00", 4) == [
        "2026-03-29T01:00:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-29T04:00:00+02:00",
        "2026-03-30T01:00:00+02:00",
    ]  # fmt: skip
    assert len(list(DailyWindow(60, 240, 3600 * S, ZoneInfo("Europe/Berlin")).starts(date(2026, 10, 25)))) == 5


@given(
    st.integers(0, 1439), st.integers(0, 1439), st.integers(1, 8 * 3600), st.sampled_from(ZONES), times,
)  # fmt: skip
def test_the_next_start_of_a_window_is_the_first_of_all_starts_after_a_time(
    begin: int, end: int, interval_s: int, zone: str, time_us: int
) -> None:
    window = DailyWindow(begin, end, interval_s * S, ZoneInfo(zone))
    today = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)).astimezone(ZoneInfo(zone)).date()
    near = [start for shift in range(-2, 4) for start in window.starts(today + timedelta(days=shift))]
    assert window.after(time_us) == min(start for start in near if start > time_us)


@given(
    st.sampled_from([
        "every 90s", "every 1d", "every 7h from 2026-02-03T04:05", "cron */7 * * * *", "cron 15 1,2,3 * * 0",
        "window 2200-0215 every 45m",
    ]),
    st.sampled_from(ZONES), times, st.integers(0, 3 * 86400 * S),
)  # fmt: skip
def test_slots_lie_after_the_time_and_none_lies_between(text: str, zone: str, time_us: int, shift_us: int) -> None:
    schedule = parse_schedule(text, find_zone(zone), MADE)
    first = schedule.after(time_us)
    assert first is not None
    assert first > time_us
    between = min(time_us + shift_us, first - 1)
    assert schedule.after(between) == first


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "once, every, cron or window"),
        ("hourly", "not 'hourly'"),
        ("once tomorrow", "not 'tomorrow'"),
        ("every 0s", "more than nothing"),
        ("every 400d", "at most a year"),
        ("every 15", "whole number with s, m, h or d"),
        ("every -5m", "whole number with s, m, h or d"),
        ("every 5m from", "whole number with s, m, h or d"),
        ("cron * * * *", "five fields"),
        ("cron 61 * * * *", "bad minute"),
        ("cron 0 0 31 2 *", "day-of-month"),
        ("window 0800-2000", "window HHMM-HHMM every LENGTH"),
        ("window 0860-2000 every 5m", "not '0860'"),
        ("window 8-20 every 5m", "not '8'"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_schedule(text, UTC, MADE)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../../etc/passwd", "/etc/localtime", "x" * 300, "a\0b"])
def test_a_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        find_zone(name)
