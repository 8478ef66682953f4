"""Policies: what is decided, for every history of failures and restarts, against a slow and obvious judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake_components.health.policy import Budget, Measure, Policy, Record

LIMIT, WINDOW, RESTARTS, RESTART_WINDOW = 3, 10, 2, 50


def record(policy: Policy, *, is_recoverable: bool = True, restarts: int = RESTARTS) -> Record:
    return Record(policy, Budget(LIMIT, WINDOW, restarts, RESTART_WINDOW), is_recoverable=is_recoverable)


def expected(policy: Policy, is_recoverable: bool, restarts: list[int], now: int) -> Measure:
    """The judge: the declared policy in so many words."""
    if policy is Policy.REPORT:
        return Measure.NONE
    if policy is Policy.FATAL or not is_recoverable:
        return Measure.FATAL
    if policy is Policy.QUARANTINE:
        return Measure.QUARANTINE
    if sum(now - at <= RESTART_WINDOW for at in restarts) < RESTARTS:
        return Measure.RESTART
    return Measure.FATAL if policy is Policy.RESTART_THEN_FATAL else Measure.QUARANTINE


@given(st.sampled_from(Policy), st.booleans(), st.lists(st.integers(0, 20), max_size=80))
def test_every_history_is_judged_as_the_policy_says(policy: Policy, is_recoverable: bool, pauses: list[int]) -> None:
    """REQ-HLTH-011, REQ-HLTH-012: a failure comes after each pause, and what is called for is done at once."""
    one = record(policy, is_recoverable=is_recoverable)
    now = 0
    failures: list[int] = []
    restarts: list[int] = []
    for pause in pauses:
        now += pause
        one.failed(now, "it raised")
        failures.append(now)
        is_failing = len([at for at in failures[-LIMIT:] if now - at <= WINDOW]) == LIMIT
        assert one.is_failing(now) == is_failing
        measure = one.measure(now)
        assert measure is expected(policy, is_recoverable, restarts, now)
        if is_failing and measure is Measure.RESTART:
            one.restarted(now)
            failures = []
            restarts.append(now)
    for start in range(len(restarts)):
        assert sum(0 <= at - restarts[start] <= RESTART_WINDOW for at in restarts[start:]) <= RESTARTS


def test_a_budget_of_no_restarts_goes_on_to_what_follows() -> None:
    """REQ-HLTH-012."""
    assert record(Policy.RESTART_THEN_FATAL, restarts=0).measure(0) is Measure.FATAL
    assert record(Policy.RESTART_THEN_QUARANTINE, restarts=0).measure(10**12) is Measure.QUARANTINE


@pytest.mark.parametrize("policy", Policy)
def test_what_cannot_be_restarted_is_never_restarted_nor_set_aside(policy: Policy) -> None:
    """REQ-HLTH-015."""
    assert record(policy, is_recoverable=False).measure(0) in (Measure.NONE, Measure.FATAL)
