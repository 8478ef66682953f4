"""When a sensor records: the starts of a window, and the next one over midnights and changes of the clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kittiwake_components.daily_window import epoch_us, find_zone
from kittiwake_components.sensor_orchestrator.windows import (
    CaptureOverlap,
    CaptureWindow,
    get_all_recording_start_times_within_window,
)

S = 1_000_000
EASTERN = ZoneInfo("US/Eastern")
ZONES = [
    "UTC",
    "US/Eastern",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "America/Havana",
    "Africa/Cairo",
]


def at(text: str) -> int:
    return epoch_us(datetime.fromisoformat(text))


def naive_starts(window: CaptureWindow, first: date, days: int) -> list[int]:
    """Every start of some days, one by one; one that comes before the end of the last is left out."""
    kept: list[int] = []
    for shift in range(days):
        opens, closes = (
            datetime.combine(first + timedelta(days=shift), datetime.min.time(), window.zone)
            + timedelta(minutes=minute, days=minute < window.start_min)
            for minute in (window.start_min, window.end_min)
        )
        moment, last = opens.astimezone(UTC), closes.astimezone(UTC)
        while moment <= last:
            if not kept or epoch_us(moment) >= kept[-1] + window.duration_us:
                kept.append(epoch_us(moment))
            moment += timedelta(microseconds=window.interval_us)
    return kept


def stepwise(window: CaptureWindow, after: int, before: int) -> list[int]:
    """The starts between two moments, each found from the one before."""
    found = []
    while (after := window.next_start(after)) < before:
        found.append(after)
    return found


def test_a_day_from_0800_to_2000_each_300_s_has_145_starts() -> None:
    starts = get_all_recording_start_times_within_window(
        datetime(2026, 6, 1, 8, tzinfo=EASTERN), datetime(2026, 6, 1, 20, tzinfo=EASTERN), 60.0, 300.0
    )
    assert len(starts) == 145
    assert starts[0].isoformat() == "2026-06-01T08:00:00-04:00"
    assert starts[-1].isoformat() == "2026-06-01T20:00:00-04:00"
    assert all(start.tzinfo is EASTERN for start in starts)


def test_both_ends_of_a_window_are_starts_even_where_they_are_one() -> None:
    moment = datetime(2026, 6, 1, 8, tzinfo=EASTERN)
    assert get_all_recording_start_times_within_window(moment, moment, 60, 300) == [moment]
    assert get_all_recording_start_times_within_window(moment, moment - timedelta(seconds=1), 60, 300) == []


@pytest.mark.parametrize("index", [0, 1])
def test_a_time_without_zone_is_refused(index: int) -> None:
    """Upstream: times were taken for "EDT", whatever the zone of the machine or the season."""
    moments = [datetime(2026, 6, 1, 8, tzinfo=EASTERN), datetime(2026, 6, 1, 20, tzinfo=EASTERN)]
    moments[index] = moments[index].replace(tzinfo=None)
    with pytest.raises(ValueError, match="has no time zone"):
        get_all_recording_start_times_within_window(moments[0], moments[1], 60, 300)


def test_captures_that_would_overlap_are_refused() -> None:
    """Upstream: what happens with a duration longer than the interval was said nowhere."""
    moment = datetime(2026, 6, 1, 8, tzinfo=EASTERN)
    with pytest.raises(CaptureOverlap, match="a capture of 301 s is longer than the interval of 300 s"):
        get_all_recording_start_times_within_window(moment, moment, 301, 300)
    with pytest.raises(CaptureOverlap):
        CaptureWindow(480, 1200, 301 * S, 300 * S, UTC)
    with pytest.raises(CaptureOverlap, match="go 120 s into the first one of the next day"):
        CaptureWindow(0, 1439, 420 * S, 420 * S, UTC)
    CaptureWindow(0, 1439, 300 * S, 300 * S, UTC)


@pytest.mark.parametrize("duration_s, interval_s", [(0, 300), (-1, 300), (60, 0), (60, 86401)])
def test_lengths_out_of_range_are_refused(duration_s: int, interval_s: int) -> None:
    with pytest.raises(ValueError, match=r"the (duration|interval)"):
        CaptureWindow(480, 1200, duration_s * S, interval_s * S, UTC)


def test_a_list_without_end_is_refused() -> None:
    moment = datetime(2026, 6, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="more than 100000"):
        get_all_recording_start_times_within_window(moment, moment + timedelta(days=3650), 1, 1)


def test_the_starts_of_a_window_in_which_the_clocks_change_keep_their_steps() -> None:
    """Upstream: a start list over a change of the clocks was unspecified."""
    spring = get_all_recording_start_times_within_window(
        datetime(2026, 3, 8, 0, 30, tzinfo=EASTERN), datetime(2026, 3, 8, 4, 30, tzinfo=EASTERN), 60, 3600
    )
    assert [f"{start:%H:%M%z}" for start in spring] == ["00:30-0500", "01:30-0500", "03:30-0400", "04:30-0400"]
    autumn = get_all_recording_start_times_within_window(
        datetime(2026, 11, 1, 0, 30, tzinfo=EASTERN), datetime(2026, 11, 1, 2, 30, tzinfo=EASTERN), 60, 3600
    )
    assert [f"{start:%H:%M%z}" for start in autumn] == ["00:30-0400", "01:30-0400", "01:30-0500", "02:30-0500"]


def test_a_window_may_go_over_midnight_on_any_date() -> None:
    """Upstream: starts were computed for one day, once; a window over midnight had none."""
    window = CaptureWindow(22 * 60, 2 * 60, 60 * S, 3600 * S, find_zone("Europe/Berlin"))
    found = stepwise(window, at("2026-12-31T20:30:00+01:00"), at("2027-01-01T22:30:00+01:00"))
    assert found == [at(f"2026-12-31T{hour}:00:00+01:00") for hour in (22, 23)] + [
        at(f"2027-01-01T{hour:02}:00:00+01:00") for hour in (0, 1, 2, 22)
    ]


def test_starts_that_are_past_are_left_out_only_if_asked() -> None:
    window = CaptureWindow(480, 1200, 60 * S, 300 * S, EASTERN)
    day = date(2026, 6, 1)
    assert len(list(window.starts(day))) == 145
    assert len(list(window.starts(day, from_us=at("2026-06-01T19:50:00-04:00")))) == 3
    assert len(list(window.starts(day, from_us=at("2026-06-01T19:50:00.000001-04:00")))) == 2
    assert list(window.starts(day, from_us=at("2026-06-02T00:00:00-04:00"))) == []


def test_a_window_is_open_until_its_last_capture_ends() -> None:
    window = CaptureWindow(480, 1203, 60 * S, 300 * S, EASTERN)  # its last start is at 20:00
    assert window.bounds(date(2026, 6, 1)) == (at("2026-06-01T08:00:00-04:00"), at("2026-06-01T20:01:00-04:00"))
    states = [
        window.is_open(at(f"2026-06-01T{time}-04:00")) for time in ("07:59:59", "08:00:00", "20:00:59", "20:01:00")
    ]
    assert states == [False, True, True, False]


def test_a_change_of_the_clocks_brings_no_two_captures_together() -> None:
    """Upstream: two windows that a change of the clocks moves into each other were unspecified.

    In Havana the clocks go from 00:00 to 01:00, so a window that ends at 23:55 is five minutes before one from 01:00.
    """
    window = CaptureWindow(60, 23 * 60 + 55, 600 * S, 900 * S, ZoneInfo("America/Havana"))
    found = stepwise(window, at("2026-03-07T23:30:00-05:00"), at("2026-03-08T01:40:00-04:00"))
    assert found == [at("2026-03-07T23:45:00-05:00"), at("2026-03-08T01:00:00-04:00"),
                     at("2026-03-08T01:15:00-04:00"), at("2026-03-08T01:30:00-04:00")]  # fmt: skip
    close = CaptureWindow(60, 23 * 60 + 45, 3600 * S, 3600 * S, ZoneInfo("America/Havana"))
    found = stepwise(close, at("2026-03-07T21:30:00-05:00"), at("2026-03-08T03:40:00-04:00"))
    assert found == [
        *(at(f"2026-03-07T{hour}:00:00-05:00") for hour in (22, 23)),
        *(at(f"2026-03-08T0{hour}:00:00-04:00") for hour in (1, 2, 3)),
    ]


@pytest.mark.parametrize(
    "zone, start_min, end_min", [("US/Eastern", 480, 1200), *((zone, 1380, 150) for zone in ZONES)]
)
def test_a_year_found_step_by_step_is_the_year_listed_at_once(zone: str, start_min: int, end_min: int) -> None:
    """Upstream: times were computed for one day; a year with its midnights, gaps and folds was never looked at."""
    window = CaptureWindow(start_min, end_min, 600 * S, 1800 * S, find_zone(zone))
    listed = naive_starts(window, date(2025, 12, 30), 370)
    year = [start for start in listed if at("2026-01-01T00:00:00+00:00") < start < at("2027-01-01T00:00:00+00:00")]
    assert stepwise(window, at("2026-01-01T00:00:00+00:00"), at("2027-01-01T00:00:00+00:00")) == year


@given(
    st.integers(0, 1439), st.integers(0, 1439), st.integers(1, 24 * 60), st.floats(0.01, 1.0),
    st.sampled_from([*ZONES, "Pacific/Apia"]), st.dates(date(2011, 12, 1), date(2028, 1, 1)), st.integers(0, 86400 * S),
)  # fmt: skip
@example(480, 1200, 1440, 1.0, "US/Eastern", date(2026, 3, 8), 0)
@example(480, 1200, 60, 1.0, "Pacific/Apia", date(2011, 12, 30), 0)
def test_the_next_start_is_the_first_of_all_that_come_later(
    start_min: int, end_min: int, interval_min: int, share: float, zone: str, day: date, offset_us: int
) -> None:
    interval_us = interval_min * 60 * S
    try:
        window = CaptureWindow(start_min, end_min, max(1, int(interval_us * share)), interval_us, find_zone(zone))
    except CaptureOverlap:
        return
    after = epoch_us(datetime.combine(day, datetime.min.time(), UTC)) + offset_us
    listed = naive_starts(window, day - timedelta(days=5), 12)
    assert window.next_start(after) == min(start for start in listed if start > after)
    assert all(later - start >= window.duration_us for start, later in pairwise(listed))
    near = [start for shift in range(-2, 3) for start in window.starts(day + timedelta(days=shift))]
    assert near == sorted(set(near))
    assert set(near) <= set(listed)
