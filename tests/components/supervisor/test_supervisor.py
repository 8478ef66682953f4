"""The supervisor: every cycle ends, whatever its steps do, and only an acknowledged powerdown releases the watchdog."""

from __future__ import annotations

import errno
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kittiwake.model import CommandResponse
from kittiwake.platform.simulated import PowerCut
from kittiwake.runtime.recovery import InstanceQuarantined
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.testing.state_machines import Step, steps_of, take
from kittiwake.wire.power_link import PowerMode
from kittiwake_components import Supervisor
from kittiwake_components.ports.service import ServiceFault, result_of
from kittiwake_components.ports.supervision import CycleStep
from kittiwake_components.supervisor.states import WORK, CycleState

OK, BUSY, FAILED = CommandResponse.OK, CommandResponse.BUSY, CommandResponse.EXECUTION_ERROR
US = 1_000_000
DAY_S = 86_400


def supervisor(**options: Any) -> ComponentTester[Supervisor]:
    returns = {"power_ready": True, "due_work": 0, "next_wake": 0, "energy_get": 0.0, **options.pop("returns", {})}
    return ComponentTester(Supervisor, returns=returns, **options)


def state_of(tester: ComponentTester[Supervisor]) -> CycleState:
    state: CycleState = tester.channels["CycleState"]
    return state


def step(tester: ComponentTester[Supervisor], ok: bool = True, reason: str = "") -> CycleStep:
    """Answers the step that was asked for last."""
    calls = [call for port in tester.ports.step_begin for call in port]
    which, token = max(calls, key=lambda call: call[1])
    tester.call.step_done_in(token, ok, reason)
    return CycleStep(which)


def power_mode(tester: ComponentTester[Supervisor]) -> None:
    _, token = list(tester.ports.power_mode_out)[-1]
    tester.call.step_done_in(token, True, "")


def to_state(tester: ComponentTester[Supervisor], wanted: CycleState) -> None:
    """Lets the cycle go on to a state, with everybody answering."""
    for _ in range(20):
        state = tester.channels["CycleState"]
        if state is wanted:
            return
        if state in (CycleState.ENROLL, CycleState.COMMANDS, CycleState.REPORT):
            step(tester)
            tester.call.run(0)
        elif state is CycleState.POWER:
            power_mode(tester)
        else:
            tester.call.run(0)
    raise AssertionError(f"{wanted.name} was not reached, {tester.channels['CycleState'].name} was")


def planned_s(tester: ComponentTester[Supervisor]) -> int:
    """The length of the sleep that was asked for last."""
    wake_us, _ = list(tester.ports.powerdown_out)[-1]
    sleep_s: int = round((wake_us - tester.platform.clock.wall_ns() // 1000) / US)
    return sleep_s


def acknowledge(tester: ComponentTester[Supervisor], accepted: bool = True) -> None:
    _, token = list(tester.ports.powerdown_out)[-1]
    tester.call.powerdown_answer_in(token, accepted, 60)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(Supervisor) == []


def goes_on_by_itself(one: Step) -> bool:
    """Whether what is done sends the next signal at once: the plan of the wake is made on entry, deadlines fail."""
    return one.target is CycleState.PLAN_WAKE or getattr(one.trigger, "do", "") == "time_out"


@pytest.mark.parametrize("one", [one for one in steps_of(Supervisor.cycle) if not goes_on_by_itself(one)], ids=str)
def test_every_state_does_at_every_signal_what_is_declared(one: Step) -> None:
    """REQ-SUP-001"""
    tester = supervisor(returns={"due_work": 1})
    take(tester, "cycle", one)


def test_a_cycle_goes_through_its_steps_in_order_and_asks_for_the_powerdown() -> None:
    """REQ-SUP-001"""
    with supervisor() as tester:
        to_state(tester, CycleState.POWERDOWN)
        assert [event.args[0] for event in tester.events.named("CycleStepDone")] == list(WORK)
        assert planned_s(tester) == DAY_S
        assert tester.channels["CycleCount"] == 1
        assert tester.events.named("CycleFinished")[0].args[3] == 0
        acknowledge(tester)
        assert tester.channels["WatchdogReleased"] is True


@pytest.mark.parametrize("state", [CycleState.ENROLL, CycleState.COMMANDS, CycleState.JOBS, CycleState.REPORT])
def test_a_step_that_hangs_is_left_at_its_deadline_and_the_cycle_ends(state: CycleState) -> None:
    """REQ-SUP-002. Upstream: no step had a deadline."""
    with supervisor(returns={"due_work": int(state is CycleState.JOBS)}) as tester:
        to_state(tester, state)
        for _ in range(2000):
            tester.advance(1)
            tester.call.run(0)
            if state_of(tester) is not state:
                break
        [timeout] = tester.events.named("CycleStepTimeout")
        assert timeout.args[0] is state
        assert tester.channels["LastError"] is state
        to_state(tester, CycleState.POWERDOWN)


@pytest.mark.parametrize("port", ["power_ready", "due_work", "next_wake", "energy_get"])
def test_a_step_that_raises_is_left_at_its_deadline_and_the_cycle_ends(port: str) -> None:
    """REQ-SUP-002"""

    def raises(*_: Any) -> Any:
        raise OSError("the bus is stuck")

    tester = supervisor(returns={port: raises})
    for _ in range(3000):
        tester.advance(1)
        tester.call.run(0)
        if tester.channels["CycleState"] in (CycleState.ENROLL, CycleState.COMMANDS, CycleState.REPORT):
            step(tester)
        elif state_of(tester) is CycleState.POWER and list(tester.ports.power_mode_out):
            power_mode(tester)
        if tester.channels["CycleState"] in (CycleState.POWERDOWN, CycleState.POWERED_IDLE):
            break
    assert tester.channels["CycleState"] in (CycleState.POWERDOWN, CycleState.POWERED_IDLE)


@pytest.mark.parametrize("port", ["due_work", "next_wake", "energy_get"])
def test_an_instance_that_is_quarantined_costs_the_cycle_no_step(port: str) -> None:
    """REQ-SUP-002, REQ-SUP-003: Health has set aside who is asked, and that is no fault of who asks."""

    def refuses(*_: Any) -> Any:
        raise InstanceQuarantined("somebody", port)

    with supervisor(returns={port: refuses}) as tester:
        to_state(tester, CycleState.POWERDOWN)
        assert tester.events.named("CycleFinished")[0].args[3] == 0


@pytest.mark.parametrize("which", list(CycleStep))
def test_a_step_that_fails_does_not_keep_the_next_from_its_turn(which: CycleStep) -> None:
    """REQ-SUP-003"""
    with supervisor() as tester:
        to_state(tester, CycleState[which.name])
        step(tester, ok=False, reason="no link")
        assert tester.events.named("CycleStepFailed")[0].args == (CycleState[which.name], "no link")
        to_state(tester, CycleState.POWERDOWN)
        assert tester.events.named("CycleFinished")[0].args[3] == 1


def test_an_answer_to_an_earlier_step_is_not_heeded() -> None:
    """REQ-SUP-003"""
    with supervisor() as tester:
        tester.call.run(0)
        [(_, token)] = list(tester.ports.step_begin[CycleStep.ENROLL])
        to_state(tester, CycleState.COMMANDS)
        tester.call.step_done_in(token, True, "")
        assert state_of(tester) is CycleState.COMMANDS


def test_jobs_are_waited_for() -> None:
    """REQ-SUP-004"""
    due = [3]
    with supervisor(returns={"due_work": lambda: due[0]}) as tester:
        to_state(tester, CycleState.JOBS)
        for _ in range(50):
            tester.advance(1)
            tester.call.run(0)
        assert state_of(tester) is CycleState.JOBS
        due[0] = 0
        tester.call.run(0)
        assert state_of(tester) is CycleState.REPORT


def test_the_work_of_everybody_is_waited_for() -> None:
    """REQ-SUP-004: files on their way to a store keep the power on as jobs do."""
    with supervisor(open_ports=["due_work"]) as tester:
        to_state(tester, CycleState.REPORT)
    left = [0, 1]
    with supervisor() as tester:
        for worker in range(2):
            tester.ports.due_work[worker].returns = lambda worker=worker: left[worker]
        to_state(tester, CycleState.JOBS)
        tester.call.run(0)
        assert state_of(tester) is CycleState.JOBS
        left[1] = 0
        tester.call.run(0)
        assert state_of(tester) is CycleState.REPORT


@pytest.mark.parametrize("before", [0, 1])
def test_a_report_is_waited_for_until_it_is_sent(before: int) -> None:
    """REQ-SUP-004: not for what JOBS has waited for in vain."""
    with supervisor() as tester:
        tester.ports.due_work[0].returns = 1
        to_state(tester, CycleState.JOBS)
        tester.ports.due_work[0].returns = before
        tester.send("SKIP_STEP")
        token = tester.ports.step_begin[2][-1][1]
        tester.call.step_done_in(token, True, "")
        assert state_of(tester) is CycleState.REPORT, "who sends it may take it in later, but within a cycle"
        tester.ports.due_work[1].returns = 1
        tester.advance(20)
        tester.call.run(0)
        assert state_of(tester) is CycleState.REPORT
        tester.ports.due_work[1].returns = 0
        tester.call.run(0)
        assert state_of(tester) is CycleState.POWERDOWN


def test_a_report_that_is_not_sent_in_time_is_no_failure() -> None:
    """REQ-SUP-004: it goes on at the next wake."""
    with supervisor() as tester:
        to_state(tester, CycleState.REPORT)
        tester.ports.due_work[1].returns = 1
        tester.call.step_done_in(tester.ports.step_begin[2][-1][1], True, "")
        for _ in range(121):
            tester.advance(1)
            tester.call.run(0)
        assert state_of(tester) is CycleState.POWERDOWN
        assert tester.events.named("CycleStepTimeout") == []
        assert tester.channels["FailedSteps"] is None, "it was never written"


@pytest.mark.parametrize(
    "ahead_s, sleep_s", [(None, DAY_S), (3600, 3600), (-3600, 30), (5, 30), (10 * DAY_S, 2 * DAY_S)]
)
def test_the_next_wake_is_the_next_job_within_what_a_sleep_may_last(ahead_s: int | None, sleep_s: int) -> None:
    """REQ-SUP-005. Upstream: a wake in the past was passed on, and 24 h and 2 days stood there twice."""
    with supervisor() as tester:
        wake_us = 0 if ahead_s is None else tester.platform.clock.wall_ns() // 1000 + ahead_s * US
        tester.ports.next_wake.returns = wake_us
        to_state(tester, CycleState.POWERDOWN)
        assert planned_s(tester) == sleep_s
        assert tester.events.named("WakePlanned")[0].args == (sleep_s,)


def test_a_device_that_is_not_enrolled_works_no_more_than_it_must_and_tries_again_later() -> None:
    """REQ-SUP-006. Upstream: enrolment had no watchdog and no end."""
    with supervisor(parameters={"ENROLL_TIMEOUT_S": 100, "ENROLL_RETRY_S": 1800}) as tester:
        tester.call.run(0)
        for _ in range(101):
            tester.advance(1)
            tester.call.run(0)
        power_mode(tester)
        assert state_of(tester) is CycleState.POWERDOWN
        assert planned_s(tester) == 1800
        assert len(tester.ports.watchdog_out) >= 5
        assert list(tester.ports.step_begin[CycleStep.COMMANDS]) == []


def test_without_a_power_unit_the_cycle_is_done_all_the_same_and_comes_again() -> None:
    """REQ-SUP-007. Upstream: without a power module the cycle was skipped, for ever and in silence."""
    with supervisor(returns={"power_ready": False}) as tester:
        to_state(tester, CycleState.POWER)
        tester.advance(6)
        assert len(tester.events.named("DegradedCycle")) == 1
        to_state(tester, CycleState.POWERED_IDLE)
        assert list(tester.ports.powerdown_out) == []
        tester.advance(60)
        assert state_of(tester) is CycleState.ENROLL
        assert tester.channels["CycleCount"] == 2


def test_the_watchdog_is_renewed_while_the_cycle_goes_on_and_no_longer() -> None:
    """REQ-SUP-008"""
    with supervisor(returns={"due_work": 1}, parameters={"JOBS_TIMEOUT_S": 86400, "CYCLE_LIMIT_S": 300}) as tester:
        to_state(tester, CycleState.JOBS)
        for _ in range(290):
            tester.advance(1)
            tester.call.run(0)
        renewed = len(tester.ports.watchdog_out)
        assert renewed == pytest.approx(290 / 20, abs=2)
        for _ in range(200):
            tester.advance(1)
            tester.call.run(0)
        assert len(tester.ports.watchdog_out) <= renewed + 1
        assert len(tester.events.named("CycleTooLong")) == 1


def test_only_an_acknowledged_powerdown_releases_the_watchdog() -> None:
    """REQ-SUP-008. Upstream: it was stopped in a cleanup block, also after a cycle that had raised."""
    with supervisor() as tester:
        to_state(tester, CycleState.POWERDOWN)
        acknowledge(tester, accepted=False)
        assert tester.channels["WatchdogReleased"] is False
        tester.advance(21)
        tester.call.run(0)
        before = len(tester.ports.watchdog_out)
        acknowledge(tester)
        for _ in range(9):
            tester.advance(1)
            tester.call.run(0)
        assert len(tester.ports.watchdog_out) == before


def test_where_no_powerdown_is_to_be_had_the_watchdog_is_left_to_expire() -> None:
    """REQ-SUP-009"""
    with supervisor() as tester:
        to_state(tester, CycleState.POWERDOWN)
        for _ in range(3):
            acknowledge(tester, accepted=False)
        assert state_of(tester) is CycleState.FAULT
        assert len(tester.events.named("SupervisorFault")) == 1
        before = len(tester.ports.watchdog_out)
        for _ in range(59):
            tester.advance(1)
            tester.call.run(0)
        assert len(tester.ports.watchdog_out) == before
        tester.advance(1)
        assert len(tester.ports.powerdown_out) == 4


def test_a_cut_that_does_not_come_after_its_acknowledgement_is_a_fault() -> None:
    """REQ-SUP-009"""
    with supervisor() as tester:
        to_state(tester, CycleState.POWERDOWN)
        acknowledge(tester)
        tester.advance(11)
        assert state_of(tester) is CycleState.FAULT


def test_a_device_that_is_to_stay_on_pauses_and_begins_again() -> None:
    """REQ-SUP-010"""
    with supervisor(parameters={"FORCE_POWERED": True, "POWERED_PAUSE_S": 60}) as tester:
        to_state(tester, CycleState.POWERED_IDLE)
        assert [mode for mode, _ in tester.ports.power_mode_out] == [PowerMode.POWERED]
        assert tester.send("RUN_CYCLE").response is OK
        assert tester.send("RUN_CYCLE").response is BUSY
        to_state(tester, CycleState.POWERED_IDLE)
        tester.send("SET_FORCE_POWERED", False)
        tester.advance(60)
        to_state(tester, CycleState.POWERDOWN)
        assert tester.channels["CycleCount"] == 3


def test_a_step_can_be_skipped_by_command() -> None:
    """REQ-SUP-011"""
    with supervisor(returns={"due_work": 1}) as tester:
        to_state(tester, CycleState.JOBS)
        assert tester.send("SKIP_STEP").response is OK
        assert state_of(tester) is CycleState.REPORT
        to_state(tester, CycleState.POWERDOWN)
        assert tester.send("SKIP_STEP").response is FAILED


def test_the_last_cycle_is_known_over_restarts() -> None:
    """REQ-SUP-012"""
    tester = supervisor(returns={"energy_get": iter([10.0, 12.5, 12.5]).__next__})
    assert tester.send("GET_LAST_CYCLE").response is FAILED
    assert result_of(tester.call.call("get_last_cycle", b"[]")) is None
    to_state(tester, CycleState.COMMANDS)
    tester.advance(30)
    to_state(tester, CycleState.POWERDOWN)
    tester.crash()
    assert tester.send("GET_LAST_CYCLE").response is OK
    cycle, duration_ms, energy, failed = tester.events.named("LastCycle")[0].args
    assert (cycle, duration_ms, energy, failed) == (1, pytest.approx(30_000, abs=50), pytest.approx(2.5), 0)
    assert result_of(tester.call.call("get_last_cycle", b"[]"))["energy_mwh"] == pytest.approx(2.5)
    with pytest.raises(ServiceFault, match="no method"):
        result_of(tester.call.call("format_disk", b"[]"))


# Brown-outs


@pytest.mark.parametrize("state", WORK)
def test_a_cycle_that_was_cut_off_goes_on_where_it_was_and_repeats_nothing(state: CycleState) -> None:
    """REQ-SUP-013"""
    tester = supervisor(returns={"due_work": int(state is CycleState.JOBS)})
    to_state(tester, state)
    tester.crash()
    tester.call.run(0)
    assert tester.events.named("CycleRestarted")[0].args == (1, state, 1)
    to_state(tester, state)
    asked = {which for which in CycleStep if list(tester.ports.step_begin[which])}
    assert asked - {CycleStep.ENROLL} == {which for which in CycleStep if which.name == state.name} - {CycleStep.ENROLL}
    assert tester.channels["CycleCount"] == 1


def test_a_step_in_which_the_device_goes_dark_twice_is_left_out() -> None:
    """REQ-SUP-014"""
    tester = supervisor()
    to_state(tester, CycleState.COMMANDS)
    tester.crash()
    to_state(tester, CycleState.COMMANDS)
    tester.crash()
    to_state(tester, CycleState.REPORT)
    assert tester.events.named("StepLeftOut")[0].args == (CycleState.COMMANDS, 2)
    assert list(tester.ports.step_begin[CycleStep.COMMANDS]) == []
    to_state(tester, CycleState.POWERDOWN)


def test_after_a_powerdown_a_new_cycle_begins() -> None:
    """REQ-SUP-013"""
    tester = supervisor()
    to_state(tester, CycleState.POWERDOWN)
    acknowledge(tester)
    tester.crash()
    to_state(tester, CycleState.COMMANDS)
    assert tester.events.named("CycleRestarted") == []
    assert tester.channels["CycleCount"] == 2


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 100_000))
def test_whenever_the_device_goes_dark_the_cycle_ends_and_none_is_counted_twice(seed: int) -> None:
    """REQ-SUP-013, REQ-SUP-014"""
    tester = supervisor(seed=seed)
    draw = tester.platform.random.uniform
    counts = []
    for _ in range(6):
        files = tester.platform.files
        files.cut_at(files.operations + 1 + int(draw(0, 25)), after=draw(0, 1) < 0.5)
        try:
            to_state(tester, CycleState.POWERDOWN)
            counts.append(tester.channels["CycleCount"])
            tester.platform.files.stop()
        except PowerCut:
            pass
        tester.crash()
    tester.platform.files.heal()
    to_state(tester, CycleState.POWERDOWN)
    counts.append(tester.channels["CycleCount"])
    assert counts == sorted(counts)
    assert len(set(counts)) >= len(counts) - 1


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_disk_that_fails_does_not_keep_the_device_awake(code: int) -> None:
    """REQ-SUP-015"""
    with supervisor() as tester:
        tester.files.fail_every("write_at", code)
        to_state(tester, CycleState.POWERDOWN)
        assert len(tester.events.named("FileFault")) >= 1
        acknowledge(tester)
        assert tester.channels["WatchdogReleased"] is True


def test_a_wall_clock_that_is_set_changes_no_deadline() -> None:
    """REQ-SUP-016"""
    with supervisor() as tester:
        to_state(tester, CycleState.COMMANDS)
        clock = tester.platform.clock
        clock.set_wall_ns(clock.wall_ns() + DAY_S * 10**9)
        tester.advance(119)
        assert state_of(tester) is CycleState.COMMANDS
        tester.advance(2)
        assert state_of(tester) is CycleState.REPORT
