"""CmdSequencer against a model that says in a few lines what it must have sent, and how each run must end."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kittiwake.model.commands import CommandResponse
from kittiwake.platform.interface import NS_PER_S
from kittiwake.testing import ComponentTester, SentCommand
from kittiwake_components.cmd_sequencer.component import CmdSequencer
from kittiwake_components.cmd_sequencer.modes import BlockState, ErrorPolicy, State
from tests.components.cmd_sequencer.sequence_files import relative, sequence

OK, FAILED, BUSY = CommandResponse.OK, CommandResponse.EXECUTION_ERROR, CommandResponse.BUSY
FILE = "/model.bin"
TIMEOUT_S = 7


class SequencerMachine(RuleBasedStateMachine):
    """CS-018: whatever happens in whatever order, the sequencer sends what the model sends, at the model's time."""

    @initialize(
        delays=st.lists(st.integers(0, 5), min_size=1, max_size=5),
        goes_on=st.booleans(),
        has_timeout=st.booleans(),
        is_manual=st.booleans(),
    )
    def begin(self, delays: list[int], goes_on: bool, has_timeout: bool, is_manual: bool) -> None:
        """A sequence of commands 0, 1, 2, ... after these delays."""
        policy = ErrorPolicy.CONTINUE if goes_on else ErrorPolicy.ABORT
        parameters: dict[str, Any] = {"ON_ERROR": policy, "TIMEOUT_S": TIMEOUT_S if has_timeout else 0}
        self.tester = ComponentTester(CmdSequencer, parameters=parameters)
        self.tester.write_file(FILE, sequence(*[relative(delay, opcode) for opcode, delay in enumerate(delays)]))
        self.delays, self.goes_on, self.timeout = delays, goes_on, TIMEOUT_S if has_timeout else None
        self.now = 0
        self.state = State.IDLE
        self.is_manual = self.is_paused = False
        self.index = self.deadline = self.since = self.errors = self.unexpected = 0
        self.expected: list[int] = []
        self.run: SentCommand | None = None
        self.done: list[CommandResponse] = []
        if is_manual:
            self.do("CS_MANUAL")

    # The model

    def wait(self) -> None:
        """The present record begins to wait."""
        if self.index == len(self.delays):
            self.end(FAILED if self.errors else OK)
            return
        self.state, self.deadline = State.WAITING, self.now + self.delays[self.index]
        self.catch_up()

    def catch_up(self) -> None:
        """Sends the present record if it is due."""
        if self.state is State.WAITING and not self.is_paused and self.now >= self.deadline:
            self.state, self.since = State.EXECUTING, self.now
            self.expected.append(self.index)

    def fail(self) -> None:
        """The present command has failed."""
        self.errors += 1
        if self.goes_on:
            self.following()
        else:
            self.end(FAILED)

    def following(self) -> None:
        """The next record is the present one."""
        self.index += 1
        if self.is_manual and self.index < len(self.delays):
            self.state = State.STEPPING
        else:
            self.wait()

    def end(self, response: CommandResponse) -> None:
        """The run is over."""
        self.state, self.is_paused = State.IDLE, False
        self.done.append(response)

    # What happens

    def ask(self, name: str, allowed: bool) -> None:
        """Sends a command that must be answered OK or refused."""
        assert self.tester.send(name).response is (OK if allowed else FAILED)

    def run_file(self, block: BlockState) -> None:
        """CS_RUN."""
        run = self.tester.send("CS_RUN", FILE, block)
        if self.state is not State.IDLE:
            assert run.response is BUSY
            return
        self.index = self.errors = 0
        self.state = State.LOADED
        if not self.is_manual:
            self.wait()
        if block is BlockState.BLOCK:
            assert not run.is_answered
            self.run = run
        else:
            assert run.response is OK
            self.run = None

    def do(self, name: str) -> None:
        """One of the commands without arguments."""
        state, is_started = self.state, self.state not in (State.IDLE, State.LOADED)
        if name == "CS_CANCEL":
            self.ask(name, True)
            if state is not State.IDLE:
                self.end(FAILED)
        elif name in ("CS_START", "CS_STEP"):
            allowed = state is (State.LOADED if name == "CS_START" else State.STEPPING)
            self.ask(name, allowed)
            if allowed:
                self.wait()
        elif name in ("CS_MANUAL", "CS_AUTO"):
            self.ask(name, not is_started)
            if not is_started:
                self.is_manual = name == "CS_MANUAL"
        else:
            allowed = is_started and self.is_paused is not (name == "CS_PAUSE")
            self.ask(name, allowed)
            if allowed:
                self.is_paused = name == "CS_PAUSE"
                self.catch_up()

    @precondition(lambda self: self.state is State.IDLE)
    @rule(block=st.sampled_from(BlockState))
    def start_run(self, block: BlockState) -> None:
        """A run begins."""
        self.run_file(block)

    @precondition(lambda self: self.state in (State.LOADED, State.STEPPING))
    @rule()
    def start_or_step(self) -> None:
        """What a sequence in manual mode waits for."""
        self.do("CS_START" if self.state is State.LOADED else "CS_STEP")

    @precondition(lambda self: self.state is not State.IDLE)
    @rule()
    def pause_or_resume(self) -> None:
        """A pause begins or ends."""
        self.do("CS_RESUME" if self.is_paused else "CS_PAUSE")

    @rule(
        name=st.sampled_from(
            ["CS_RUN", "CS_CANCEL", "CS_START", "CS_STEP", "CS_MANUAL", "CS_AUTO", "CS_PAUSE", "CS_RESUME"]
        )
    )
    def any_command(self, name: str) -> None:
        """Any command at any time."""
        if name == "CS_RUN":
            self.run_file(BlockState.NO_BLOCK)
        else:
            self.do(name)

    @rule(seconds=st.integers(1, 5), step_s=st.integers(-10_000, 10_000), cycles=st.booleans())
    def pass_time(self, seconds: int, step_s: int, cycles: bool) -> None:
        """Time passes, and the wall clock steps as it likes."""
        clock = self.tester.platform.clock
        for _ in range(seconds):
            clock.set_machine_wall_ns(clock.wall_ns() + step_s * NS_PER_S)
            self.tester.advance(1)
            if cycles:
                self.tester.call.run(0)
            self.now += 1
            if self.state is State.EXECUTING and self.timeout and self.now - self.since >= self.timeout:
                self.fail()
            self.catch_up()

    @precondition(lambda self: self.state is State.EXECUTING)
    @rule(response=st.sampled_from([OK, OK, OK, FAILED]))
    def answer(self, response: CommandResponse) -> None:
        """The answer to the command that is under way."""
        self.tester.call.cmd_response_in(self.index, len(self.expected), response)
        if response is OK:
            self.following()
        else:
            self.fail()

    @rule(back=st.integers(1, 5), response=st.sampled_from([OK, FAILED]))
    def answer_late(self, back: int, response: CommandResponse) -> None:
        """The answer to an earlier command, or to none at all."""
        token = len(self.expected) - back + (0 if self.state is State.EXECUTING else 1)
        self.tester.call.cmd_response_in(self.index, max(token, 0), response)
        self.unexpected += 1

    @invariant()
    def agrees(self) -> None:
        """The sequencer has done what the model has."""
        tester = self.tester
        assert [int.from_bytes(packet[2:6], "big") for packet, _ in tester.ports.com_cmd_out] == self.expected
        assert [token for _, token in tester.ports.com_cmd_out] == list(range(1, len(self.expected) + 1))
        assert [response for _, response in tester.ports.seq_done] == self.done
        shown = State.PAUSED if self.is_paused and self.state is State.WAITING else self.state
        assert (tester.channels["SequencerState"] or State.IDLE) is shown
        assert (tester.channels["UnexpectedCompletions"] or 0) == self.unexpected
        if self.run is not None and self.state is State.IDLE:
            assert self.run.response is self.done[-1]

    def teardown(self) -> None:
        """Every command was answered once."""
        if hasattr(self, "tester"):
            self.tester.finish()


TestSequencerMachine = SequencerMachine.TestCase
TestSequencerMachine.settings = settings(stateful_step_count=50)
