"""When the sensors of a hive record, on virtual time: windows, zones, clocks that are set, sleeps, and orders."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from kittiwake.model import CommandResponse
from kittiwake.model.fw import TimeBase
from kittiwake_components.deployment_time import NO_TIME
from kittiwake_components.sensor_orchestrator.states import ElapsedStarts, StopPolicy
from tests.components.sensor_orchestrator.hive import NS, Hive, utc_ns

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY_S = 86_400
ELAPSED = ElapsedStarts.CONFIGURED


def naive_starts(zone: str, first: date, days: int, *, begin: int, end: int, every_s: int) -> Iterator[str]:
    """Each start by elapsed time from the window's begin of its day (`begin` and `end` are hours)."""
    utc = ZoneInfo("UTC")
    for shift in range(days):
        day = first + timedelta(days=shift)
        start = datetime(day.year, day.month, day.day, begin, tzinfo=ZoneInfo(zone)).astimezone(utc)
        last_day = day + timedelta(days=end < begin)
        last = datetime(last_day.year, last_day.month, last_day.day, end, tzinfo=ZoneInfo(zone)).astimezone(utc)
        while start <= last:
            yield start.astimezone(ZoneInfo(zone)).isoformat()
            start += timedelta(seconds=every_s)


def test_a_day_of_the_original_has_145_captures() -> None:
    """REQ-SO-002: 0800 to 2000 each 300 s, both ends inclusive, each at its start and each for its duration."""
    with Hive() as hive:
        hive.ticks(DAY_S)
        starts = hive.starts()
        assert len(starts) == 145
        assert (starts[0], starts[-1]) == ("2026-06-01T08:00:00-04:00", "2026-06-01T20:00:00-04:00")
        wall_ns = hive.platform.clock.wall_ns() - hive.platform.clock.now_ns()
        for order in hive.script.orders:
            assert (order["at_ns"] + wall_ns) // 1000 == utc_ns(order["start"]) // 1000
            assert order["duration_s"] == 60.0
        assert hive.recordings()[0] == "audio/2026-06-01/hive@2026-06-01@08-00-00.wav"
        assert len(hive.recordings()) == 2 * 145
        assert hive.channels["Captures"] == hive.report("audio").captures == 145
        assert hive.report("audio").misses == 0


def test_a_year_in_several_zones() -> None:
    """REQ-SO-002, REQ-SO-003.

    Upstream: times were computed for one day, under an EDT assumption; midnight and changes of the clocks unspecified.
    """
    zones = {"eastern": "US/Eastern", "berlin": "Europe/Berlin", "howe": "Australia/Lord_Howe"}
    sensors = {name: {"pytz_time_zone": zone, "kind": "cpu"} for name, zone in zones.items()}
    sensors["eastern"] |= {"capture_window_start_time": "2200", "capture_window_end_time": "0400"}
    quiet = ("sensor_out", "capture_done_out")
    with Hive(sensors, now="2026-01-01T00:00:00Z", open_ports=quiet, capture_interval_seconds=4 * 3600) as hive:
        for _ in range(73):
            hive.ticks(5 * DAY_S)
            hive.upload()
        hive.ticks(2 * DAY_S)
        for name, zone in zones.items():
            begin, end = (22, 4) if name == "eastern" else (8, 20)
            every = naive_starts(zone, date(2025, 12, 31), 370, begin=begin, end=end, every_s=4 * 3600)
            first_ns, last_ns = utc_ns("2026-01-01T00:00:00Z"), utc_ns("2027-01-03T00:00:00Z")
            wanted = [start for start in every if first_ns <= utc_ns(start) < last_ns]
            assert hive.starts(name) == wanted
        assert hive.channels["Misses"] is None
        assert hive.channels["Captures"] == len(hive.script.orders)
        offsets = {start[-6:] for start in hive.starts("howe")}
        assert offsets == {"+10:30", "+11:00"}


def test_an_hour_that_comes_twice_overwrites_nothing() -> None:
    """Upstream: a change of the clocks was unspecified; two recordings of one local time would have had one name."""
    with Hive(capture_window_start_time="0000", capture_window_end_time="0400", capture_interval_seconds=1800,
              now="2026-10-31T23:00:00-04:00") as hive:  # fmt: skip
        hive.ticks(7 * 3600)
        names = [name for name in hive.recordings() if name.endswith(("01-30-00.wav", "01-30-00-2.wav"))]
        assert len(names) == 2
        assert hive.report("audio").captures == len(hive.starts()) == 11


def test_windows_are_reported() -> None:
    """REQ-SO-004."""
    with Hive() as hive:
        hive.ticks(DAY_S)
        assert [hive.events.names().count(name) for name in ("WindowOpened", "WindowClosed")] == [1, 1]
        opened, closed = hive.events.named("WindowOpened")[0], hive.events.named("WindowClosed")[0]
        assert closed.tag - opened.tag == pytest.approx((12 * 3600 + 60) * 1e6, abs=1e4)


def test_the_earliest_start_is_shown() -> None:
    """REQ-SO-013."""
    with Hive({"audio": {}, "temp": {"capture_window_start_time": "0730"}}) as hive:
        assert hive.channels["NextStart"].seconds == utc_ns("2026-06-01T07:30:00-04:00") // NS
        assert hive.report("audio").next_start.seconds == utc_ns("2026-06-01T08:00:00-04:00") // NS
        hive.send("STOP", "", StopPolicy.CONFIGURED)
        hive.ticks()
        assert hive.channels["NextStart"] == hive.report("audio").next_start == NO_TIME


# Clocks


def test_without_a_wall_time_nothing_is_due() -> None:
    """REQ-SO-005: times wait until wall time is set, and then nothing counts as missed."""
    with Hive() as hive:
        hive.deployment.tags.begin_epoch(TimeBase.TB_PROC_TIME)
        hive.ticks()
        hive.ticks(2 * DAY_S)
        assert hive.starts() == []
        assert hive.report("audio").next_start == NO_TIME
        hive.deployment.tags.begin_epoch(TimeBase.TB_WORKSTATION_TIME)
        hive.ticks()
        hive.ticks(DAY_S)
        assert len(hive.starts()) == 145
        assert hive.report("audio").misses == 0


@pytest.mark.parametrize("step_s", [-DAY_S, -3600, -3, 3, 3600, DAY_S])
def test_a_step_of_the_wall_clock_moves_the_schedule_and_no_recording(step_s: int) -> None:
    """REQ-SO-005, REQ-SO-006. Upstream: a step of the clock was unspecified."""
    with Hive() as hive:
        hive.ticks(3600 + 20)
        assert hive.state() == "RECORDING"
        began_ns = hive.script.orders[-1]["at_ns"]
        hive.step_wall_clock(step_s)
        hive.ticks()
        hive.ticks(45)
        done = hive.events.named("CaptureDone")[0]
        assert done.args[1:] == ("audio/2026-06-01/hive@2026-06-01@08-00-00.wav", 9, False)
        assert hive.platform.clock.now_ns() - began_ns == 65 * NS
        assert hive.report("audio").captures == 1
        hive.ticks(DAY_S)
        later = hive.starts()[1:]
        assert len(later) == len(set(later)) in (144, 145)
        missed = sum(event.args[1] for event in hive.events.named("CaptureMissed"))
        assert missed == hive.report("audio").misses == {3600: 12, DAY_S: 145}.get(step_s, 0)
        assert [event.args[0] for event in hive.events.named("ScheduleMoved")] == [pytest.approx(step_s)]
        # Each on the new clock's minutes.
        assert {start[-8:] for start in later} == {"00-04:00"}


def test_a_small_step_back_takes_no_start_twice() -> None:
    with Hive() as hive:
        hive.ticks(3600 + 1)
        hive.step_wall_clock(-3)
        hive.ticks()
        hive.ticks(600)
        assert hive.starts() == [f"2026-06-01T08:{minute}:00-04:00" for minute in ("00", "05")]


def test_what_a_sleep_leaves_out_is_counted_as_missed() -> None:
    """REQ-SO-007: late by less than LATE_LIMIT_S is late, beyond it is missed, and one that another followed too."""
    with Hive() as hive:
        hive.platform.clock.advance((3600 + 605) * NS)
        hive.ticks()
        assert hive.events.named("CaptureMissed")[0].args == ("audio", 2)
        assert hive.events.named("CaptureLate")[0].args == ("audio", pytest.approx(5.0))
        assert hive.starts() == ["2026-06-01T08:10:00-04:00"]
        hive.ticks(61)
        hive.platform.clock.advance(300 * NS)
        hive.ticks()
        assert hive.events.named("CaptureMissed")[1].args == ("audio", 1)
        assert hive.starts() == ["2026-06-01T08:10:00-04:00"]
        assert hive.channels["Misses"] == hive.report("audio").misses == 3


def test_a_long_sleep_is_counted_so_far_and_goes_on_from_now() -> None:
    with Hive() as hive:
        hive.platform.clock.advance(30 * DAY_S * NS)
        hive.ticks()
        assert hive.events.named("CaptureMissed")[0].args == ("audio", 1000)
        hive.ticks(DAY_S)
        assert len(hive.starts()) == 145


def test_a_capture_that_fills_its_interval_is_followed_by_the_next() -> None:
    """Upstream: overlap was unspecified. The end of one and the start of the next fall together."""
    with Hive(capture_duration_seconds=300) as hive:
        hive.ticks(DAY_S)
        assert len(hive.starts()) == 145
        assert hive.report("audio").misses == 0


# Elapsed starts


@pytest.mark.parametrize("order", [ElapsedStarts.INCLUDE, ElapsedStarts.CONFIGURED])
def test_elapsed_starts_are_made_up_for_by_one_capture(order: ElapsedStarts) -> None:
    """REQ-SO-008. The original's include_elapsed_times: the latest is captured now, those before are missed."""
    sensors = {"audio": {"auto_start": False, "include_elapsed_times": True}}
    with Hive(sensors, now="2026-06-01T08:11:00-04:00") as hive:
        assert hive.state() == "STOPPED"
        assert hive.send("START", "audio", order).response is CommandResponse.OK
        hive.ticks(1)
        assert hive.starts() == ["2026-06-01T08:11:00-04:00"]
        assert hive.report("audio").misses == 2
        hive.ticks(300)
        assert hive.starts()[1:] == ["2026-06-01T08:15:00-04:00"]


def test_elapsed_starts_are_left_out_or_have_no_room() -> None:
    with Hive({"audio": {"auto_start": False}}, now="2026-06-01T08:11:00-04:00") as hive:
        hive.send("START", "audio", ELAPSED)
        hive.ticks(1)
        assert (hive.starts(), hive.report("audio").misses) == ([], 0)
        hive.send("STOP", "audio", StopPolicy.CONFIGURED)
        hive.ticks(3 * 60)  # 08:14:01: a minute has no room before 08:15
        hive.send("START", "audio", ElapsedStarts.INCLUDE)
        hive.ticks(1)
        assert (hive.starts(), hive.report("audio").misses) == ([], 3)
    with Hive({"audio": {"auto_start": False}}) as hive:
        hive.send("START", "audio", ElapsedStarts.INCLUDE)  # no window is open
        hive.ticks(1)
        assert (hive.starts(), hive.report("audio").misses) == ([], 0)


# Orders


def test_a_recording_can_be_taken_now() -> None:
    """REQ-SO-009."""
    with Hive({"audio": {}, "temp": {}}) as hive:
        assert hive.send("TAKE_NOW", "audio").response is CommandResponse.OK
        assert hive.send("TAKE_NOW", "audio").response is CommandResponse.BUSY
        assert hive.send("TAKE_NOW", "").response is CommandResponse.OK
        hive.ticks(61)
        assert hive.starts() == hive.starts("temp") == ["2026-06-01T07:00:00-04:00"]
        assert hive.send("TAKE_NOW", "audio").response is CommandResponse.OK
        hive.ticks(1)
        assert hive.starts()[-1] == "2026-06-01T07:01:01-04:00"


def test_a_recording_that_would_not_end_before_the_next_is_refused() -> None:
    """The field app of the original refuses within an interval's last seconds."""
    with Hive(now="2026-06-01T07:59:30-04:00") as hive:
        assert hive.send("TAKE_NOW", "audio").response is CommandResponse.BUSY
        assert "would not have ended" in str(hive.monitor)
        hive.send("STOP", "audio", StopPolicy.CONFIGURED)
        assert hive.send("TAKE_NOW", "audio").response is CommandResponse.BUSY


def test_two_in_one_second_have_different_names() -> None:
    with Hive(capture_duration_seconds=0.2) as hive:
        hive.send("TAKE_NOW", "audio")
        hive.ticks(0.3)
        hive.send("TAKE_NOW", "audio")
        hive.ticks(0.3)
        assert [name for name in hive.recordings() if name.endswith(".wav")] == [
            "audio/2026-06-01/hive@2026-06-01@07-00-00-2.wav",
            "audio/2026-06-01/hive@2026-06-01@07-00-00.wav",
        ]
