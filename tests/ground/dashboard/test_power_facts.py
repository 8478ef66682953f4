"""What the page of power and energy makes of a device's telemetry and events."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake_ground.dashboard.power_facts import (
    Cycle,
    awake_spans,
    cycles_html,
    cycles_of,
    failed_step_text,
    span_text,
    timeline_html,
)


@pytest.mark.parametrize(
    "seconds, text",
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (725, "12 min 5 s"), (12_000, "3 h 20 min"), (187_200, "2 d 4 h")],
)
def test_a_span_is_told_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert span_text(seconds) == text


@pytest.mark.parametrize("name, text", [("BOOT", "None"), ("PLAN_WAKE", "Plan wake"), ("-", "-")])
def test_no_step_has_failed_before_one_has(name: str, text: str) -> None:
    assert failed_step_text(name) == text


def event(name: str, time_us: int = 0, **arguments: Any) -> dict[str, Any]:
    return {"name": f"Any.instance.{name}", "time_us": time_us, "arguments": arguments}


def test_cycles_are_told_with_the_steps_that_failed_in_them() -> None:
    cycles = cycles_of(
        [
            event("CycleStepFailed", step="JOBS", reason="of a cycle that began earlier"),
            event("CycleStarted", cycle=7),
            event("CycleStepFailed", step="POWER", reason="no <supply>"),
            event("CycleStepTimeout", step="PLAN_WAKE", limit_s=5),
            event("CycleFinished", 9_000_000, cycle=7, duration_ms=1500, energy=0.25, failed=2),
            event("CycleStarted", cycle=8),
            event("CycleFinished", 19_000_000, cycle=8, duration_ms=900, energy=0.125, failed=0),
        ]
    )
    steps = ("Power: no <supply>", "Plan wake: not done within 5 s")
    assert cycles == [Cycle(7, 9_000_000, 1500, 0.25, 2, steps), Cycle(8, 19_000_000, 900, 0.125, 0, ())]
    table = cycles_html(cycles)
    assert table.index("<td>8</td>") < table.index("<td>7</td>")  # the newest first
    assert "no &lt;supply&gt;" in table
    assert "0.250 mWh" in table


def test_a_value_of_awake_seconds_shows_the_wake_from_its_beginning() -> None:
    buckets = {"width_us": 60_000_000, "start_us": [3600_000_000, 3660_000_000, 9000_000_000], "max": [600, 655, None]}
    assert awake_spans(buckets) == [(3060.0, 3720.0)]


def test_wakes_with_a_sleep_between_them_stay_apart() -> None:
    buckets = {"width_us": 60_000_000, "start_us": [3600_000_000, 7200_000_000], "max": [30, 45]}
    spans = awake_spans(buckets)
    assert spans == [(3630.0, 3660.0), (7215.0, 7260.0)]
    strip = timeline_html(spans, 0.0, 7500.0)
    assert "Awake 2 times, 1 min 15 s in all, 1.0 % of the time" in strip
    assert strip.count("<span ") == 2


def test_what_lies_before_the_strip_is_cut() -> None:
    assert "Awake 1 time, 10 s in all" in timeline_html([(0.0, 110.0)], 100.0, 1100.0)
    assert "Awake 0 times" in timeline_html([(0.0, 10.0)], 100.0, 1100.0)
