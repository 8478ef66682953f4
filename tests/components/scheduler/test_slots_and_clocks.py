"""Slots that were missed, and clocks that are set, were wrong, or are not known."""

from __future__ import annotations

import pytest

from kittiwake.model.fw import TimeBase
from kittiwake_components.scheduler.jobs import MissedPolicy
from kittiwake_components.scheduler.planning import MAX_CATCH_UP
from tests.components.scheduler.cycles import (
    DAY_S,
    FAILED,
    HOUR_S,
    add,
    cycles,
    scheduler,
)

# Missed slots


@pytest.mark.parametrize(
    "policy, ran, missed",
    [(MissedPolicy.ONCE, 1, 47), (MissedPolicy.SKIP, 1, 47), (MissedPolicy.ALL, 48, 0)],
)
def test_slots_that_went_by_in_sleep_follow_the_policy(policy: MissedPolicy, ran: int, missed: int) -> None:
    """REQ-SCH-007: a missed period is run once, not N times, unless the job asks for all."""
    with scheduler() as tester:
        add(tester, "hourly", "cron 0 * * * *", missed=policy)
        tester.reboot(off_s=2 * DAY_S + 60)
        assert cycles(tester, 60) == ran
        assert sum(event.args[1] for event in tester.events.named("JobMissed")) == missed


def test_under_skip_a_slot_that_is_late_does_not_run_and_the_next_one_does() -> None:
    """REQ-SCH-007"""
    with scheduler(parameters={"MISSED_AFTER_S": 300}) as tester:
        add(tester, "hourly", "cron 0 * * * *", missed=MissedPolicy.SKIP)
        tester.reboot(off_s=HOUR_S + 301)
        assert cycles(tester, 10) == 0
        assert tester.events.named("JobMissed")[0].args == ("hourly", 1)
        assert cycles(tester, HOUR_S - 301) == 1


def test_what_is_caught_up_has_a_limit() -> None:
    """REQ-SCH-007"""
    with scheduler() as tester:
        add(tester, "minutely", "cron * * * * *", missed=MissedPolicy.ALL)
        tester.reboot(off_s=4 * HOUR_S + 30)
        assert cycles(tester, 29) == MAX_CATCH_UP
        assert tester.events.named("JobMissed")[0].args == ("minutely", 140)


def test_a_wake_a_few_seconds_late_is_no_missed_slot() -> None:
    """REQ-SCH-007"""
    with scheduler() as tester:
        add(tester, "hourly", "cron 0 * * * *", missed=MissedPolicy.SKIP)
        tester.reboot(off_s=HOUR_S + 8)
        assert cycles(tester, 2) == 1
        assert tester.channels["LateMs"] in range(8000, 11000)


# Clocks


@pytest.mark.parametrize("step_s", [-DAY_S, -HOUR_S, 30, HOUR_S, DAY_S, 400 * DAY_S, -400 * DAY_S])
def test_a_step_of_the_wall_clock_changes_no_delay_of_elapsed_time(step_s: int) -> None:
    """REQ-SCH-011"""
    with scheduler() as tester:
        add(tester, "steady", "every 10m")
        assert cycles(tester, 300) == 0
        clock = tester.platform.clock
        clock.set_wall_ns(clock.wall_ns() + step_s * 1_000_000_000)
        assert cycles(tester, 299) == 0
        assert cycles(tester, 2) == 1
        assert cycles(tester, 598) == 0
        assert cycles(tester, 2) == 1
        assert tester.events.named("ClockStep")[0].args == (pytest.approx(step_s),)


def test_a_retry_is_not_moved_by_a_step_either() -> None:
    """REQ-SCH-011"""
    with scheduler(parameters={"RETRY_BACKOFF_S": 60}) as tester:
        add(tester, "flaky", "once 2026-01-01T01:00:00")
        tester.advance(HOUR_S - 1)
        cycles(tester, 1, FAILED)
        clock = tester.platform.clock
        clock.set_wall_ns(clock.wall_ns() + DAY_S * 1_000_000_000)
        assert cycles(tester, 59) == 0
        assert cycles(tester, 2) == 1


def test_a_clock_that_goes_back_an_hour_runs_no_slot_twice() -> None:
    """REQ-SCH-012"""
    with scheduler() as tester:
        add(tester, "hourly", "cron 0 * * * *")
        assert cycles(tester, HOUR_S + 10) == 1
        clock = tester.platform.clock
        clock.set_wall_ns(clock.wall_ns() - HOUR_S * 1_000_000_000)
        assert cycles(tester, HOUR_S) == 0
        assert cycles(tester, HOUR_S) == 1


def test_after_a_clock_that_was_years_ahead_jobs_run_again() -> None:
    """REQ-SCH-012"""
    with scheduler() as tester:
        add(tester, "hourly", "cron 0 * * * *")
        clock = tester.platform.clock
        clock.set_wall_ns(clock.wall_ns() + 4000 * DAY_S * 1_000_000_000)
        cycles(tester, HOUR_S)
        clock.set_wall_ns(clock.wall_ns() - 4000 * DAY_S * 1_000_000_000)
        assert cycles(tester, HOUR_S + 5) == 1


def test_while_the_time_is_not_known_only_elapsed_time_counts() -> None:
    """REQ-SCH-013"""
    with scheduler() as tester:
        add(tester, "hourly", "cron 0 * * * *")
        add(tester, "steady", "every 1h")
        tester.component._tags.begin_epoch(TimeBase.TB_PROC_TIME)
        assert cycles(tester, HOUR_S + 5) == 1
        assert [event.args for event in tester.events.named("JobStarted")] == [("steady",)]
        tester.component._tags.begin_epoch(TimeBase.TB_WORKSTATION_TIME)
        assert cycles(tester, 1) == 1
