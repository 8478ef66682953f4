"""StartupManager: the startup sequence, and boot loops, which leave it out."""

from __future__ import annotations

import pytest

from kittiwake_components.startup_manager.states import ResetReason, SequenceState
from tests.components.startup_manager.startup_bench import (
    BUSY,
    FAILED,
    OK,
    new_tester,
    run,
    shown,
)


def test_the_sequence_is_asked_for_in_the_first_cycle_and_its_end_reported() -> None:
    """REQ-SM-003, REQ-SM-005."""
    tester = new_tester()
    assert tester.ports.run_sequence == []
    run(tester, 3)
    assert tester.ports.run_sequence == [("/startup.bin", 1)]
    tester.call.sequence_started("/startup.bin", 1)
    assert shown(tester, "SequenceState") is SequenceState.STARTED
    tester.call.complete_sequence(1, OK)
    assert tester.events.names() == ["StartupSequenceFinished"]
    tester.call.complete_sequence(1, FAILED)
    assert shown(tester, "SequenceState") is SequenceState.FINISHED
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
    """REQ-SM-005, REQ-SM-015.

    Upstream: the end was matched by a name that the default never equals, so that its events were lost.
    """
    tester = new_tester()
    tester.call.complete_sequence(0, OK)
    run(tester)
    for token in (0, 2, 0xFFFFFFFF):
        tester.call.sequence_started("/startup.bin", token)
        tester.call.complete_sequence(token, FAILED)
        tester.call.complete_sequence(token, OK)
    assert shown(tester, "SequenceState") is SequenceState.DISPATCHED
    assert tester.events == []
    tester.call.complete_sequence(1, OK)
    assert tester.events.names() == ["StartupSequenceFinished"]
    tester.finish()


def test_a_missing_sequence_is_no_failure() -> None:
    """REQ-SM-016. Upstream: a missing file was run all the same, and failed."""
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
    tester = new_tester()
    tester.ports.run_sequence.returns = lambda file, token: tester.call.complete_sequence(token, BUSY)
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
    assert shown(tester, "SequenceState") is SequenceState.SKIPPED
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
