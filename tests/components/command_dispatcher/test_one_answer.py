"""Each command is answered exactly once, whatever its instance, its source and the clock do (a state machine)."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from kittiwake.model import CommandResponse
from kittiwake.testing import ComponentTester
from kittiwake.wire.packets import command_packet
from kittiwake_components import CommandDispatcher

PROMPT, DEFERRED, UNKNOWN = 0x1000, 0x1001, 0x9999
TIMEOUT_S = 30
MAX_PENDING = 5
RESPONSES = st.sampled_from(list(CommandResponse))


class Dispatching(RuleBasedStateMachine):
    """REQ-CD-002, REQ-CD-003: commands, answers that are prompt, late, doubled or foreign, overflows, timeouts."""

    @initialize()
    def boot(self) -> None:
        self.tester: Any = ComponentTester(CommandDispatcher, queue=4, parameters={"MAX_PENDING": MAX_PENDING})
        self.sent: dict[int, tuple[int, int]] = {}
        self.taken: list[tuple[int, int]] = []
        self.at_once: CommandResponse | None = None
        self.tester.component.comp_cmd_reg([PROMPT, DEFERRED], {DEFERRED}, self.take)

    def take(self, opcode: int, sequence: int, arguments: bytes) -> None:
        self.taken.append((opcode, sequence))
        if self.at_once is not None:
            self.tester.call.comp_cmd_stat(opcode, sequence, self.at_once)

    @rule(
        opcodes=st.lists(st.sampled_from([PROMPT, DEFERRED, UNKNOWN, None]), min_size=1, max_size=8),
        source=st.integers(0, 7), at_once=st.none() | RESPONSES,
    )  # fmt: skip
    def send(self, opcodes: list[int | None], source: int, at_once: CommandResponse | None) -> None:
        self.at_once = at_once
        with self.tester.held():
            for opcode in opcodes:
                context = len(self.sent)
                self.sent[context] = (source, 0 if opcode is None else opcode)
                data = b"\0" if opcode is None else command_packet(opcode, b"")
                self.tester.call.seq_cmd_buff[source](data, context)
        self.at_once = None

    @rule(which=st.integers(0, 1000), response=RESPONSES, times=st.integers(1, 6), held=st.booleans())
    def answer(self, which: int, response: CommandResponse, times: int, held: bool) -> None:
        if not self.taken:
            return
        opcode, sequence = self.taken[which % len(self.taken)]
        if held:
            with self.tester.held():
                for _ in range(times):
                    self.tester.call.comp_cmd_stat(opcode, sequence, response)
        else:
            for _ in range(times):
                self.tester.call.comp_cmd_stat(opcode, sequence, response)

    @rule(opcode=st.sampled_from([PROMPT, DEFERRED, UNKNOWN]), sequence=st.integers(0, 60), response=RESPONSES)
    def foreign(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        if (opcode, sequence) not in self.taken:
            self.tester.call.comp_cmd_stat(opcode, sequence, response)

    @rule(seconds=st.integers(1, 40))
    def time_passes(self, seconds: int) -> None:
        self.tester.advance(seconds)
        self.tester.call.run(0)

    @rule()
    def clear(self) -> None:
        assert self.tester.send("CMD_CLEAR_TRACKING").response is CommandResponse.OK

    @rule()
    def list_pending(self) -> None:
        self.tester.send("LIST_PENDING")

    def answers(self) -> list[tuple[int, int, int]]:
        return [
            (source, opcode, context)
            for source, history in enumerate(self.tester.ports.seq_cmd_status)
            for opcode, context, _ in history
        ]

    @invariant()
    def nothing_is_answered_twice_or_to_another_source(self) -> None:
        if not hasattr(self, "tester"):
            return
        answers = self.answers()
        contexts = [context for _, _, context in answers]
        assert len(contexts) == len(set(contexts))
        for source, opcode, context in answers:
            assert self.sent[context] == (source, opcode)
        pending = self.tester.component._pending
        assert len(pending) <= MAX_PENDING
        assert len(answers) + len(pending) == len(self.sent)

    def teardown(self) -> None:
        if not hasattr(self, "tester"):
            return
        self.tester.advance(TIMEOUT_S)
        self.tester.call.run(0)
        for opcode, sequence in self.taken:
            if opcode == DEFERRED:
                self.tester.call.comp_cmd_stat(opcode, sequence, CommandResponse.OK)
        assert sorted(context for _, _, context in self.answers()) == sorted(self.sent)
        ended = [one for one in self.tester.events.names() if one in ("OpCodeCompleted", "OpCodeError")]
        assert len(ended) == len(self.tester.events.named("OpCodeDispatched"))
        self.tester.finish()


Dispatching.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestOneAnswer = Dispatching.TestCase
