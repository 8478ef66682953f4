"""Sends every command to the instance that has its opcode, and every answer back to where the command came from."""

# ruff: noqa: N803 - the arguments keep F´'s names
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from kittiwake.model import (
    COMMAND,
    DIAGNOSTIC,
    F32,
    I32,
    U8,
    U32,
    WARNING_HI,
    ActiveComponent,
    Channel,
    CommandResponse,
    OutputPortArray,
    Parameter,
    Size,
    async_port,
    command,
    event,
    sync_port,
)
from kittiwake.model.events import ACTIVITY_HI, ACTIVITY_LO
from kittiwake.model.fw import CmdResponse, Com, FwOpcodeType, Sched
from kittiwake.model.types import WireError
from kittiwake.platform.interface import NS_PER_S
from kittiwake.runtime.monitor import fault_reason
from kittiwake.wire.packets import parse_command

if TYPE_CHECKING:
    from collections.abc import Callable

    Entry = Callable[[int, int, bytes], None]
    """Runs one command of an instance: opcode, sequence number, packed arguments."""

SOURCES = 8
MAX_LISTED = 16
CLEAR_TRACKING_OPCODE = 3
U32_MAX = 0xFFFFFFFF


class Pending:
    """A command that was sent and not answered yet."""

    __slots__ = ("context", "deferred", "opcode", "since_ns", "source")

    def __init__(self, opcode: int, source: int, context: int, since_ns: int, deferred: bool) -> None:
        self.opcode = opcode
        self.source = source
        self.context = context
        self.since_ns = since_ns
        self.deferred = deferred


class CommandDispatcher(ActiveComponent):
    """F´'s command dispatcher. Each command gets exactly one answer; late and foreign answers are counted apart.

    An answer comes from the instance, or from here: for what is malformed, unknown or finds no room, and for what has
    not answered in time (`async def` commands excepted, which take as long as they take).
    """

    seq_cmd_status = OutputPortArray(CmdResponse, SOURCES, doc="Answers to the commands of each source.")

    commands_dispatched = Channel(U32, on_change=True, doc="Commands sent to their instances.")
    command_errors = Channel(U32, on_change=True, doc="Commands answered with anything but OK.")
    commands_dropped = Channel(U32, on_change=True, doc="Commands refused for want of room, or malformed.")
    pending = Channel(U32, on_change=True, doc="Commands that are not answered yet.")
    late_responses = Channel(U32, on_change=True, doc="Answers to no pending command.")

    command_timeout_s = Parameter(
        U32, default=30, low=0, high=86400, unit="s",
        doc="A command that should answer at once and has not after so long is answered for; 0: never.",
    )  # fmt: skip
    max_pending = Parameter(U32, default=64, low=1, high=1024, doc="More unanswered commands are refused as BUSY.")

    @event(DIAGNOSTIC, "Opcode 0x{Opcode:x} registered to port {port}")
    def op_code_registered(self, Opcode: FwOpcodeType, port: I32) -> None: ...

    @event(COMMAND, "Opcode 0x{Opcode:x} dispatched to port {port}")
    def op_code_dispatched(self, Opcode: FwOpcodeType, port: I32) -> None: ...

    @event(COMMAND, "Opcode 0x{Opcode:x} completed")
    def op_code_completed(self, Opcode: FwOpcodeType) -> None: ...

    @event(COMMAND, "Opcode 0x{Opcode:x} completed with error {error}")
    def op_code_error(self, Opcode: FwOpcodeType, error: CommandResponse) -> None: ...

    @event(WARNING_HI, "Received malformed command packet: {reason}", throttle=10, every_s=10.0)
    def malformed_command(self, reason: Annotated[str, Size(80)]) -> None: ...

    @event(WARNING_HI, "Invalid opcode 0x{Opcode:x} received", throttle=10, every_s=10.0)
    def invalid_command(self, Opcode: FwOpcodeType) -> None: ...

    @event(WARNING_HI, "Too many outstanding commands. opcode=0x{Opcode:x}", throttle=10, every_s=10.0)
    def too_many_commands(self, Opcode: FwOpcodeType) -> None: ...

    @event(ACTIVITY_HI, "Received a NO-OP command")
    def no_op_received(self) -> None: ...

    @event(ACTIVITY_HI, "Received a NO-OP string={message}")
    def no_op_string_received(self, message: Annotated[str, Size(40)]) -> None: ...

    @event(ACTIVITY_HI, "TEST_CMD_1 args: I32: {arg1}, F32: {arg2:f}, U8: {arg3}", name="TestCmd1Args")
    def test_cmd_1_args(self, arg1: I32, arg2: F32, arg3: U8) -> None: ...

    @event(
        WARNING_HI, "Opcode 0x{Opcode:x} was dropped: the dispatcher's queue is full", throttle=10, every_s=10.0, id=11
    )
    def command_dropped_queue_overflow(self, Opcode: FwOpcodeType) -> None: ...

    @event(WARNING_HI, "Opcode 0x{Opcode:x} has not answered within {limit} s", throttle=10, every_s=10.0)
    def command_timed_out(self, Opcode: FwOpcodeType, limit: U32) -> None: ...

    @event(ACTIVITY_LO, "Opcode 0x{Opcode:x} has been pending for {age} s")
    def command_pending(self, Opcode: FwOpcodeType, age: U32) -> None: ...

    @event(ACTIVITY_LO, "{pending} commands are pending, {listed} of them listed")
    def pending_commands(self, pending: U32, listed: U32) -> None: ...

    def initialize(self) -> None:
        self._now_ns = self.clock.now_ns
        self._answers = [self.is_connected(CommandDispatcher.seq_cmd_status, source) for source in range(SOURCES)]
        self._entries: dict[int, tuple[int, Entry, bool]] = {}
        self._instances = 0
        self._pending: dict[int, Pending] = {}
        self._sequence = 0
        self._dispatched = self._errors = self._dropped = self._late = 0
        self._running = 0
        self._early: tuple[int, int, CommandResponse] | None = None

    def evidence(self) -> dict[str, Any]:
        now_ns = self._now_ns()
        return {
            "pending_commands": [
                {"opcode": one.opcode, "age_s": (now_ns - one.since_ns) / NS_PER_S, "answers_later": one.deferred}
                for one in self._pending.values()
            ],
            "max_pending": self.max_pending,
        }

    def comp_cmd_reg(self, opcodes: list[int], deferred: set[int], entry: Entry) -> None:
        """Takes an instance's opcodes, which of them answer later, and the function that runs its commands.

        Raises `ValueError` for an opcode that another instance has.
        """
        taken = self._entries.keys() & opcodes
        if taken:
            raise ValueError(f"opcode {min(taken):#x} is registered twice")
        port = self._instances
        self._instances += 1
        self._entries.update(dict.fromkeys(opcodes, (port, entry, False)))
        self._entries.update(dict.fromkeys(deferred, (port, entry, True)))
        if self._context.shows(DIAGNOSTIC):  # a boot has hundreds of them, and rarely anybody who looks
            for opcode in opcodes:
                self.op_code_registered(opcode, port)

    @async_port(Com, size=SOURCES, full="hook")
    def seq_cmd_buff(self, index: int, data: bytes, context: int) -> None:
        """A command packet from source `index`; its answer goes back there with the same context."""
        try:
            opcode, arguments = parse_command(data)
        except WireError as fault:
            self._drop()
            self.malformed_command(str(fault))
            self._answer(index, 0, context, CommandResponse.FORMAT_ERROR)
            return
        entry = self._entries.get(opcode)
        if entry is None:
            self._count_error()
            self.invalid_command(opcode)
            self._answer(index, opcode, context, CommandResponse.INVALID_OPCODE)
            return
        if len(self._pending) >= self.max_pending:
            self._drop()
            self.too_many_commands(opcode)
            self._answer(index, opcode, context, CommandResponse.BUSY)
            return
        port, run, deferred = entry
        sequence = self._next_sequence()
        self._pending[sequence] = Pending(opcode, index, context, self._now_ns(), deferred)
        self._run(run, opcode, sequence, arguments)
        # F´'s order: the events of a sync command come first, then this one, then how the command ended.
        self.op_code_dispatched(opcode, port)
        self._dispatched += 1
        self.commands_dispatched = self._dispatched & U32_MAX
        self.pending = len(self._pending)
        if self._early is not None:
            early, self._early = self._early, None
            self.comp_cmd_stat(*early)

    def _next_sequence(self) -> int:
        """The next number that no pending command has: one may still wait when the numbers begin anew."""
        self._sequence = (self._sequence + 1) & U32_MAX
        while self._sequence in self._pending:
            self._sequence = (self._sequence + 1) & U32_MAX
        return self._sequence

    def _run(self, run: Entry, opcode: int, sequence: int, arguments: bytes) -> None:
        self._running = sequence
        try:
            run(opcode, sequence, arguments)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the command is answered
            self._context.monitor.handler_failed(self.name, "seq_cmd_buff", fault_reason(fault))
            if self._early is None:
                self._early = (opcode, sequence, CommandResponse.EXECUTION_ERROR)
        finally:
            self._running = 0

    def seq_cmd_buff_overflow(self, index: int, data: bytes, context: int) -> None:
        """A command for which the queue has no room: it is refused as BUSY, counted and named."""
        self._drop()
        opcode = int.from_bytes(data[2:6], "big")
        self.command_dropped_queue_overflow(opcode)
        self._answer(index, opcode, context, CommandResponse.BUSY)

    @async_port(CmdResponse, priority=1, full="hook")
    def comp_cmd_stat(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """An instance's answer to the command that was sent with `sequence`."""
        found = self._pending.get(sequence)
        if found is None or found.opcode != opcode:
            self._late += 1
            self.late_responses = self._late & U32_MAX
            return
        self._close(sequence, response)

    def comp_cmd_stat_overflow(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        """An answer is never dropped: without room in the queue it is taken at once, but not before its command is
        reported as dispatched.
        """
        if sequence == self._running and self._early is None:
            self._early = (opcode, sequence, response)
        else:
            self.comp_cmd_stat(opcode, sequence, response)

    def _close(self, sequence: int, response: CommandResponse) -> None:
        """Ends a pending command: event, counters, and the one answer to its source."""
        found = self._pending.pop(sequence)
        self.pending = len(self._pending)
        if response is CommandResponse.OK:
            self.op_code_completed(found.opcode)
        else:
            self._count_error()
            self.op_code_error(found.opcode, response)
        self._answer(found.source, found.opcode, found.context, response)

    def _count_error(self) -> None:
        self._errors += 1
        self.command_errors = self._errors & U32_MAX

    def _drop(self) -> None:
        self._dropped += 1
        self.commands_dropped = self._dropped & U32_MAX

    def _answer(self, source: int, opcode: int, context: int, response: CommandResponse) -> None:
        if self._answers[source]:
            self.seq_cmd_status[source](opcode, context, response)

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Answers commands that should have answered by now with EXECUTION_ERROR; their own answers are then late."""
        limit_s = self.command_timeout_s
        if not limit_s or not self._pending:
            return
        before = self.clock.now_ns() - limit_s * NS_PER_S
        late = [sequence for sequence, one in self._pending.items() if not one.deferred and one.since_ns <= before]
        for sequence in late:
            self.command_timed_out(self._pending[sequence].opcode, limit_s)
            self._close(sequence, CommandResponse.EXECUTION_ERROR)

    @command
    def cmd_no_op(self) -> None:
        """Does nothing but say so."""
        self.no_op_received()

    @command
    def cmd_no_op_string(self, arg1: Annotated[str, Size(40)]) -> None:
        """Does nothing but repeat the string."""
        self.no_op_string_received(arg1)

    @command(name="CMD_TEST_CMD_1")
    def cmd_test_cmd_1(self, arg1: I32, arg2: F32, arg3: U8) -> None:
        """Does nothing but repeat its arguments."""
        self.test_cmd_1_args(arg1, arg2, arg3)

    @command(opcode=CLEAR_TRACKING_OPCODE)
    def cmd_clear_tracking(self) -> None:
        """Answers every pending command with EXECUTION_ERROR; answers that still come are counted as late."""
        # This command is pending itself, and commands that came after it may be too: those of its own opcode stay.
        mine = self._context.base_id + CLEAR_TRACKING_OPCODE
        for sequence in [sequence for sequence, one in self._pending.items() if one.opcode != mine]:
            self._close(sequence, CommandResponse.EXECUTION_ERROR)

    @command
    def list_pending(self) -> None:
        """Reports the commands that are not answered yet, the oldest first, at most 16, and how many there are."""
        now = self.clock.now_ns()
        listed = list(self._pending.values())[:MAX_LISTED]
        for found in listed:
            self.command_pending(found.opcode, (now - found.since_ns) // NS_PER_S)
        self.pending_commands(len(self._pending), len(listed))
