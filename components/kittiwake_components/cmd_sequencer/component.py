"""Runs sequences of commands from files: one command after the other, each at its time, each matched to its answer."""

# ruff: noqa: N803 - the arguments of commands keep F´'s names
from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.model import (
    U32,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    Parameter,
    String,
    async_port,
    command,
)
from kittiwake.model.fw import CmdResponse, Com, Sched, TimeValue
from kittiwake.platform.interface import NS_PER_S
from kittiwake.sequence.binary import SequenceError, read_sequence
from kittiwake.storage.root import reason_of
from kittiwake_components.cmd_sequencer.modes import BlockState, ErrorPolicy, SeqMode, State
from kittiwake_components.cmd_sequencer.reports import FILE_SIZE_MAX, SequencerReports
from kittiwake_components.cmd_sequencer.run import Run
from kittiwake_components.deployment_time import NO_TIME, present_us, time_base, time_value
from kittiwake_components.idleness import Idleness
from kittiwake_components.ports.file import PATH_SIZE, FileName
from kittiwake_components.ports.lifecycle import Idle
from kittiwake_components.ports.sequence import CmdSeqCancel, CmdSeqIn, SequenceDone, SequenceStarted

if TYPE_CHECKING:
    from kittiwake.runtime.loop import Timer
    from kittiwake.runtime.tasks import Reply
    from kittiwake.sequence.binary import Record

RECHECK_NS = NS_PER_S
"""How often the wait for an absolute time looks at the clock again without any cycle: it may have stepped."""

NEXT_TIME_SLACK_US = 100_000
"""A smaller change of the next record's time is drift and no news."""

JOIN_WAIT = 7
"""The opcode of CS_JOIN_WAIT, which a sequence must not ask of the sequencer that runs it."""

_OK = CommandResponse.OK
_FAILED = CommandResponse.EXECUTION_ERROR


class CmdSequencer(SequencerReports):
    """F´'s command sequencer. One sequence at a time; its file is read and checked as a whole before its first command.

    Every command is sent with a token of its own, so that the answer to another one is never taken for its answer.
    """

    com_cmd_out = OutputPort(Com, required=True, doc="Commands; `context` is the token that comes back in the answer.")
    seq_start_out = OutputPort(SequenceStarted, doc="A sequence starts; token 0 if a command asked for it.")
    seq_done = OutputPort(SequenceDone, doc="A run has ended, or was refused; token 0 if a command asked for it.")
    idle_out = OutputPort(Idle, doc="No cycle is needed while no record waits for a time of day.")

    cs_load_commands = Channel(U32, on_change=True, name="CS_LoadCommands", doc="Sequences loaded.")
    cs_cancel_commands = Channel(U32, on_change=True, name="CS_CancelCommands", doc="Sequences cancelled.")
    cs_errors = Channel(U32, on_change=True, name="CS_Errors", doc="Files refused, and commands failed or timed out.")
    cs_commands_executed = Channel(U32, on_change=True, name="CS_CommandsExecuted", doc="Commands answered with OK.")
    cs_sequences_completed = Channel(
        U32, on_change=True, name="CS_SequencesCompleted", doc="Sequences of which every command was answered with OK."
    )
    current_file = Channel(String(PATH_SIZE), on_change=True, doc="The loaded sequence; empty without one.")
    current_index = Channel(U32, on_change=True, doc="The record that is next or under way, from 0.")
    next_time = Channel(TimeValue, on_change=True, doc="When the next record is due; zero while none waits.")
    sequencer_state = Channel(State, on_change=True, doc="What the sequencer does.")
    unexpected_completions = Channel(U32, on_change=True, doc="Answers that belong to no command under way.")

    timeout_s = Parameter(
        U32, default=0, low=0, high=86400, unit="s", doc="A command not answered for so long has failed; 0 waits on."
    )
    on_error = Parameter(ErrorPolicy, default=ErrorPolicy.ABORT, doc="What a failed command does to its sequence.")

    def initialize(self) -> None:
        self._run: Run | None = None
        self._mode = SeqMode.AUTO
        self._token = 0
        self._timer: Timer | None = None
        self._joined: list[Reply[CommandResponse]] = []
        self._idleness = Idleness(self.clock, None)
        self._loaded = self._cancelled = self._errors = self._executed = self._completed = self._unexpected = 0

    def start(self) -> None:
        self._idleness = Idleness(self.clock, self.idle_out if self.is_connected(CmdSequencer.idle_out) else None)

    def stop(self) -> None:
        self._disarm()
        if self._run is not None and not self._context.loop.stopping:
            # It is restarted alone, and whoever asked for the run goes on waiting for its end.
            self._end(self._run, _FAILED)

    # Commands, in F´'s order

    @command(opcode=0)
    async def cs_run(self, fileName: FileName, block: BlockState) -> None:
        """Runs a sequence file. BLOCK answers when the run has ended, NO_BLOCK once the file is loaded.

        In manual mode the sequence is loaded and waits for CS_START.
        """
        busy = self._run
        if busy is not None:
            if self._joined:
                self.cs_join_waiting_not_complete()
            self.cs_invalid_mode()
            raise CommandError(CommandResponse.BUSY, f"{busy.file} is {busy.shown_state.name}; cancel it or wait")
        run = self._admitted(fileName, self._load(fileName), token=0)
        if block is BlockState.BLOCK:
            response = await run.ended
            if response is not _OK:
                raise CommandError(response, f"{fileName} did not complete")

    @command(opcode=1)
    def cs_validate(self, fileName: FileName) -> None:
        """Loads and checks a sequence file without running it; also while another one runs."""
        self._load(fileName)
        self.cs_sequence_valid(fileName)

    @command(opcode=2)
    def cs_cancel(self) -> None:
        """Ends the loaded sequence, whatever it waits for. Without one the answer is OK too."""
        if self._run is None:
            self.cs_no_sequence_active()
        else:
            self._cancel(self._run)

    @command(opcode=3)
    def cs_start(self) -> None:
        """Starts the sequence that was loaded in manual mode."""
        run = self._active()
        if run.state is not State.LOADED:
            raise self._invalid_mode(f"{run.file} was started already")
        self.cs_cmd_started(run.file)
        self._start(run)

    @command(opcode=4)
    def cs_step(self) -> None:
        """Lets the next record of a sequence in manual mode go ahead, at its time."""
        run = self._active()
        if run.state is not State.STEPPING:
            raise self._invalid_mode(f"{run.file} is {run.shown_state.name}, no record of it waits for a step")
        self.cs_cmd_stepped(run.file, run.index)
        self._await_record(run)

    @command(opcode=5)
    def cs_auto(self) -> None:
        """Lets every record follow the one before by itself."""
        self._switch(SeqMode.AUTO)

    @command(opcode=6)
    def cs_manual(self) -> None:
        """Lets sequences wait for CS_START, and then before each record for CS_STEP."""
        self._switch(SeqMode.STEP)

    @command(opcode=JOIN_WAIT)
    async def cs_join_wait(self) -> None:
        """Answers when the running sequence has ended, as a blocking run would; at once if none runs."""
        run = self._run
        if run is None or run.state is State.LOADED:
            self.cs_no_sequence_active()
            return
        opcode = run.opcode
        if run.state is State.EXECUTING and opcode == self._context.base_id + JOIN_WAIT:
            raise CommandError(_FAILED, "a sequence cannot wait for its own end")
        self.cs_join_waiting(run.file, run.index, opcode)
        reply: Reply[CommandResponse] = self.clock.reply()
        self._joined.append(reply)
        try:
            response = await reply
        finally:
            if reply in self._joined:
                self._joined.remove(reply)
        if response is not _OK:
            raise CommandError(response, f"{run.file} did not complete")

    @command
    def cs_pause(self) -> None:
        """Sends no further command until CS_RESUME; the one under way may end, and delays go on."""
        run = self._started()
        if run.is_paused:
            raise self._invalid_mode(f"{run.file} is paused already")
        run.is_paused = True
        if run.state is State.WAITING:
            self._disarm()
        self.cs_sequence_paused(run.file, run.index + (run.state is State.EXECUTING))
        self._show(run)

    @command
    def cs_resume(self) -> None:
        """Goes on after CS_PAUSE; what fell due meanwhile is sent at once."""
        run = self._started()
        if not run.is_paused:
            raise self._invalid_mode(f"{run.file} is not paused")
        run.is_paused = False
        self.cs_sequence_resumed(run.file, run.index + (run.state is State.EXECUTING))
        if run.state is State.WAITING:
            self._wait(run)
        self._show(run)

    @command
    def cs_status(self) -> None:
        """Reports state, mode, sequence and record."""
        run = self._run
        if run is None:
            self.cs_status_report(State.IDLE, self._mode, "", 0, 0)
        else:
            self.cs_status_report(run.shown_state, self._mode, run.file, run.index, len(run.records))

    # Ports

    @async_port(CmdSeqIn, full="hook")
    def seq_run_in(self, file: str, token: int) -> None:
        """Runs a sequence for another component, which learns by `seq_done` with its token how it ended."""
        if self._run is not None:
            self.cs_invalid_mode()
            self._report_done(token, CommandResponse.BUSY)
            return
        try:
            records = self._load(file)
        except CommandError as refusal:
            self._report_done(token, refusal.response)
            return
        self.cs_port_sequence_started(file)
        self._admitted(file, records, token)

    def seq_run_in_overflow(self, file: str, token: int) -> None:
        """A request for which the queue has no room is refused as BUSY."""
        self._report_done(token, CommandResponse.BUSY)

    @async_port(CmdSeqCancel, full="hook")
    def seq_cancel_in(self, token: int) -> None:
        """Ends the run that was asked for with this token, or with token 0 whichever there is."""
        run = self._run
        if run is None or (token and token != run.token):
            self.cs_no_sequence_active()
        else:
            self._cancel(run)

    def seq_cancel_in_overflow(self, token: int) -> None:
        """A cancellation is never dropped: without room in the queue the loop takes it."""
        self.clock.call_after(0, self.seq_cancel_in, token)

    @async_port(CmdResponse, priority=1, full="hook")
    def cmd_response_in(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """The answer to the command that was sent with the token `sequence`."""
        run = self._run
        if run is None or run.state is not State.EXECUTING or sequence != run.command_token:
            self._unexpected = self.unexpected_completions = (self._unexpected + 1) & 0xFFFFFFFF
            self.cs_unexpected_completion(opcode)
            return
        self._disarm()
        if response is _OK:
            self._executed = self.cs_commands_executed = (self._executed + 1) & 0xFFFFFFFF
            self.cs_command_complete(run.file, run.index, run.opcode)
            self._advance(run)
        else:
            self.cs_command_error(run.file, run.index, run.opcode, int(response))
            self._fail(run)

    def cmd_response_in_overflow(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """An answer is never dropped: without room in the queue the loop takes it."""
        self.clock.call_after(0, self.cmd_response_in, opcode, sequence, response)

    @async_port(Sched, full="drop")
    def run(self, context: int) -> None:
        """Looks at the clock again: a step may have made an absolute time due, or renamed a delay's end."""
        run = self._run
        if run is not None and run.state is State.WAITING:
            if run.is_absolute:
                self._wait(run)
            self._show(run)
        else:
            self._idleness.set(is_idle=True)

    # Loading

    def _load(self, name: str) -> list[Record]:
        """The records of a file that passed every check. Raises `CommandError` after the event that says why not."""
        try:
            data = self.platform.files.read(self.root.resolve(name), FILE_SIZE_MAX)
            records = read_sequence(data, FILE_SIZE_MAX, time_base=time_base(self._tags), time_context=0).records
        except OSError as fault:
            self._count_error()
            self.report_unreadable(name, fault)
            raise CommandError(_FAILED, f"{name}: {reason_of(fault)}") from None
        except SequenceError as fault:
            self._count_error()
            self.report_invalid(name, fault)
            raise CommandError(_FAILED, f"{name}: {fault}") from None
        self._loaded = self.cs_load_commands = (self._loaded + 1) & 0xFFFFFFFF
        self.cs_sequence_loaded(name)
        return records

    def _admitted(self, name: str, records: list[Record], token: int) -> Run:
        run = self._run = Run(name, records, token, self.clock.reply())
        if self._mode is SeqMode.AUTO:
            self._start(run)
        else:
            self._show(run)
        return run

    # Running

    def _start(self, run: Run) -> None:
        if self.is_connected(CmdSequencer.seq_start_out):
            self.seq_start_out(run.file, run.token)
        self._await_record(run)

    def _await_record(self, run: Run) -> None:
        if not run.has_more:
            self._complete(run)
            return
        run.await_record(self.clock.now_ns())
        self._wait(run)
        self._show(run)

    def _wait(self, run: Run) -> None:
        """Sends the present record if it is due, and else comes back when it may be."""
        if run is not self._run or run.state is not State.WAITING or run.is_paused:
            return
        self._disarm()
        now = self.clock.now_ns()
        remaining = run.remaining_ns(now, present_us(self._tags, self.clock))
        if run.is_absolute and self._tags.is_estimated:
            self._timer = self.clock.call_at(now + RECHECK_NS, self._wait, run)
        elif remaining <= 0:
            self._send(run, now)
        else:
            longest = RECHECK_NS if run.is_absolute else remaining
            self._timer = self.clock.call_at(now + min(remaining, longest), self._wait, run)

    def _send(self, run: Run, now_ns: int) -> None:
        self._token = run.command_token = self._token % 0xFFFFFFFF + 1
        run.state = State.EXECUTING
        self._show(run)
        if self.timeout_s:
            deadline = now_ns + self.timeout_s * NS_PER_S
            self._timer = self.clock.call_at(deadline, self._time_out, run)
        self.com_cmd_out(run.packet, run.command_token)

    def _time_out(self, run: Run) -> None:
        if run is self._run and run.state is State.EXECUTING:
            self.cs_sequence_timeout(run.file, run.index)
            self._fail(run)

    def _fail(self, run: Run) -> None:
        self._count_error()
        run.errors += 1
        if self.on_error is ErrorPolicy.ABORT:
            self._end(run, _FAILED)
        else:
            self._advance(run)

    def _advance(self, run: Run) -> None:
        run.index += 1
        if self._mode is SeqMode.STEP and run.has_more:
            run.state = State.STEPPING
            self._show(run)
        else:
            self._await_record(run)

    def _complete(self, run: Run) -> None:
        if run.errors:
            self.cs_sequence_ended_with_errors(run.file, run.errors)
        else:
            self._completed = self.cs_sequences_completed = (self._completed + 1) & 0xFFFFFFFF
            self.cs_sequence_complete(run.file)
        self._end(run, _FAILED if run.errors else _OK)

    def _cancel(self, run: Run) -> None:
        self._cancelled = self.cs_cancel_commands = (self._cancelled + 1) & 0xFFFFFFFF
        self.cs_sequence_canceled(run.file)
        self._end(run, _FAILED)

    def _end(self, run: Run, response: CommandResponse) -> None:
        self._disarm()
        self._run = None
        self._show(None)
        run.ended.set(response)
        for reply in self._joined:
            reply.set(response)
        self._joined = []
        self._report_done(run.token, response)

    def _report_done(self, token: int, response: CommandResponse) -> None:
        if self.is_connected(CmdSequencer.seq_done):
            self.seq_done(token, response)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Modes

    def _active(self) -> Run:
        if self._run is None:
            self.cs_no_sequence_active()
            raise CommandError(_FAILED, "no sequence is loaded")
        return self._run

    def _started(self) -> Run:
        run = self._active()
        if run.state is State.LOADED:
            raise self._invalid_mode(f"{run.file} was not started")
        return run

    def _switch(self, mode: SeqMode) -> None:
        if self._run is not None and self._run.state is not State.LOADED:
            raise self._invalid_mode(f"the mode cannot change while {self._run.file} runs")
        self._mode = mode
        self.cs_mode_switched(mode)

    def _invalid_mode(self, why: str) -> CommandError:
        self.cs_invalid_mode()
        return CommandError(_FAILED, why)

    # Telemetry

    def _count_error(self) -> None:
        self._errors = self.cs_errors = (self._errors + 1) & 0xFFFFFFFF

    def _show(self, run: Run | None) -> None:
        self.sequencer_state = State.IDLE if run is None else run.shown_state
        self.current_file = "" if run is None else run.file
        self.current_index = 0 if run is None else run.index
        # A relative delay has a timer of its own; an absolute time needs the clock to be looked at again and again.
        self._idleness.set(is_idle=run is None or run.state is not State.WAITING or not run.is_absolute)
        if run is None or run.state is not State.WAITING:
            self.next_time = NO_TIME
            return
        time_us = present_us(self._tags, self.clock)
        due = time_value(self._tags, time_us + run.remaining_ns(self.clock.now_ns(), time_us) // 1000)
        shown = self.next_time
        slack = (due.seconds - shown.seconds) * 1_000_000 + due.useconds - shown.useconds
        if due.timeBase != shown.timeBase or abs(slack) > NEXT_TIME_SLACK_US:
            self.next_time = due
