"""The scheduler: what is due runs, what was missed follows its policy, and no run is lost or made twice against it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.model.fw import Enabled
from kittiwake.platform.simulated import PowerCut, SimulatedPlatform
from kittiwake.storage.database import Database
from kittiwake.testing.design_sheet import differences
from kittiwake_components import Scheduler
from kittiwake_components.ports.mode import SystemMode
from kittiwake_components.ports.service import ServiceFault, failed, pack_arguments, result_of, succeeded
from kittiwake_components.scheduler.job_store import JobStore
from kittiwake_components.scheduler.jobs import JobAction, JobGuarantee, MissedPolicy, RunState
from tests.components.scheduler.cycles import (
    DAY_S,
    FAILED,
    HOUR_S,
    INVALID,
    OK,
    PRUNE,
    START_US,
    US,
    add,
    answer_all,
    cycles,
    rows,
    scheduler,
)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(Scheduler) == []


# What runs, and when


def test_a_command_job_runs_at_each_slot_and_its_end_is_reported() -> None:
    """REQ-SCH-001, REQ-SCH-002"""
    with scheduler() as tester:
        assert add(tester, "prune", "every 10s") is OK
        assert cycles(tester, 9) == 0
        assert cycles(tester, 1) == 1
        assert cycles(tester, 20) == 2
        assert len(tester.events.named("JobSucceeded")) == 3
        assert tester.channels["JobsRun"] == 3
        assert [state for _, _, state in rows(tester)] == [RunState.OK] * 3


def test_a_second_in_which_nothing_is_due_asks_the_database_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """REQ-SCH-014"""
    asked: list[str] = []
    rows_of = Database.rows

    def noted(database: Database, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        asked.append(sql)
        return rows_of(database, sql, *parameters)

    monkeypatch.setattr(Database, "rows", noted)
    with scheduler() as tester:
        add(tester, "prune", "every 10s")
        cycles(tester, 1)
        asked.clear()
        assert cycles(tester, 8) == 0
        assert tester.call.due_work() == 0
        assert asked == []
        assert cycles(tester, 1) == 1
        assert asked


def test_a_sequence_job_ends_when_its_own_sequence_ends() -> None:
    """REQ-SCH-002"""
    with scheduler() as tester:
        add(tester, "night", "every 1h", "/seq/night.bin", action=JobAction.SEQUENCE)
        tester.advance(HOUR_S)
        tester.call.run(0)
        [(file, token)] = list(tester.ports.run_sequence)
        assert file == "/seq/night.bin"
        tester.call.sequence_done(token + 1, OK)
        assert tester.channels["JobsRunning"] == 1
        tester.call.sequence_done(token, OK)
        tester.call.run(0)
        assert tester.channels["JobsRunning"] == 0
        assert [event.args for event in tester.events.named("JobSucceeded")] == [("night",)]


def test_a_service_job_calls_its_method_with_literals() -> None:
    """REQ-SCH-002"""
    with scheduler(returns={"call_service": lambda method, arguments: succeeded("fine")}) as tester:
        add(tester, "report", "every 1h", "monitoring.upload(3, 'x', [1.5, None])", action=JobAction.SERVICE)
        tester.advance(HOUR_S)
        tester.call.run(0)
        assert list(tester.ports.call_service[0]) == [("upload", b'[3,"x",[1.5,null]]')]
        assert len(tester.events.named("JobSucceeded")) == 1


def test_a_service_that_fails_fails_its_job_with_its_reason() -> None:
    """REQ-SCH-002"""
    with scheduler(returns={"call_service": lambda method, arguments: failed("no link")}) as tester:
        add(tester, "report", "every 1h", "monitoring.upload()", action=JobAction.SERVICE)
        tester.advance(HOUR_S)
        tester.call.run(0)
        assert tester.events.named("JobFailed")[0].args == ("report", "no link")


def test_one_bad_job_never_blocks_the_others() -> None:
    """REQ-SCH-003"""

    def raises(method: str, arguments: bytes) -> bytes:
        raise OSError("the bus is stuck")

    with scheduler(returns={"call_service": raises}) as tester:
        add(tester, "bad", "every 10s", "monitoring.upload()", action=JobAction.SERVICE)
        add(tester, "good", "every 10s")
        assert cycles(tester, 30) == 3
        assert tester.events.named("JobFailed")[0].args == ("bad", "the bus is stuck")


def test_no_more_jobs_run_at_a_time_than_allowed_and_the_rest_follow() -> None:
    """REQ-SCH-004"""
    with scheduler(parameters={"CONCURRENT": 2}) as tester:
        for number in range(5):
            add(tester, f"job {number}", "every 10s")
        assert cycles(tester, 10, answer=None) == 2
        assert tester.channels["JobsRunning"] == 2
        tester.call.cmd_response_in(0, 1, OK)
        assert cycles(tester, 1, answer=OK) == 1
        tester.call.cmd_response_in(0, 2, OK)
        assert cycles(tester, 3) == 2


def test_a_run_without_an_answer_is_given_up_and_its_late_answer_is_not_taken_for_another() -> None:
    """REQ-SCH-005"""
    with scheduler(parameters={"JOB_TIMEOUT_S": 30, "RETRY_MAX": 0}) as tester:
        add(tester, "slow", "every 1h")
        tester.advance(HOUR_S)
        tester.call.run(0)
        assert cycles(tester, 31, answer=None) == 1
        assert tester.events.named("JobFailed")[0].args == ("slow", "no answer within 30 s")
        tester.call.cmd_response_in(0, 1, OK)
        assert tester.events.named("JobSucceeded") == []


def test_jobs_of_equal_slots_run_in_the_order_of_their_making() -> None:
    """REQ-SCH-001"""
    with scheduler(parameters={"CONCURRENT": 1}) as tester:
        for name in ("c", "a", "b"):
            add(tester, name, "every 1h from 2026-01-01T06:00")
        tester.advance(6 * HOUR_S)
        cycles(tester, 5)
        assert [event.args[0] for event in tester.events.named("JobStarted")] == ["c", "a", "b"]


def test_jitter_delays_a_job_by_no_more_than_it_may() -> None:
    """REQ-SCH-006"""
    begins = set()
    for seed in range(8):
        with scheduler(parameters={"JITTER_S": 30}, seed=seed) as tester:
            add(tester, "spread", "once 2026-01-01T01:00:00")
            tester.advance(HOUR_S - 1)
            begin = next(second for second in range(40) if cycles(tester, 1))
            assert begin <= 31
            begins.add(begin)
    assert len(begins) > 3


# Failures, restarts, and what holds then


def test_a_run_that_fails_is_tried_again_later_and_later_then_given_up() -> None:
    """REQ-SCH-008"""
    with scheduler(parameters={"RETRY_MAX": 2, "RETRY_BACKOFF_S": 10}) as tester:
        add(tester, "flaky", "once 2026-01-01T01:00:00")
        tester.advance(HOUR_S - 1)
        assert cycles(tester, 1, FAILED) == 1
        assert cycles(tester, 9, FAILED) == 0
        assert cycles(tester, 1, FAILED) == 1
        assert cycles(tester, 19, FAILED) == 0
        assert cycles(tester, 1, FAILED) == 1
        assert cycles(tester, 200, FAILED) == 0
        assert tester.events.named("JobDead")[0].args == ("flaky", 3)
        assert rows(tester, "attempt, state") == [(3, RunState.DEAD)]


def test_a_run_of_at_most_once_is_not_tried_again() -> None:
    """REQ-SCH-008"""
    with scheduler() as tester:
        add(tester, "burn", "once 2026-01-01T01:00:00", guarantee=JobGuarantee.AT_MOST_ONCE)
        tester.advance(HOUR_S - 1)
        assert cycles(tester, 600, FAILED) == 1
        assert rows(tester, "attempt, state") == [(1, RunState.FAILED)]


@pytest.mark.parametrize("guarantee", list(JobGuarantee))
def test_a_restart_in_the_midst_of_a_run_follows_its_guarantee(guarantee: JobGuarantee) -> None:
    """REQ-SCH-009. Upstream: a job done before a crash, and not yet committed, was run twice."""
    tester = scheduler()
    add(tester, "feed", "once 2026-01-01T01:00:00", guarantee=guarantee)
    tester.advance(HOUR_S)
    tester.call.run(0)
    assert len(tester.ports.com_cmd_out) == 1
    tester.crash()
    again = cycles(tester, 600)
    assert again == (0 if guarantee is JobGuarantee.AT_MOST_ONCE else 1)
    assert tester.events.named("JobFailed")[0].args == ("feed", "a restart cut it off")
    tester.finish()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.sampled_from(list(JobGuarantee)), st.booleans())
def test_over_many_lives_no_slot_is_lost_or_run_against_its_guarantee(
    seed: int, guarantee: JobGuarantee, power: bool
) -> None:
    """REQ-SCH-009, REQ-SCH-010: the machine dies at any commit, over and over."""
    platform = SimulatedPlatform(seed)
    draw = platform.random.uniform
    tester = scheduler(platform=platform, parameters={"RETRY_MAX": 100})
    add(tester, "feed", "every 1m from 2026-01-01T00:01", guarantee=guarantee, missed=MissedPolicy.ALL)
    begun: dict[int, int] = {}
    ended: set[int] = set()
    for _ in range(12):
        files = tester.platform.files
        files.cut_at(files.operations + 1 + int(draw(0, 12)), after=draw(0, 1) < 0.5)
        try:
            for _ in range(4):
                tester.advance(60)
                tester.call.run(0)
                for _, token in list(tester.ports.com_cmd_out):
                    slot = tester.component._live._by_token[token].run.slot_us
                    begun[slot] = begun.get(slot, 0) + 1
                    tester.call.cmd_response_in(0, token, OK)
                    ended.add(slot)
                tester.ports.com_cmd_out.clear()
        except PowerCut:
            pass
        if power:
            tester.crash()
        else:
            tester.restart()
    tester.platform.files.heal()
    for _ in range(300):
        tester.advance(1)
        tester.call.run(0)
        for _, token in list(tester.ports.com_cmd_out):
            slot = tester.component._live._by_token[token].run.slot_us
            begun[slot] = begun.get(slot, 0) + 1
            tester.call.cmd_response_in(0, token, OK)
        tester.ports.com_cmd_out.clear()
    now = tester.component.wall_us()
    slots = range(START_US + 60 * US, now + 1, 60 * US)
    if guarantee is JobGuarantee.AT_MOST_ONCE:
        assert max(begun.values()) == 1
        assert {slot for slot, *_ in rows(tester)} == set(slots)
    else:
        assert set(begun) == set(slots)
    assert [state for _, _, state in rows(tester) if state in (RunState.BEGUN, RunState.RETRY)] == []


def test_a_cut_in_the_first_command_leaves_the_job_whole_or_not_there() -> None:
    """REQ-SCH-010"""
    for after in (False, True):
        tester = scheduler()
        tester.call.run(0)
        files = tester.platform.files
        files.cut_at(files.operations + 1, after=after)
        with pytest.raises(PowerCut):
            add(tester, "feed", "every 1m")
        tester.crash()
        tester.call.run(0)
        assert tester.channels["JobCount"] == int(after)


# What a supervisor asks


def test_the_next_wake_is_the_earliest_of_all_jobs_and_retries() -> None:
    """REQ-SCH-014. Upstream: the first of the list was taken for the earliest."""
    with scheduler() as tester:
        assert tester.call.next_wake() == 0
        add(tester, "z first", "once 2026-01-03T00:00:00")
        add(tester, "a later", "once 2026-01-05T00:00:00")
        add(tester, "m earliest", "once 2026-01-02T00:00:00")
        assert tester.call.next_wake() == START_US + DAY_S * US
        tester.send("JOB_ENABLE", "m earliest", Enabled.DISABLED)
        assert tester.call.next_wake() == START_US + 2 * DAY_S * US


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=12, unique=True))
@settings(deadline=None, max_examples=20)
def test_the_next_wake_is_the_minimum(delays_s: list[int]) -> None:
    """REQ-SCH-014"""
    with scheduler() as tester:
        for number, delay in enumerate(delays_s):
            text = f"every 1d from {_iso(START_US + delay * US)}"
            assert add(tester, str(number), text) is OK
        assert tester.call.next_wake() == START_US + min(delays_s) * US


def _iso(time_us: int) -> str:
    from datetime import UTC, datetime, timedelta

    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)).isoformat()


def test_due_work_is_what_runs_and_what_is_about_to() -> None:
    """REQ-SCH-014"""
    with scheduler() as tester:
        add(tester, "one", "every 10s")
        add(tester, "two", "every 20s")
        assert tester.call.due_work() == 0
        tester.advance(10)
        assert tester.call.due_work() == 1
        tester.call.run(0)
        assert tester.call.due_work() == 1
        answer_all(tester, OK)
        assert tester.call.due_work() == 0


def test_the_methods_of_the_seed_list_jobs_and_commit_runs() -> None:
    """REQ-SCH-015"""
    with scheduler(parameters={"AUTO_RUN": False}) as tester:
        add(tester, "later", "once 2026-01-02T00:00:00")
        add(tester, "hourly", "cron 0 * * * *")
        assert cycles(tester, HOUR_S + 5) == 0
        listed = result_of(tester.call.call("get_next_execution_time_for_all_jobs", b"[]"))
        assert [job["name"] for job in listed] == ["hourly", "later"]
        assert listed[0]["next_execution_time"] == "2026-01-01T01:00:00+00:00"
        assert listed[0]["executed_expression"] == PRUNE
        commit = [listed[0]["job_id"], "2026-01-01T01:00:06+00:00", 1, "ERROR: no link"]
        assert result_of(tester.call.call("commit_job_execution", pack_arguments(commit))) is True
        assert tester.events.named("JobFailed")[0].args == ("hourly", "ERROR: no link")
        listed = result_of(tester.call.call("get_next_execution_time_for_all_jobs", b"[]"))
        assert listed[0]["next_execution_time"] == "2026-01-01T02:00:00+00:00"


@pytest.mark.parametrize(
    "method, arguments, reason",
    [
        ("drop_all_jobs", "[]", "no method drop_all_jobs"),
        ("commit_job_execution", "[]", "does not take 0 such arguments"),
        ("commit_job_execution", "{}", "no JSON list"),
        ("commit_job_execution", "nonsense", "no JSON"),
        ("commit_job_execution", '[99, "2026-01-01T00:00:00Z", 0, ""]', "no job 99"),
        ("commit_job_execution", '[1, "2026-01-01T00:00:00", 0, ""]', "has no offset"),
        ("commit_job_execution", '[1, "soon", 0, ""]', "no ISO 8601 time"),
        ("commit_job_execution", '["1", "2026-01-01T00:00:00Z", 0, ""]', "with its number"),
    ],
)
def test_a_call_that_makes_no_sense_is_answered_with_its_reason(method: str, arguments: str, reason: str) -> None:
    """REQ-SCH-015. Upstream: comparing a naive time with an aware one raised, and the job silently never ran."""
    with scheduler() as tester:
        add(tester, "one", "every 10s")
        with pytest.raises(ServiceFault, match=reason):
            result_of(tester.call.call(method, arguments.encode()))


# Commands


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ({"name": ""}, "a job has a name"),
        ({"schedule": "now and then"}, "once, every, cron or window"),
        ({"schedule": "once 2020-01-01T00:00:00"}, "that is past"),
        ({"zone": "Mars/Olympus"}, "no time zone"),
        ({"expression": "tested.LOG_PRUN 5"}, "did you mean LOG_PRUNE"),
        ({"expression": "tested.LOG_PRUNE"}, "takes keep"),
        ({"expression": "tested.LOG_PRUNE -1"}, "outside U32"),
        ({"expression": "elsewhere.LOG_PRUNE 1"}, "no instance 'elsewhere'"),
        ({"expression": "../../etc/passwd", "action": JobAction.SEQUENCE}, "leads outside the root"),
        ({"expression": "monitoring.upload(__import__('os'))", "action": JobAction.SERVICE}, "not all literals"),
        ({"expression": "unknown.upload()", "action": JobAction.SERVICE}, "no service unknown: monitoring"),
        ({"expression": "monitoring", "action": JobAction.SERVICE}, "no call of a service's method"),
    ],
)
def test_a_job_that_makes_no_sense_is_refused_and_nothing_is_kept(arguments: dict[str, Any], reason: str) -> None:
    """REQ-SCH-016"""
    with scheduler() as tester:
        assert add(tester, **{"name": "job", "schedule": "every 1h", **arguments}) is INVALID
        assert reason in tester.events.named("JobRefused")[0].args[0]
        tester.call.run(0)
        assert tester.channels["JobCount"] == 0


def test_two_jobs_of_one_name_are_refused() -> None:
    """REQ-SCH-016"""
    with scheduler() as tester:
        assert add(tester, "job", "every 1h") is OK
        assert add(tester, "job", "every 2h") is INVALID
        assert tester.events.named("JobRefused")[0].args == ("there is a job job already",)


def test_jobs_are_switched_removed_run_at_once_and_listed() -> None:
    """REQ-SCH-017"""
    with scheduler() as tester:
        add(tester, "one", "every 1h")
        tester.send("JOB_ENABLE", "one", Enabled.DISABLED)
        assert cycles(tester, 2 * HOUR_S) == 0
        assert tester.send("JOB_RUN_NOW", "one").response is OK
        assert answer_all(tester, OK) == 1
        tester.send("JOB_ENABLE", "one", Enabled.ENABLED)
        assert cycles(tester, HOUR_S - 1) == 0
        assert cycles(tester, 1) == 1
        tester.send("JOB_LIST", 0)
        assert tester.events.named("JobListed")[0].args == ("one", Enabled.ENABLED, "every 1h", HOUR_S, PRUNE)
        assert tester.send("JOB_REMOVE", "one").response is OK
        assert cycles(tester, 2 * HOUR_S) == 0
        for command in ("JOB_REMOVE", "JOB_RUN_NOW"):
            assert tester.send(command, "one").response is INVALID


def test_the_record_of_runs_is_pruned() -> None:
    """REQ-SCH-018"""
    with scheduler() as tester:
        add(tester, "one", "every 1s")
        cycles(tester, 20)
        tester.send("LOG_PRUNE", 5)
        assert len(rows(tester)) == 5
        assert tester.events.named("LogPruned")[0].args == (15,)
        tester.set_parameter("LOG_KEEP", 10)
        cycles(tester, 130)
        assert len(rows(tester)) <= 10 + 64


def test_jobs_wait_in_safe_mode_and_run_after_it() -> None:
    """REQ-SCH-019"""
    with scheduler() as tester:
        add(tester, "one", "every 10s")
        tester.call.mode_in(SystemMode.SAFE_MODE)
        assert cycles(tester, 100) == 0
        assert tester.channels["Held"] is True
        assert tester.call.due_work() == 0
        tester.call.mode_in(SystemMode.NORMAL)
        assert cycles(tester, 1) == 1


# Files


def test_a_damaged_database_is_kept_aside_and_reported() -> None:
    """REQ-SCH-020"""
    tester = scheduler()
    add(tester, "one", "every 10s")
    tester.finish()
    tester.files.damage(tester.root.resolve("/scheduler.sqlite"), 0, b"rotten")
    tester.crash()
    tester.call.run(0)
    assert tester.channels["JobCount"] == 0
    [recovered] = tester.events.named("RecordRecovered")
    assert recovered.args[0] == "/scheduler.sqlite"
    assert tester.files.exists(tester.root.resolve("/scheduler.sqlite.bad.0"))
    assert add(tester, "two", "every 10s") is OK
    tester.finish()


def test_a_full_disk_refuses_the_job_says_so_and_goes_on_later() -> None:
    """REQ-SCH-020"""
    import errno

    with scheduler() as tester:
        add(tester, "one", "every 10s")
        tester.files.fail_every("commit", errno.ENOSPC)
        assert add(tester, "two", "every 10s") is FAILED
        assert cycles(tester, 15) == 0
        assert tester.events.named("DatabaseFault")[0].args == ("No space left on device",)
        tester.files.heal()
        assert cycles(tester, 1) == 1


def test_the_next_job_of_a_hundred_thousand_is_found_by_an_index() -> None:
    """REQ-SCH-021"""
    platform = SimulatedPlatform()
    platform.files.make_folder("/data")
    store, _ = JobStore.open(platform, "/data/jobs.sqlite")
    due = "enabled AND next_us IS NOT NULL"
    queries = [
        f"SELECT id FROM job WHERE {due} AND relative = 1 AND next_us <= 5 ORDER BY next_us LIMIT 1",
        f"SELECT min(next_us) FROM job WHERE {due} AND relative = 0",
        f"SELECT id FROM run WHERE state = {RunState.RETRY:d} AND retry_us <= 5 ORDER BY retry_us, id LIMIT 1",
    ]
    for query in queries:
        [(*_, detail)] = store._database.rows(f"EXPLAIN QUERY PLAN {query}")
        assert "INDEX job_due" in detail or "INDEX run_retry" in detail


@pytest.mark.parametrize("name, value", [("TZ", "Mars/Olympus"), ("MISSED_POLICY", MissedPolicy.DEFAULT)])
def test_a_parameter_that_makes_no_sense_is_refused(name: str, value: Any) -> None:
    """REQ-SCH-016"""
    with scheduler() as tester:
        assert tester.send(f"{name}_PRM_SET", value).response is INVALID
