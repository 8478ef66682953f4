"""StartupManager: the quiescence and those that wait for it."""

from __future__ import annotations

import errno

import pytest

from kittiwake.model.commands import CommandResponse
from kittiwake.model.fw import TimeBase, TimeInterval
from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.context import MAX_PENDING_TASKS
from kittiwake_components.startup_manager.component import MAX_WAITERS
from kittiwake_components.startup_manager.states import StartupState
from tests.components.startup_manager.startup_bench import (
    BUSY,
    FAILED,
    OK,
    Tester,
    new_tester,
    run,
    shown,
)

DAY_NS = 86_400 * NS_PER_S


def test_the_wait_is_answered_when_the_quiescence_time_has_passed() -> None:
    """REQ-SM-002. Upstream: a second wait replaced the first, which was never answered."""
    tester = new_tester(parameters={"QUIESCENCE_TIME": TimeInterval(100, 500_000)})
    run(tester)
    waits = [tester.send("WAIT_FOR_QUIESCENCE") for _ in range(3)]
    assert shown(tester, "StartupState") is StartupState.WAITING_FOR_QUIESCENCE
    run(tester, 100)
    assert not any(wait.is_answered for wait in waits)
    assert tester.channels["QuiescenceRemaining"] == 1
    run(tester, 1)
    assert [wait.response for wait in waits] == [OK] * 3
    assert tester.events.names().count("QuiescenceDone") == 1
    assert shown(tester, "StartupState") is StartupState.RUNNING
    assert tester.send("WAIT_FOR_QUIESCENCE").response is OK
    tester.finish()


def test_the_default_wait_lasts_45_minutes() -> None:
    """REQ-SM-002."""
    tester = new_tester()
    run(tester)
    wait = tester.send("WAIT_FOR_QUIESCENCE")
    tester.advance(2699)
    tester.call.run(0)
    assert not wait.is_answered
    run(tester, 1)
    assert wait.response is OK
    tester.finish()


def test_a_shorter_quiescence_time_ends_the_wait_at_once_and_a_longer_one_goes_on() -> None:
    """REQ-SM-002."""
    tester = new_tester()
    run(tester, 50)
    wait = tester.send("WAIT_FOR_QUIESCENCE")
    tester.set_parameter("QUIESCENCE_TIME", TimeInterval(50, 0))
    assert wait.response is OK
    tester.set_parameter("QUIESCENCE_TIME", TimeInterval(60, 0))
    again = tester.send("WAIT_FOR_QUIESCENCE")
    assert not again.is_answered
    run(tester, 10)
    assert again.response is OK
    refused = tester.send("QUIESCENCE_TIME_PRM_SET", TimeInterval(1, 1_000_000))
    assert refused.response is CommandResponse.VALIDATION_ERROR
    tester.finish()


def test_a_disarmed_manager_does_not_let_anybody_wait() -> None:
    """REQ-SM-004."""
    tester = new_tester(parameters={"ARMED": False})
    early = tester.send("WAIT_FOR_QUIESCENCE")
    assert not early.is_answered
    run(tester)
    assert early.response is OK
    assert tester.send("WAIT_FOR_QUIESCENCE").response is OK
    assert not tester.events.named("QuiescenceDone")
    tester.finish()


def test_disarming_answers_those_that_wait() -> None:
    """REQ-SM-004."""
    tester = new_tester()
    run(tester)
    waits = [tester.send("WAIT_FOR_QUIESCENCE") for _ in range(MAX_WAITERS)]
    tester.set_parameter("ARMED", False)
    assert [wait.response for wait in waits] == [OK] * MAX_WAITERS
    tester.finish()


def test_more_waits_than_there_is_room_for_are_refused() -> None:
    """REQ-SM-011."""
    assert MAX_WAITERS < MAX_PENDING_TASKS
    tester = new_tester()
    run(tester)
    waits = [tester.send("WAIT_FOR_QUIESCENCE") for _ in range(MAX_WAITERS)]
    assert tester.send("WAIT_FOR_QUIESCENCE").response is BUSY
    assert tester.events.named("WaitRefused")[0].args == (MAX_WAITERS,)
    tester.finish()
    assert {wait.response for wait in waits} == {FAILED}


@pytest.mark.parametrize("step_ns", [DAY_NS, -DAY_NS, 3650 * DAY_NS])
def test_no_step_of_the_wall_clock_changes_the_wait(step_ns: int) -> None:
    """REQ-SM-012. Upstream: the wait was on the wall clock, and broke when that was set."""
    tester = new_tester()
    run(tester, 10)
    wait = tester.send("WAIT_FOR_QUIESCENCE")
    clock = tester.platform.clock
    clock.set_machine_wall_ns(clock.wall_ns() + step_ns)
    tester.call.run(0)
    assert tester.channels["QuiescenceRemaining"] == 2690
    assert tester.channels["QuiescenceEndTime"].seconds == clock.wall_ns() // NS_PER_S + 2690
    tester.crash(off_s=-step_ns / NS_PER_S / 2)
    run(tester)
    assert tester.channels["QuiescenceRemaining"] == 2693  # saved at 7 s
    wait = tester.send("WAIT_FOR_QUIESCENCE")
    tester.advance(2692)
    tester.call.run(0)
    assert not wait.is_answered
    run(tester, 1)
    assert wait.response is OK
    tester.finish()


def test_the_quiescence_goes_on_where_the_last_start_left_it() -> None:
    """REQ-SM-012. Upstream: the wait in the sequence began anew at each restart."""
    tester = new_tester()
    left = 2700
    for _ in range(5):
        run(tester, 100)
        left -= 100
        assert tester.channels["QuiescenceRemaining"] == left
        tester.reboot(off_s=1000)
    run(tester, left)
    assert tester.events.named("QuiescenceDone")
    end = tester.channels["QuiescenceEndTime"]
    tester.crash(off_s=5)
    assert not tester.send("WAIT_FOR_QUIESCENCE").is_answered
    run(tester)
    assert tester.responses == [("WAIT_FOR_QUIESCENCE", OK)]
    assert tester.channels["QuiescenceEndTime"] == end
    assert not tester.events.named("QuiescenceDone")
    tester.finish()


def test_even_starts_of_a_few_seconds_get_to_the_end_of_the_quiescence() -> None:
    """REQ-SM-012."""
    tester = new_tester(parameters={"QUIESCENCE_TIME": TimeInterval(20, 0)})
    for _ in range(6):
        run(tester, 4)
        tester.crash()
    run(tester, 2)
    assert tester.events.named("QuiescenceDone")
    tester.finish()


def test_the_quiescence_can_begin_anew() -> None:
    """REQ-SM-013."""
    tester = new_tester(parameters={"QUIESCENCE_TIME": TimeInterval(20, 0)})
    assert tester.send("RESET_QUIESCENCE").response is FAILED
    run(tester, 30)
    assert tester.send("RESET_QUIESCENCE").response is OK
    wait = tester.send("WAIT_FOR_QUIESCENCE")
    run(tester, 19)
    assert not wait.is_answered
    run(tester, 1)
    assert wait.response is OK
    assert tester.events.names().count("QuiescenceDone") == 2
    tester.finish()


def raw_start(tester: Tester, seconds_ago: int, base: int = TimeBase.TB_WORKSTATION_TIME) -> bytes:
    start: int = tester.platform.clock.wall_ns() // NS_PER_S - seconds_ago
    return base.to_bytes(2, "big") + b"\0" + start.to_bytes(4, "big") + (0).to_bytes(4, "big")


def test_the_quiescence_file_of_an_f_prime_deployment_is_imported_once() -> None:
    """REQ-SM-014."""
    tester = new_tester()
    raw = raw_start(tester, 1000)
    tester.write_file("quiescence_start.bin", raw)
    run(tester)
    assert tester.channels["QuiescenceRemaining"] == 1700
    assert tester.events.named("QuiescenceImported")[0].args == ("/quiescence_start.bin", 1000)
    assert tester.read_file("quiescence_start.bin.imported") == raw
    tester.reboot(off_s=5000)
    run(tester)
    assert tester.channels["QuiescenceRemaining"] == 1700
    assert not tester.events.named("QuiescenceImported")
    tester.finish()


def test_an_import_that_could_not_be_kept_at_once_is_kept_later_with_the_same_result() -> None:
    """REQ-SM-007, REQ-SM-014."""
    tester = new_tester()
    tester.write_file("quiescence_start.bin", raw_start(tester, 1000))
    tester.files.fail_every("write_at", errno.ENOSPC)
    run(tester, 5)
    assert tester.channels["QuiescenceRemaining"] == 1695
    assert not tester.events.named("QuiescenceImported")
    tester.files.heal()
    run(tester, 5)
    assert tester.channels["QuiescenceRemaining"] == 1690
    assert len(tester.events.named("QuiescenceImported")) == 1
    tester.finish()


@pytest.mark.parametrize("seconds_ago, base", [(-5000, TimeBase.TB_WORKSTATION_TIME), (1000, TimeBase.TB_SC_TIME)])
def test_an_imported_start_that_makes_no_sense_counts_nothing(seconds_ago: int, base: int) -> None:
    """REQ-SM-014."""
    tester = new_tester()
    tester.write_file("quiescence_start.bin", raw_start(tester, seconds_ago, base))
    run(tester)
    assert tester.channels["QuiescenceRemaining"] == 2700
    tester.finish()


@pytest.mark.parametrize("content", [b"", bytes(10), bytes(12), b"\0\2\0" + bytes(4) + b"\xff" * 4])
def test_a_malformed_quiescence_file_is_kept_aside_and_reported(content: bytes) -> None:
    """REQ-SM-009, REQ-SM-014."""
    tester = new_tester()
    tester.write_file("quiescence_start.bin", content)
    run(tester)
    assert tester.channels["QuiescenceRemaining"] == 2700
    assert tester.events.named("RecordRecovered")[0].args[0] == "/quiescence_start.bin"
    assert tester.read_file("quiescence_start.bin.bad.0") == content
    tester.finish()


@pytest.mark.parametrize("before_the_first_cycle", [False, True])
def test_the_sleep_that_a_power_unit_reports_counts(before_the_first_cycle: bool) -> None:
    """REQ-SM-022. Upstream: only the wall clock knew of it, and that may be set."""
    tester = new_tester(parameters={"QUIESCENCE_TIME": TimeInterval(5000, 0)})
    if before_the_first_cycle:
        tester.call.slept_in(3600)
        run(tester)
    else:
        run(tester)
        tester.call.slept_in(3600)
    assert tester.channels["QuiescenceRemaining"] == 1400
    tester.crash()
    run(tester)
    assert tester.channels["QuiescenceRemaining"] == 1400
    tester.call.slept_in(1400)
    assert tester.events.names().count("QuiescenceDone") == 1
