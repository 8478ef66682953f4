"""What the page of a hive draws of its sensors' captures, and how it shows sensors."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake_ground.dashboard.hive_captures import Lane, Mark, lanes_of, start_of, tells_of_hive
from kittiwake_ground.dashboard.hive_facts import SensorFacts
from kittiwake_ground.dashboard.hive_html import (
    Stretch,
    latest_html,
    sensor_html,
    timeline_html,
    together,
    with_present,
)

NOON_S = 1_795_780_800.0  # 27 November 2026, 12:00 UTC
DAY = Stretch(NOON_S - 43_200, NOON_S + 43_200, NOON_S)


def event(name: str, at_s: float, sensor: str = "audio", **arguments: Any) -> dict[str, Any]:
    return {
        "name": f"Any.instance.{name}", "time_us": int((NOON_S + at_s) * 1e6), "text": f"{name} <of> {sensor}",
        "arguments": {"sensor": sensor, **arguments},
    }  # fmt: skip


def done(at_s: float, clock: str, truncated: bool = False) -> dict[str, Any]:
    return event("CaptureDone", at_s, file=f"audio/d/hive@2026-11-27@{clock}.wav", size=9000, truncated=truncated)


def sensor(state: str = "WAITING", **facts: Any) -> SensorFacts:
    shown = SensorFacts("audio", state, NOON_S - 5, NOON_S + 300, 3, 0, 0, (("Level", "-28 dBFS"),), NOON_S - 65, 0.0)
    return shown._replace(**facts)


@pytest.mark.parametrize(
    "clock, seconds",
    [("11-59-30", 30), ("06-59-30", 30), ("17-44-30", 30), ("12-00-00", 0), ("06-45-01", 899), ("nonsense", 0)],
    ids=["utc", "new york", "kathmandu", "at once", "long", "no time"],
)
def test_a_capture_began_when_its_name_says_whatever_the_zone(clock: str, seconds: int) -> None:
    assert start_of(f"audio/2026-11-27/hive@2026-11-27@{clock}.wav", NOON_S) == NOON_S - seconds


def test_a_number_in_the_name_of_a_time_that_came_twice_does_not_matter() -> None:
    assert start_of("audio/d/hive@2026-11-27@11-59-00-2.wav", NOON_S) == NOON_S - 60


def test_captures_are_drawn_by_what_came_of_them() -> None:
    (lane,) = lanes_of(
        [
            event("WindowOpened", -900),
            done(-840, "11-45-00"),
            event("CaptureLate", -590, late_s=10.0),
            done(-530, "11-50-00"),
            done(-290, "11-55-00", truncated=True),
            event("CaptureMissed", -200, count=2),
            event("CaptureFailed", -100, reason="no microphone"),
            event("CaptureDiscarded", -50, file="audio/x"),
            event("SensorQuarantined", -40, reason="it hangs"),
        ],
        NOON_S,
    )
    assert lane.windows == ((NOON_S - 900, NOON_S),)
    assert [(mark.kind, mark.start_s - NOON_S, mark.end_s - NOON_S) for mark in lane.marks] == [
        ("done", -900, -840), ("late", -590, -530), ("truncated", -300, -290), ("missed", -200, -200),
        ("failed", -100, -100), ("discarded", -50, -50), ("trouble", -40, -40),
    ]  # fmt: skip
    assert "10.0 s late" in lane.marks[1].text


def test_a_window_told_of_twice_is_one_and_one_that_was_open_before_is_drawn_from_the_start() -> None:
    (lane,) = lanes_of(
        [
            event("WindowClosed", -500),
            event("WindowOpened", -400),
            event("WindowOpened", -300),
            event("WindowClosed", -9),
        ],
        NOON_S,
    )
    assert lane.windows == ((0.0, NOON_S - 500), (NOON_S - 400, NOON_S - 9))
    assert 'style="left:0.000%' in timeline_html([lane], [], DAY)


def test_sensors_have_lanes_of_their_own() -> None:
    lanes = lanes_of(
        [event("WindowOpened", -9, "temp"), event("SensorStarted", -8), {**event("x", 0), "arguments": {}}], 0
    )
    assert [(lane.sensor, lane.marks) for lane in lanes] == [("audio", ()), ("temp", ())]


def test_only_what_is_of_sensors_is_read() -> None:
    assert tells_of_hive("Hive.sensorOrchestrator.CaptureDone")
    assert not tells_of_hive("Hive.sensorOrchestrator.ConfigLoaded")


def test_captures_that_would_touch_are_one_bar() -> None:
    marks = [Mark(float(at), at + 1.0, "done", "one") for at in (0, 4, 8)] + [Mark(12.0, 12.0, "missed", "m")]
    bars = together(marks, 10.0)
    assert [(bar.kind, bar.start_s, bar.end_s) for bar in bars] == [("done", 0.0, 9.0), ("missed", 12.0, 12.0)]
    assert bars[0].text.startswith("3 x done")
    assert len(together(marks, 1.0)) == 4


def test_what_records_now_has_a_bar_and_what_never_did_anything_has_no_lane() -> None:
    quiet = sensor("STOPPED", name="video", captures=0)
    lanes = with_present([], [sensor("RECORDING"), quiet], NOON_S)
    assert [lane.sensor for lane in lanes] == ["audio"]
    assert [(mark.kind, mark.start_s) for mark in lanes[0].marks] == [("recording", NOON_S - 5)]
    assert "No sensor does anything" in timeline_html([], [], DAY)


def test_the_timeline_says_its_counts_to_whoever_cannot_see_it_and_shows_the_next_start() -> None:
    lane = Lane("<mic>", (), (Mark(NOON_S - 60, NOON_S, "done", "a <b>"), Mark(0.0, 1.0, "missed", "long ago")))
    drawn = timeline_html([lane], [sensor(name="<mic>")], DAY)
    assert 'aria-label="&lt;mic&gt;: 1 done"' in drawn
    assert "kw-capture kw-capture-next" in drawn
    assert "<mic>" not in drawn
    assert "long ago" not in drawn


def test_the_last_captures_are_listed_the_newest_first() -> None:
    lane = Lane(
        "audio", (), (Mark(NOON_S - 60, NOON_S - 50, "done", "first"), Mark(NOON_S, NOON_S, "trouble", "<hung>"))
    )
    table = latest_html([lane], DAY)
    assert table.index("&lt;hung&gt;") < table.index("first")
    assert "Nothing was recorded" in latest_html([], DAY)


def test_a_sensor_says_how_old_its_values_are_and_since_when_they_are_not_good() -> None:
    shown = sensor_html(sensor(bad_since_s=NOON_S - 600), NOON_S)
    assert "read 1 min 5 s ago" in shown
    assert "A reading fails since 27 Nov 11:50:00 UTC, for 10 min" in shown
    assert "in 5 min" in shown
    assert "fails" not in sensor_html(sensor(), NOON_S)
    assert "kw-chip-bad" in sensor_html(sensor("QUARANTINED"), NOON_S)
