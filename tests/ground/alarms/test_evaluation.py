"""When a channel is beyond its limits: against a plain reading of the whole history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.dictionary.entries import Limits
from kittiwake_ground.alarms.evaluation import CALM, US_PER_S, beyond, is_stale, judge, level_of, pass_time, restored
from kittiwake_ground.alarms.levels import LEVELS
from kittiwake_ground.alarms.limits import LimitFault, LimitPlan, plan_from

PLAN = LimitPlan(low=Limits(red=-10), high=Limits(yellow=30, red=50))
VALUES = st.one_of(st.integers(-20, 60), st.floats(-20, 60), st.just(float("nan")))


@st.composite
def plans(draw: Any) -> LimitPlan:
    """Limits in their order, some left out."""
    marks = sorted(draw(st.lists(st.integers(-15, 55), min_size=6, max_size=6)))
    chosen = [one if draw(st.booleans()) else None for one in marks]
    low, high = Limits(*reversed(chosen[:3])), Limits(*chosen[3:])
    return LimitPlan(
        low, high, samples=draw(st.integers(1, 4)), hold_s=draw(st.sampled_from([0.0, 1.0, 2.5])),
        hysteresis=draw(st.sampled_from([0.0, 0.5, 3.0])),
    )  # fmt: skip


def level_of_history(plan: LimitPlan, history: list[tuple[int, Any]], now_us: int) -> str:
    """The level by the definition: each one looked at alone, over all values from the first."""
    gravest = ""
    for number in range(3):
        fired, run = False, list[int]()
        moments = [*history, (now_us, None)]
        for at_us, value in moments:
            is_value = value is not None and value == value
            if is_value:
                out = beyond(plan, number, value, plan.hysteresis if fired else 0)
                run = [*run, at_us] if out else []
                fired = fired and out
            if run and not fired and (is_value or value is None):
                fired = len(run) >= plan.samples and at_us - run[0] >= plan.hold_s * US_PER_S
        gravest = LEVELS[number + 1] if fired else gravest
    return gravest


@given(plans(), st.lists(st.tuples(st.integers(0, 1_500_000), VALUES), max_size=12), st.integers(0, 3_000_000))
def test_the_state_machine_agrees_with_the_whole_history(
    plan: LimitPlan, steps: list[tuple[int, Any]], rest_us: int
) -> None:
    state, now_us, history = CALM, 0, []
    for pause_us, value in steps:
        now_us += pause_us
        state = judge(plan, state, value, now_us)
        history.append((now_us, value))
    now_us += rest_us
    state = pass_time(plan, state, now_us)
    assert level_of(state) == level_of_history(plan, history, now_us)


@given(plans(), st.lists(st.tuples(st.integers(0, 1_500_000), VALUES), max_size=12), st.integers(0, 11))
def test_looking_at_the_clock_between_values_never_hides_an_alarm(
    plan: LimitPlan, steps: list[tuple[int, Any]], often: int
) -> None:
    rare, frequent, now_us = CALM, CALM, 0
    for pause_us, value in steps:
        for _ in range(often):
            now_us += pause_us // 12
            frequent = pass_time(plan, frequent, now_us)
        now_us += pause_us - often * (pause_us // 12)
        rare, frequent = judge(plan, rare, value, now_us), judge(plan, frequent, value, now_us)
        assert LEVELS.index(level_of(frequent)) >= LEVELS.index(level_of(rare))


@given(plans(), st.sampled_from(LEVELS), st.lists(VALUES, min_size=1, max_size=5))
def test_a_restart_forgets_no_alarm_and_ends_none_by_itself(plan: LimitPlan, level: str, values: list[Any]) -> None:
    state = restored(plan, level)
    limited = [LEVELS[one + 1] for one in range(3) if plan.low[one] is not None or plan.high[one] is not None]
    kept = [one for one in limited if LEVELS.index(one) <= LEVELS.index(level)]
    assert level_of(state) == (kept[-1] if kept else "")
    assert level_of(pass_time(plan, state, 10**12)) == level_of(state)
    for value in values:
        state = judge(plan, state, value, 0)
    if values[-1] == values[-1] and not any(beyond(plan, one, values[-1], plan.hysteresis) for one in range(3)):
        assert level_of(state) == ""


@pytest.mark.parametrize(
    "value,level",
    [(30, ""), (30.1, "YELLOW"), (50, "YELLOW"), (50.1, "RED"), (-10, ""), (-10.1, "RED"), (True, ""), ("9e9", "")],
)
def test_a_value_at_its_limit_is_within(value: Any, level: str) -> None:
    assert level_of(judge(PLAN, CALM, value, 0)) == level


def test_what_is_sent_once_is_held_to_last() -> None:
    plan = LimitPlan(high=Limits(red=50), hold_s=5)
    state = judge(plan, CALM, 51, 0)
    assert level_of(pass_time(plan, state, 4_999_999)) == ""
    assert level_of(pass_time(plan, state, 5_000_000)) == "RED"


def test_a_channel_is_stale_from_the_moment_on() -> None:
    plan = LimitPlan(stale_s=2)
    assert not is_stale(plan, 0, 1_999_999)
    assert is_stale(plan, 0, 2_000_000)
    assert not is_stale(LimitPlan(), 0, 10**15)


@pytest.mark.parametrize(
    "plain,message",
    [
        ({"high": {"yellow": 5, "red": 4}}, "high yellow 5 is above high red 4"),
        ({"low": {"yellow": 6}, "high": {"yellow": 5}}, "low yellow 6 is above high yellow 5"),
        ({"low": {"red": 0}, "high": {"red": 9}, "hysteresis": 5}, "leaves no value within 0 to 9 .red."),
        ({"high": {"red": float("nan")}}, "a number is wanted"),
        ({"high": {"red": True}}, "a number is wanted"),
        ({"high": {"blue": 1}}, "not blue"),
        ({"samples": 0}, "from 1 to 1000"),
        ({"stale_s": -1}, "stale_s is from 0"),
        ({"stale_level": "BLUE"}, "'BLUE'"),
        ({"hysteresis": -1}, "0 or more"),
        ({"patience": 1}, "limits have low"),
    ],
)  # fmt: skip
def test_limits_that_cannot_be_are_named(plain: dict[str, Any], message: str) -> None:
    with pytest.raises(LimitFault, match=message):
        plan_from(plain)


@given(plans())
def test_limits_survive_being_written_down(plan: LimitPlan) -> None:
    wide = replace(plan, hysteresis=0.0)
    assert plan_from(wide.plain()) == wide
