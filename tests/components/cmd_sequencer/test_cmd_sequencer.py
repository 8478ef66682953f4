"""CmdSequencer: runs, times, modes and answers, each requirement of its design sheet."""

from __future__ import annotations

import pytest

from kittiwake.model.fw import TimeBase
from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.recovery import Recovery
from kittiwake.runtime.tags import TB_PROC_TIME
from kittiwake.testing.design_sheet import differences
from kittiwake_components.cmd_sequencer.component import JOIN_WAIT, CmdSequencer
from kittiwake_components.cmd_sequencer.modes import ErrorPolicy, SeqMode, State
from kittiwake_components.deployment_time import NO_TIME
from tests.components.cmd_sequencer.sequence_files import absolute, relative, sequence
from tests.components.cmd_sequencer.sequencer_bench import (
    BUSY,
    FAILED,
    FILE,
    NO_BLOCK,
    OK,
    answer,
    new_tester,
    now_s,
    sent,
    shown,
    start,
)

DAY_NS = 86_400 * NS_PER_S


def test_a_blocking_run_sends_command_after_command_and_answers_at_its_end() -> None:
    """CS-001, CS-002."""
    tester = new_tester(relative(0, 1, b"arguments"), relative(0, 2))
    run = start(tester)
    assert tester.ports.com_cmd_out == [(b"\0\0\0\0\0\1arguments", 1)]
    answer(tester)
    assert sent(tester) == [1, 2]
    assert not run.is_answered
    answer(tester)
    assert run.response is OK
    assert tester.events.names() == [
        "CS_SequenceLoaded", "CS_CommandComplete", "CS_CommandComplete", "CS_SequenceComplete",
    ]  # fmt: skip
    assert [event.args for event in tester.events.named("CS_CommandComplete")] == [(FILE, 0, 1), (FILE, 1, 2)]
    assert tester.channels["CS_CommandsExecuted"] == 2
    assert tester.channels["CS_SequencesCompleted"] == 1
    assert tester.ports.seq_start_out == [(FILE, 0)]
    assert tester.ports.seq_done == [(0, OK)]
    tester.finish()


def test_a_run_that_does_not_block_is_answered_once_the_file_is_loaded() -> None:
    """CS-002."""
    tester = new_tester(relative(5, 1))
    assert start(tester, NO_BLOCK).response is OK
    assert tester.channels["CurrentFile"] == FILE
    tester.advance(5)
    answer(tester)
    assert tester.channels["CurrentFile"] == ""
    tester.finish()


def test_while_a_run_blocks_cycles_and_commands_are_served() -> None:
    """CS-002."""
    tester = new_tester(relative(100, 1))
    run = start(tester)
    tester.call.run(0)
    assert tester.send("CS_STATUS").response is OK
    assert tester.events[-1].args == (State.WAITING, SeqMode.AUTO, FILE, 0, 1)
    assert tester.send("CS_CANCEL").response is OK
    assert run.response is FAILED
    tester.finish()


def test_a_second_run_is_refused_while_one_is_loaded() -> None:
    """CS-003."""
    tester = new_tester(relative(1, 1))
    run = start(tester)
    assert start(tester).response is BUSY
    assert tester.events[-1].name == "CS_InvalidMode"
    tester.call.seq_run_in(FILE, 9)
    assert tester.ports.seq_done == [(9, BUSY)]
    tester.advance(1)
    answer(tester)
    assert run.response is OK
    tester.finish()


def test_a_run_for_a_port_tells_its_caller_by_its_token() -> None:
    """CS-004. Upstream: the end of a run was reported unguarded, whoever had asked (nasa/fprime #5899)."""
    tester = new_tester(relative(0, 1))
    tester.call.seq_run_in(FILE, 77)
    assert tester.events.named("CS_PortSequenceStarted")[0].args == (FILE,)
    assert tester.ports.seq_start_out == [(FILE, 77)]
    answer(tester)
    tester.call.seq_run_in("nothing", 78)
    assert tester.ports.seq_done == [(77, OK), (78, FAILED)]
    tester.finish()


def test_a_request_without_room_in_the_queue_is_answered_busy_and_no_answer_is_lost() -> None:
    """CS-004, CS-007."""
    tester = new_tester(relative(0, 1), queue=2)
    run = start(tester)
    with tester.held():
        for key in (1, 2):
            tester.call.run(0)
            tester.call.cmd_response_in(1, 100 + key, FAILED)
        tester.call.seq_run_in(FILE, 5)
        tester.call.cmd_response_in(1, 1, OK)
    assert tester.ports.seq_done == [(5, BUSY), (0, OK)]
    assert run.response is OK
    tester.finish()


def test_a_cancellation_needs_no_room_in_the_queue() -> None:
    """CS-008."""
    tester = new_tester(relative(0, 1), queue=2)
    run = start(tester)
    with tester.held():
        tester.call.run(0)
        tester.call.run(0)
        tester.call.seq_cancel_in(0)
    assert run.response is FAILED
    assert tester.events[-1].name == "CS_SequenceCanceled"
    tester.finish()


@pytest.mark.parametrize("step_ns", [DAY_NS, -DAY_NS, 365 * DAY_NS])
def test_no_step_of_the_clock_changes_a_relative_delay(step_ns: int) -> None:
    """CS-005. Upstream: relative delays followed jumps of the clock (nasa/fprime #4055)."""
    tester = new_tester(relative(100.5, 1), relative(3, 2))
    start(tester)
    tester.advance(50)
    clock = tester.platform.clock
    clock.set_machine_wall_ns(clock.wall_ns() + step_ns)
    tester.call.run(0)
    assert tester.channels["NextTime"].seconds == (clock.wall_ns() + 50_500_000_000) // NS_PER_S
    tester.advance(50.4)
    assert sent(tester) == []
    tester.advance(0.1)
    assert sent(tester) == [1]
    tester.advance(10)
    answer(tester)
    tester.advance(2.99)
    assert sent(tester) == [1]
    tester.advance(0.01)
    assert sent(tester) == [1, 2]
    answer(tester)
    tester.finish()


def test_a_delay_of_more_than_a_day_is_kept_to_the_microsecond() -> None:
    """CS-005."""
    tester = new_tester(relative(200_000.000_001, 1))
    start(tester)
    tester.advance(200_000)
    assert sent(tester) == []
    tester.advance(0.000_001)
    assert sent(tester) == [1]
    answer(tester)
    tester.finish()


def test_only_an_absolute_time_needs_cycles() -> None:
    """CS-005, CS-006: a relative delay of 45 minutes keeps no 10 Hz group awake."""
    tester = new_tester(relative(2700, 1))
    start(tester)
    tester.call.run(0)
    assert tester.ports.idle_out[-1][0] > tester.platform.clock.now_ns()
    tester.advance(2700)
    assert sent(tester) == [1]
    answer(tester)
    tester.write_file(FILE, sequence(absolute(now_s(tester) + 500, 2)))
    start(tester)
    assert tester.ports.idle_out[-1] == (0,)
    tester.finish()


def test_an_absolute_time_is_met_and_a_past_one_is_due_at_once() -> None:
    """CS-006."""
    tester = new_tester()
    tester.write_file(FILE, sequence(absolute(now_s(tester) + 500, 1), absolute(5, 2)))
    start(tester)
    assert tester.channels["NextTime"].seconds == now_s(tester) + 500
    tester.advance(499.9)
    assert sent(tester) == []
    tester.advance(0.1)
    assert sent(tester) == [1]
    assert tester.channels["NextTime"] == NO_TIME
    answer(tester)
    assert sent(tester) == [1, 2]
    answer(tester)
    tester.finish()


@pytest.mark.parametrize("cycles", [True, False])
def test_an_absolute_time_follows_the_steps_of_the_clock(cycles: bool) -> None:
    """CS-006."""
    tester = new_tester()
    tester.write_file(FILE, sequence(absolute(now_s(tester) + 1000, 1)))
    start(tester)
    clock = tester.platform.clock
    tester.advance(500)
    clock.set_machine_wall_ns(clock.wall_ns() - 200 * NS_PER_S)
    tester.advance(600)
    assert sent(tester) == []
    clock.set_machine_wall_ns(clock.wall_ns() + DAY_NS)
    if cycles:
        tester.call.run(0)
    else:
        tester.advance(1)
    assert sent(tester) == [1]
    answer(tester)
    tester.finish()


def test_an_absolute_time_waits_for_a_clock_that_was_never_set() -> None:
    """CS-006. Upstream: nothing waited for a time base (nasa/fprime #5693)."""
    tester = new_tester()
    tester.component._tags.begin_epoch(TB_PROC_TIME)
    tester.write_file(FILE, sequence(absolute(now_s(tester) - 5, 1)))
    start(tester)
    tester.advance(1000)
    assert sent(tester) == []
    assert tester.channels["NextTime"].timeBase is TimeBase.TB_PROC_TIME
    tester.component._tags.begin_epoch(TimeBase.TB_WORKSTATION_TIME)
    tester.call.run(0)
    assert sent(tester) == [1]
    answer(tester)
    tester.finish()


def test_an_absolute_time_waits_while_the_clock_is_only_estimated() -> None:
    """CS-006: a clock restored from a record is behind by the time that the device was off."""
    tester = new_tester()
    tester.component._tags.is_estimated = True
    tester.write_file(FILE, sequence(relative(1, 1), absolute(now_s(tester) + 5, 2)))
    start(tester)
    tester.advance(1)
    answer(tester)
    tester.advance(1000)
    assert sent(tester) == [1]
    tester.component._tags.is_estimated = False
    tester.advance(1)
    assert sent(tester) == [1, 2]
    answer(tester)
    tester.finish()


def test_a_sequencer_that_is_restarted_alone_tells_who_asked_for_its_run() -> None:
    """CS-004, REQ-HLTH-013: nobody waits for ever for a run that is gone."""
    tester = new_tester(relative(100, 1))
    tester.call.seq_run_in(FILE, 9)
    restarts: list[str] = []
    Recovery(tester.deployment, tester.deployment.main).restart(tester.component.name, restarts.append)
    tester.advance(0)
    assert restarts == [""]
    assert tester.ports.seq_done == [(9, FAILED)]
    assert start(tester, NO_BLOCK).response is OK
    tester.advance(100)
    assert sent(tester) == [1]
    answer(tester)
    tester.finish()


def test_an_answer_with_a_foreign_or_an_old_token_is_counted_and_moves_nothing() -> None:
    """CS-007. Upstream: any answer moved the sequence on (nasa/fprime #5899)."""
    tester = new_tester(relative(0, 1), relative(0, 1), relative(10, 1))
    tester.call.cmd_response_in(1, 0, OK)
    start(tester)
    answer(tester)
    for token in (0, 1, 3, 0xFFFFFFFF):
        tester.call.cmd_response_in(1, token, FAILED)
    assert tester.channels["CurrentIndex"] == 1
    tester.call.cmd_response_in(1, 2, OK)
    tester.call.cmd_response_in(1, 2, OK)
    assert tester.channels["CurrentIndex"] == 2
    assert tester.channels["UnexpectedCompletions"] == 6
    assert tester.events.named("CS_UnexpectedCompletion")[0].args == (1,)
    tester.send("CS_CANCEL")
    tester.finish()


def test_the_answer_to_a_cancelled_run_is_not_taken_for_one_of_the_next() -> None:
    """CS-007, CS-008."""
    tester = new_tester(relative(0, 1), relative(0, 2))
    first = start(tester)
    assert tester.send("CS_CANCEL").response is OK
    assert first.response is FAILED
    second = start(tester)
    tester.call.cmd_response_in(1, 1, FAILED)
    assert not second.is_answered
    answer(tester)
    answer(tester)
    assert second.response is OK
    assert tester.channels["UnexpectedCompletions"] == 1
    assert tester.channels["CS_CancelCommands"] == 1
    tester.finish()


def test_a_cancellation_by_port_ends_the_run_with_its_token_only() -> None:
    """CS-008."""
    tester = new_tester(relative(10, 1))
    tester.call.seq_run_in(FILE, 4)
    tester.call.seq_cancel_in(5)
    assert tester.ports.seq_done == []
    tester.call.seq_cancel_in(4)
    assert tester.ports.seq_done == [(4, FAILED)]
    start(tester, NO_BLOCK)
    tester.call.seq_cancel_in(0)
    assert tester.events.names().count("CS_SequenceCanceled") == 2
    tester.advance(20)
    assert sent(tester) == []
    tester.finish()


def test_a_cancellation_without_a_run_is_no_error() -> None:
    """CS-008."""
    tester = new_tester()
    assert tester.send("CS_CANCEL").response is OK
    assert tester.events.names() == ["CS_NoSequenceActive"]
    tester.finish()


def test_a_failed_command_ends_the_run() -> None:
    """CS-009."""
    tester = new_tester(relative(0, 0x501), relative(0, 2))
    run = start(tester)
    answer(tester, BUSY)
    assert run.response is FAILED
    assert tester.events.named("CS_CommandError")[0].args == (FILE, 0, 0x501, BUSY)
    assert not tester.events.named("CS_SequenceComplete")
    assert tester.channels["CS_Errors"] == 1
    assert sent(tester) == [0x501]
    tester.finish()


def test_a_failed_command_may_be_passed_over_but_the_run_has_then_not_succeeded() -> None:
    """CS-009."""
    tester = new_tester(relative(0, 1), relative(0, 2), parameters={"ON_ERROR": ErrorPolicy.CONTINUE})
    run = start(tester)
    answer(tester, FAILED)
    answer(tester)
    assert run.response is FAILED
    assert tester.events[-1].name == "CS_SequenceEndedWithErrors"
    assert tester.events[-1].args == (FILE, 1)
    assert tester.channels["CS_SequencesCompleted"] is None
    tester.finish()


def test_a_command_that_is_not_answered_in_time_has_failed() -> None:
    """CS-010. Upstream: a command in the process had no timeout (nasa/fprime #4154)."""
    tester = new_tester(relative(0, 1), relative(0, 2), parameters={"TIMEOUT_S": 30})
    run = start(tester)
    tester.advance(29)
    answer(tester)
    tester.advance(29)
    assert not run.is_answered
    tester.advance(1)
    assert run.response is FAILED
    assert tester.events.named("CS_SequenceTimeout")[0].args == (FILE, 1)
    answer(tester)
    assert tester.channels["UnexpectedCompletions"] == 1
    tester.finish()


def test_a_late_answer_after_a_passed_over_timeout_is_not_taken_for_the_next_command() -> None:
    """CS-007, CS-010."""
    options = {"TIMEOUT_S": 30, "ON_ERROR": ErrorPolicy.CONTINUE}
    tester = new_tester(relative(0, 1), relative(0, 1), parameters=options)
    run = start(tester)
    tester.advance(30)
    tester.call.cmd_response_in(1, 1, OK)
    assert not run.is_answered
    tester.call.cmd_response_in(1, 2, OK)
    assert run.response is FAILED
    assert tester.channels["CS_CommandsExecuted"] == 1
    tester.finish()


def test_without_a_limit_a_command_may_take_for_ever() -> None:
    """CS-010."""
    tester = new_tester(relative(0, 1))
    run = start(tester)
    tester.advance(1_000_000)
    answer(tester)
    assert run.response is OK
    tester.finish()


def test_in_manual_mode_each_record_waits_for_its_step() -> None:
    """CS-011. Upstream: a manual step overwrote the one under way (nasa/fprime #5899)."""
    tester = new_tester(relative(0, 1), relative(5, 2), relative(0, 3))
    assert tester.send("CS_MANUAL").response is OK
    run = start(tester)
    assert shown(tester, "SequencerState") is State.LOADED
    assert tester.send("CS_STEP").response is FAILED
    assert tester.send("CS_START").response is OK
    assert tester.send("CS_STEP").response is FAILED
    answer(tester)
    assert shown(tester, "SequencerState") is State.STEPPING
    tester.advance(100)
    assert sent(tester) == [1]
    assert tester.send("CS_STEP").response is OK
    assert tester.send("CS_STEP").response is FAILED
    tester.advance(5)
    answer(tester)
    assert tester.send("CS_AUTO").response is FAILED
    assert tester.send("CS_STEP").response is OK
    answer(tester)
    assert run.response is OK
    assert [event.args for event in tester.events.named("CS_CmdStepped")] == [(FILE, 1), (FILE, 2)]
    assert tester.events.named("CS_CmdStarted")
    assert tester.send("CS_AUTO").response is OK
    assert [event.args for event in tester.events.named("CS_ModeSwitched")] == [(SeqMode.STEP,), (SeqMode.AUTO,)]
    tester.finish()


def test_a_sequence_loaded_in_manual_mode_can_be_started_in_automatic_mode_or_cancelled() -> None:
    """CS-011."""
    tester = new_tester(relative(0, 1), relative(0, 2))
    assert tester.send("CS_START").response is FAILED
    tester.send("CS_MANUAL")
    start(tester, NO_BLOCK)
    tester.send("CS_CANCEL")
    start(tester, NO_BLOCK)
    tester.send("CS_AUTO")
    assert tester.send("CS_START").response is OK
    assert tester.send("CS_START").response is FAILED
    answer(tester)
    answer(tester)
    assert tester.events[-1].name == "CS_SequenceComplete"
    tester.finish()


def test_a_pause_holds_the_next_command_and_delays_go_on() -> None:
    """CS-012."""
    tester = new_tester(relative(0, 1), relative(10, 2), relative(10, 3))
    for name in ("CS_PAUSE", "CS_RESUME"):
        assert tester.send(name).response is FAILED
    start(tester, NO_BLOCK)
    assert tester.send("CS_RESUME").response is FAILED
    assert tester.send("CS_PAUSE").response is OK
    assert tester.send("CS_PAUSE").response is FAILED
    answer(tester)
    assert shown(tester, "SequencerState") is State.PAUSED
    tester.advance(5)
    tester.send("CS_RESUME")
    tester.advance(5)
    assert sent(tester) == [1, 2]
    answer(tester)
    tester.send("CS_PAUSE")
    tester.advance(100)
    tester.call.run(0)
    assert sent(tester) == [1, 2]
    tester.send("CS_RESUME")
    assert sent(tester) == [1, 2, 3]
    answer(tester)
    assert [event.args for event in tester.events.named("CS_SequencePaused")] == [(FILE, 1), (FILE, 2)]
    tester.finish()


def test_a_join_answers_as_the_run_ends() -> None:
    """CS-013."""
    tester = new_tester(relative(0, 1))
    assert tester.send("CS_JOIN_WAIT").response is OK
    for response in (OK, FAILED):
        start(tester, NO_BLOCK)
        joins = [tester.send("CS_JOIN_WAIT") for _ in range(2)]
        assert tester.events.named("CS_JoinWaiting")[0].args == (FILE, 0, 1)
        assert start(tester).response is BUSY
        assert tester.events.named("CS_JoinWaitingNotComplete")
        answer(tester, response)
        assert [join.response for join in joins] == [response] * 2
    tester.finish()


def test_a_sequence_cannot_join_itself() -> None:
    """CS-013."""
    tester = new_tester(relative(0, 0x100 + JOIN_WAIT))
    start(tester, NO_BLOCK)
    assert tester.send("CS_JOIN_WAIT").response is FAILED
    answer(tester, FAILED)
    tester.finish()


def test_a_shutdown_ends_a_blocking_run() -> None:
    """CS-002."""
    tester = new_tester(relative(100, 1))
    run = start(tester)
    tester.finish()
    assert run.response is FAILED


def test_the_outputs_that_only_inform_may_be_left_open() -> None:
    """CS-004."""
    tester = new_tester(relative(0, 1), open_ports=["seq_done", "seq_start_out"])
    tester.call.seq_run_in(FILE, 1)
    answer(tester)
    assert tester.events[-1].name == "CS_SequenceComplete"
    tester.finish()


def test_commands_events_and_channels_have_the_numbers_of_f_prime() -> None:
    """CS-017."""
    declared = CmdSequencer.__declarations__
    commands = {command.label: command.number for command in declared.commands.values()}
    assert list(commands)[:8] == [
        "CS_RUN", "CS_VALIDATE", "CS_CANCEL", "CS_START", "CS_STEP", "CS_AUTO", "CS_MANUAL", "CS_JOIN_WAIT",
    ]  # fmt: skip
    assert list(commands.values()) == list(range(11))
    events = {event.number: event.label for event in declared.events.values()}
    assert (events[0], events[16], events[25]) == ("CS_SequenceLoaded", "CS_UnexpectedCompletion", "CS_NoRecords")
    channels = [channel.label for channel in declared.channels.values()]
    assert channels[:3] == ["CS_LoadCommands", "CS_CancelCommands", "CS_Errors"]


def test_the_design_sheet_lists_what_the_class_declares() -> None:
    assert differences(CmdSequencer) == []
