"""StartupManager: boot count, quiescence, startup sequence and boot loops, each requirement of its design sheet."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from kittiwake.model.commands import CommandResponse
from kittiwake.model.fw import TimeBase, TimeInterval
from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.context import MAX_PENDING_TASKS
from kittiwake.testing import ComponentTester
from kittiwake_components.startup_manager.component import MAX_WAITERS, StartupManager
from kittiwake_components.startup_manager.states import ResetReason, SequenceState, StartupState
from tests.components.design_sheet import differences

OK, FAILED, BUSY = CommandResponse.OK, CommandResponse.EXECUTION_ERROR, CommandResponse.BUSY
DAY_NS = 86_400 * NS_PER_S

Tester = ComponentTester[StartupManager]


def new_tester(sequence: bool = True, **options: Any) -> Tester:
    tester = ComponentTester(StartupManager, **options)
    if sequence:
        tester.write_file("startup.bin", b"any")
    return tester


def run(tester: Tester, seconds: int = 0) -> None:
    """The first call of a rate group of 1 Hz, and one more for each second."""
    tester.call.run(0)
    for _ in range(seconds):
        tester.advance(1)
        tester.call.run(0)


def stored_count(tester: Tester) -> int:
    return int.from_bytes(tester.read_file("boot_count.bin"), "big")


def test_the_boot_count_goes_up_by_one_at_each_start_and_is_kept_in_8_bytes() -> None:
    """REQ-SM-001, REQ-SM-008."""
    tester = new_tester()
    for boots, again in enumerate([tester.reboot, tester.crash, tester.restart, tester.finish], 1):
        assert tester.channels["BootCount"] is None
        run(tester, 2)
        assert tester.channels["BootCount"] == boots
        assert tester.read_file("boot_count.bin") == boots.to_bytes(8, "big")
        again()


def test_a_start_that_reached_no_cycle_does_not_count() -> None:
    """REQ-SM-008."""
    tester = new_tester()
    run(tester)
    for _ in range(3):
        tester.crash()
    tester.restart()
    run(tester)
    assert tester.channels["BootCount"] == 2
    tester.finish()


def test_the_boot_count_is_durable_before_the_sequence_is_asked_for() -> None:
    """REQ-SM-003, REQ-SM-008."""
    seen: list[int] = []

    def look(file: str, token: int) -> None:
        on_disk = tester.files.disk.after_power_cut(tester.platform._chaos)
        seen.append(int.from_bytes(on_disk.file("/kittiwake/boot_count.bin").data, "big"))

    tester = new_tester(returns={"run_sequence": look})
    run(tester)
    assert tester.ports.run_sequence == [("/startup.bin", 1)]
    assert seen == [1]
    tester.finish()


def test_the_count_of_an_f_prime_deployment_is_taken_over() -> None:
    """REQ-SM-001."""
    tester = new_tester()
    tester.write_file("boot_count.bin", (41).to_bytes(8, "big"))
    run(tester)
    assert tester.channels["BootCount"] == 42
    assert not tester.events.named("RecordRecovered")
    tester.finish()


@pytest.mark.parametrize(
    "content", [b"", b"\x01", b"\xff" * 8, bytes(9), (1 << 40).to_bytes(8, "big"), (0).to_bytes(8, "big")]
)
def test_a_damaged_count_is_replaced_by_the_one_that_is_known(content: bytes) -> None:
    """REQ-SM-009."""
    tester = new_tester()
    for _ in range(4):
        run(tester)
        tester.reboot()
    tester.write_file("boot_count.bin", content)
    run(tester)
    assert tester.channels["BootCount"] == 5
    assert stored_count(tester) == 5
    assert "/boot_count.bin" in {recovered.args[0] for recovered in tester.events.named("RecordRecovered")}
    tester.finish()


def test_a_count_without_a_history_survives_damage_by_its_previous_copy() -> None:
    """REQ-SM-009."""
    tester = new_tester()
    for _ in range(3):
        run(tester)
        tester.reboot()
    for slot in "ab":
        tester.files.remove(f"/kittiwake/boot_history.bin.{slot}")
    tester.write_file("boot_count.bin", b"torn")
    run(tester)
    assert tester.channels["BootCount"] == 3
    assert tester.channels["LastResetReason"] is ResetReason.UNKNOWN
    tester.finish()


def test_get_boot_count_only_reads() -> None:
    """REQ-SM-010."""
    tester = new_tester()
    assert tester.send("GET_BOOT_COUNT").response is FAILED
    run(tester)
    operations = tester.files.operations
    assert tester.send("GET_BOOT_COUNT").response is OK
    assert tester.events.named("CurrentBootCount")[0].args == (1,)
    assert tester.files.operations == operations
    tester.finish()


def test_the_wait_is_answered_when_the_quiescence_time_has_passed() -> None:
    """REQ-SM-002."""
    tester = new_tester(parameters={"QUIESCENCE_TIME": TimeInterval(100, 500_000)})
    run(tester)
    waits = [tester.send("WAIT_FOR_QUIESCENCE") for _ in range(3)]
    assert tester.channels["StartupState"] is StartupState.WAITING_FOR_QUIESCENCE
    run(tester, 100)
    assert not any(wait.is_answered for wait in waits)
    assert tester.channels["QuiescenceRemaining"] == 1
    run(tester, 1)
    assert [wait.response for wait in waits] == [OK] * 3
    assert tester.events.names().count("QuiescenceDone") == 1
    assert tester.channels["StartupState"] is StartupState.RUNNING
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
    """REQ-SM-012."""
    tester = new_tester()
    run(tester, 10)
    wait = tester.send("WAIT_FOR_QUIESCENCE")
    clock = tester.platform.clock
    clock.set_wall_ns(clock.wall_ns() + step_ns)
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
    """REQ-SM-012."""
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
    start = tester.platform.clock.wall_ns() // NS_PER_S - seconds_ago
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


def test_the_sequence_is_asked_for_in_the_first_cycle_and_its_end_reported() -> None:
    """REQ-SM-003, REQ-SM-005."""
    tester = new_tester()
    assert tester.ports.run_sequence == []
    run(tester, 3)
    assert tester.ports.run_sequence == [("/startup.bin", 1)]
    tester.call.sequence_started("/startup.bin", 1)
    assert tester.channels["SequenceState"] is SequenceState.STARTED
    tester.call.complete_sequence(1, OK)
    assert tester.events.names() == ["StartupSequenceFinished"]
    tester.call.complete_sequence(1, FAILED)
    assert tester.channels["SequenceState"] is SequenceState.FINISHED
    tester.finish()


def test_a_sequence_that_fails_is_reported_with_its_response_and_not_repeated() -> None:
    """REQ-SM-005."""
    tester = new_tester()
    run(tester)
    tester.call.sequence_started("/startup.bin", 1)
    tester.call.complete_sequence(1, FAILED)
    run(tester, 5)
    assert tester.events.named("StartupSequenceFailed")[0].args == (FAILED,)
    assert len(tester.ports.run_sequence) == 1
    tester.finish()


def test_the_ends_of_other_runs_are_not_taken_for_its_own() -> None:
    """REQ-SM-005, REQ-SM-015."""
    tester = new_tester()
    tester.call.complete_sequence(0, OK)
    run(tester)
    for token in (0, 2, 0xFFFFFFFF):
        tester.call.sequence_started("/startup.bin", token)
        tester.call.complete_sequence(token, FAILED)
        tester.call.complete_sequence(token, OK)
    assert tester.channels["SequenceState"] is SequenceState.DISPATCHED
    assert tester.events == []
    tester.call.complete_sequence(1, OK)
    assert tester.events.names() == ["StartupSequenceFinished"]
    tester.finish()


def test_a_missing_sequence_is_no_failure() -> None:
    """REQ-SM-016."""
    tester = new_tester(sequence=False)
    run(tester)
    assert tester.ports.run_sequence == []
    assert tester.events.named("StartupSequenceAbsent")[0].args == ("/startup.bin",)
    assert tester.send("RUN_STARTUP").response is FAILED
    tester.write_file("startup.bin", b"any")
    assert tester.send("RUN_STARTUP").response is OK
    assert tester.ports.run_sequence == [("/startup.bin", 1)]
    tester.finish()


def test_a_refused_sequence_is_offered_again_as_often_as_allowed() -> None:
    """REQ-SM-017."""
    tester = new_tester(parameters={"START_RETRIES": 2})
    run(tester)
    for token in (1, 2):
        tester.call.complete_sequence(token, BUSY)
        assert tester.events == []
        run(tester)
    assert tester.ports.run_sequence == [("/startup.bin", token) for token in (1, 2, 3)]
    tester.call.complete_sequence(2, OK)
    tester.call.complete_sequence(3, BUSY)
    run(tester, 3)
    assert tester.events.named("StartupSequenceFailed")[0].args == (BUSY,)
    assert len(tester.ports.run_sequence) == 3
    tester.finish()


def test_a_sequencer_that_answers_within_the_call_is_understood() -> None:
    """REQ-SM-017."""
    tester = new_tester(returns={"run_sequence": lambda file, token: tester.call.complete_sequence(token, BUSY)})
    run(tester, 1)
    assert len(tester.ports.run_sequence) == 2
    assert tester.events.names() == ["StartupSequenceFailed"]
    tester.finish()


def test_the_sequence_can_be_run_again_and_aborted() -> None:
    """REQ-SM-018."""
    tester = new_tester()
    assert tester.send("RUN_STARTUP").response is FAILED
    assert tester.send("ABORT_STARTUP").response is FAILED
    run(tester)
    assert tester.send("RUN_STARTUP").response is BUSY
    tester.call.sequence_started("/startup.bin", 1)
    assert tester.send("ABORT_STARTUP").response is OK
    assert tester.ports.cancel_sequence == [(1,)]
    tester.call.complete_sequence(1, FAILED)
    assert tester.events.names() == ["StartupSequenceFailed"]
    assert tester.send("RUN_STARTUP").response is OK
    tester.call.complete_sequence(2, BUSY)
    assert tester.send("ABORT_STARTUP").response is OK
    run(tester, 2)
    assert [token for _, token in tester.ports.run_sequence] == [1, 2]
    assert tester.events.names() == ["StartupSequenceFailed"] * 2
    tester.finish()


def test_an_abort_without_a_wire_to_the_sequencer_says_so() -> None:
    """REQ-SM-018."""
    tester = new_tester(open_ports=["cancel_sequence", "boot_loop"])
    run(tester)
    assert tester.send("ABORT_STARTUP").response is FAILED
    assert "cancel_sequence" in tester.monitor[-1].detail
    tester.finish()


def test_starts_that_end_early_again_and_again_leave_the_sequence_out() -> None:
    """REQ-SM-019."""
    tester = new_tester()
    for _ in range(5):
        run(tester, 20)
        assert tester.ports.run_sequence
        tester.crash(off_s=3)
    run(tester)
    assert tester.ports.run_sequence == []
    assert tester.ports.boot_loop == [(5,)]
    assert tester.events.named("BootLoopDetected")[0].args == (5,)
    assert tester.channels["SequenceState"] is SequenceState.SKIPPED
    assert tester.channels["LastResetReason"] is ResetReason.UNEXPECTED
    assert tester.send("RUN_STARTUP").response is OK
    tester.finish()


def test_a_start_that_lasts_ends_the_boot_loop() -> None:
    """REQ-SM-019."""
    tester = new_tester()
    for _ in range(6):
        run(tester, 20)
        tester.crash()
    run(tester, 600)
    assert tester.channels["EarlyBoots"] == 0
    tester.crash()
    run(tester)
    assert tester.ports.run_sequence
    tester.finish()


@pytest.mark.parametrize("way", ["clear", "off"])
def test_the_guard_against_boot_loops_can_be_cleared_and_switched_off(way: str) -> None:
    """REQ-SM-019, REQ-SM-020."""
    tester = new_tester(parameters={"BOOT_LOOP_COUNT": 0} if way == "off" else {})
    if way == "clear":
        assert tester.send("CLEAR_BOOT_HISTORY").response is FAILED
    for _ in range(6):
        run(tester)
        if way == "clear":
            assert tester.send("CLEAR_BOOT_HISTORY").response is OK
            assert tester.events.named("BootHistoryCleared")
        assert tester.ports.run_sequence
        tester.crash()
    run(tester)
    assert tester.ports.run_sequence
    tester.finish()


def test_orderly_stops_are_no_boot_loop_unless_the_sequence_is_still_under_way() -> None:
    """REQ-SM-019."""
    tester = new_tester()
    for _ in range(8):
        run(tester)
        tester.call.complete_sequence(1, OK)
        tester.reboot()
    run(tester)
    assert tester.channels["LastResetReason"] is ResetReason.ORDERLY
    for _ in range(5):
        run(tester)
        assert tester.ports.run_sequence
        tester.reboot()
    run(tester)
    assert tester.events.named("BootLoopDetected")
    tester.finish()


def test_boot_count_and_end_of_quiescence_are_updated_in_each_cycle() -> None:
    """REQ-SM-006."""
    tester = new_tester()
    run(tester)
    end = tester.channels["QuiescenceEndTime"]
    assert end.timeBase is TimeBase.TB_WORKSTATION_TIME
    assert end.seconds == tester.platform.clock.wall_ns() // NS_PER_S + 2700
    run(tester, 10)
    assert tester.channel("BootCount").history == [1]
    assert tester.channel("QuiescenceEndTime").history == [end]
    assert tester.channel("QuiescenceRemaining").history == list(range(2700, 2689, -1))
    clock = tester.platform.clock
    clock.set_wall_ns(clock.wall_ns() + DAY_NS)
    run(tester)
    assert tester.channels["QuiescenceEndTime"].seconds == end.seconds + 86_400
    tester.finish()


@pytest.mark.parametrize("operation", ["open", "read", "write_at", "sync", "rename", "sync_folder", "exists", "truncate"])
@pytest.mark.parametrize("code", [errno.EACCES, errno.ENOSPC, errno.EIO, errno.EROFS])
def test_file_errors_are_warnings_and_the_start_goes_on(operation: str, code: int) -> None:
    """REQ-SM-007."""
    tester = new_tester()
    run(tester, 1)
    tester.reboot()
    tester.files.fail_every(operation, code)
    run(tester, 5)
    assert tester.channels["BootCount"] == 2
    assert tester.channels["QuiescenceRemaining"] in (2699 - 5, 2700 - 5)
    assert tester.events.named("FileFault") or tester.events.named("RecordRecovered")
    tester.stop()
    tester.assert_no_faults()
    tester.files.heal()
    tester.restart()
    run(tester)
    assert tester.channels["BootCount"] in (2, 3)
    tester.finish()


def test_the_warnings_have_the_names_of_the_seed() -> None:
    """REQ-SM-007."""
    tester = new_tester()
    tester.files.fail_every("open", errno.EACCES)
    run(tester)
    assert {"BootCountUpdateFailure", "QuiescenceFileInitFailure"} <= set(tester.events.names())
    assert tester.channels["BootCount"] == 1
    assert tester.send("RESET_QUIESCENCE").response is FAILED
    assert tester.send("CLEAR_BOOT_HISTORY").response is FAILED
    tester.files.heal()
    run(tester, 5)
    tester.reboot()
    run(tester)
    assert tester.channels["BootCount"] == 2  # the history, which was saved at the stop, knew
    assert tester.channels["QuiescenceRemaining"] == 2695
    tester.finish()


def test_files_stand_where_the_parameters_say_below_the_root() -> None:
    """REQ-SM-021."""
    places = {
        "BOOT_COUNT_FILE": "/a/b/count", "QUIESCENCE_START_FILE": "c/quiet", "BOOT_HISTORY_FILE": "/d",
        "STARTUP_SEQUENCE_FILE": "/seq/start.bin",
    }  # fmt: skip
    tester = new_tester(parameters=places)
    tester.write_file("/seq/start.bin", b"any")
    run(tester)
    assert tester.read_file("a/b/count") == (1).to_bytes(8, "big")
    assert tester.ports.run_sequence == [("/seq/start.bin", 1)]
    assert sorted(tester.files.list("/kittiwake")) == ["a", "c", "d.a", "seq", "startup.bin"]
    assert tester.files.list("/kittiwake/c") == ["quiet.a"]
    tester.finish()


def test_a_file_name_that_leaves_the_root_is_refused() -> None:
    """REQ-SM-021."""
    tester = new_tester()
    run(tester)
    for name in ("BOOT_COUNT_FILE", "QUIESCENCE_START_FILE", "BOOT_HISTORY_FILE", "STARTUP_SEQUENCE_FILE"):
        assert tester.send(f"{name}_PRM_SET", "../../etc/x").response is CommandResponse.VALIDATION_ERROR
        assert tester.send(f"{name}_PRM_SET", "").response is CommandResponse.VALIDATION_ERROR
    tester.finish()


def test_a_saved_file_name_that_leaves_the_root_falls_back_to_the_default() -> None:
    """REQ-SM-021."""
    tester = new_tester(parameters={"BOOT_COUNT_FILE": "../x", "STARTUP_SEQUENCE_FILE": "../y"})
    run(tester)
    assert stored_count(tester) == 1
    assert tester.channels["SequenceState"] is SequenceState.FAILED
    assert {fault.args[0] for fault in tester.events.named("FileFault")} == {"../x", "../y"}
    tester.monitor.clear()
    tester.finish()


def test_the_design_sheet_lists_what_the_class_declares() -> None:
    assert differences(StartupManager) == []
