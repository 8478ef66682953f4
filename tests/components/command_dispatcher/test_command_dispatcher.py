"""CommandDispatcher: the order of its events, its refusals, its timeouts, and its own commands."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from kittiwake.model import (
    ACTIVITY_LO,
    U8,
    ActiveComponent,
    CommandError,
    CommandResponse,
    PassiveComponent,
    command,
    event,
    sync_port,
)
from kittiwake.model.events import Severity
from kittiwake.model.fw import CmdResponse, Log
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake.wire.packets import command_packet
from kittiwake_components import CommandDispatcher
from tests.framework.runtime.wired import deploy

OK, BUSY = CommandResponse.OK, CommandResponse.BUSY
FAILED = CommandResponse.EXECUTION_ERROR
Tester = ComponentTester[Any]


class Instance:
    """Stands for an instance with opcodes 0x1000 (answers when told) and 0x1001 (deferred)."""

    def __init__(self, tester: Tester) -> None:
        self.taken: list[tuple[int, int, bytes]] = []
        tester.component.comp_cmd_reg([0x1000, 0x1001], {0x1001}, self.take)

    def take(self, opcode: int, sequence: int, arguments: bytes) -> None:
        self.taken.append((opcode, sequence, arguments))


@pytest.fixture
def tester() -> Tester:
    return ComponentTester(CommandDispatcher, queue=4)


@pytest.fixture
def instance(tester: Tester) -> Instance:
    return Instance(tester)


def dispatch(tester: Tester, opcode: int, context: int = 0, source: int = 0, arguments: bytes = b"") -> None:
    tester.call.seq_cmd_buff[source](command_packet(opcode, arguments), context)


def answer(tester: Tester, instance: Instance, response: CommandResponse = OK, which: int = -1) -> None:
    opcode, sequence, _ = instance.taken[which]
    tester.call.comp_cmd_stat(opcode, sequence, response)


def test_a_command_goes_to_its_instance_and_its_answer_to_where_it_came_from(
    tester: Tester, instance: Instance
) -> None:
    """REQ-CD-001, REQ-CD-002."""
    dispatch(tester, 0x1000, context=77, source=3, arguments=b"abc")
    assert instance.taken[0][0] == 0x1000
    assert instance.taken[0][2] == b"abc"
    assert tester.channels["Pending"] == 1
    answer(tester, instance)
    assert tester.ports.seq_cmd_status[3] == [(0x1000, 77, OK)]
    assert tester.events.names()[2:] == ["OpCodeDispatched", "OpCodeCompleted"]
    assert tester.channels["Pending"] == 0
    assert tester.channels["CommandsDispatched"] == 1


def test_each_opcode_is_reported_when_it_is_registered_and_none_twice(tester: Tester, instance: Instance) -> None:
    """REQ-CD-001."""
    assert [one.args for one in tester.events.named("OpCodeRegistered")] == [(0x1000, 0), (0x1001, 0)]
    with pytest.raises(ValueError, match="0x1001 is registered twice"):
        tester.component.comp_cmd_reg([0x2000, 0x1001], set(), instance.take)
    dispatch(tester, 0x2000)
    assert tester.events.named("InvalidCommand")


def test_registrations_that_nobody_would_get_are_not_reported(tester: Tester) -> None:
    """REQ-CD-001. Some 400 of them are a tenth of a short wake's work."""
    tester.component._context.shows = lambda severity: severity is not Severity.DIAGNOSTIC
    instance = Instance(tester)
    assert tester.events.named("OpCodeRegistered") == []
    dispatch(tester, 0x1000)
    assert [opcode for opcode, *_ in instance.taken] == [0x1000]


def test_an_answer_with_an_error_is_reported_and_counted(tester: Tester, instance: Instance) -> None:
    """REQ-CD-002."""
    dispatch(tester, 0x1000)
    answer(tester, instance, CommandResponse.VALIDATION_ERROR)
    assert tester.events[-1].args == (0x1000, CommandResponse.VALIDATION_ERROR)
    assert tester.channels["CommandErrors"] == 1
    assert tester.ports.seq_cmd_status[0] == [(0x1000, 0, CommandResponse.VALIDATION_ERROR)]


def test_late_duplicate_and_foreign_answers_are_counted_and_go_nowhere(tester: Tester, instance: Instance) -> None:
    """REQ-CD-003."""
    dispatch(tester, 0x1000)
    sequence = instance.taken[0][1]
    tester.call.comp_cmd_stat(0x1001, sequence, OK)
    tester.call.comp_cmd_stat(0x1000, sequence + 1, OK)
    assert tester.ports.seq_cmd_status[0] == []
    answer(tester, instance)
    answer(tester, instance)
    assert tester.channels["LateResponses"] == 3
    assert len(tester.ports.seq_cmd_status[0]) == 1


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0\0\0", b"\0\1\0\0\x10\0"])
def test_what_is_no_command_packet_is_answered_format_error(tester: Tester, data: bytes) -> None:
    """REQ-CD-004."""
    tester.call.seq_cmd_buff[1](data, 5)
    assert tester.events.names() == ["MalformedCommand"]
    assert tester.ports.seq_cmd_status[1] == [(0, 5, CommandResponse.FORMAT_ERROR)]
    assert tester.channels["CommandsDropped"] == 1


def test_an_unknown_opcode_is_answered_invalid_opcode(tester: Tester) -> None:
    """REQ-CD-004."""
    dispatch(tester, 0xDEAD, context=6)
    assert tester.events[0].args == (0xDEAD,)
    assert tester.ports.seq_cmd_status[0] == [(0xDEAD, 6, CommandResponse.INVALID_OPCODE)]


def test_without_room_in_the_queue_a_command_is_refused_counted_and_named(tester: Tester, instance: Instance) -> None:
    """REQ-CD-005. Upstream: a full queue was an assertion that ended all (nasa/fprime #5081, #4198)."""
    with tester.held():
        for number in range(6):
            dispatch(tester, 0x1000, context=number)
    assert tester.ports.seq_cmd_status[0] == [(0x1000, 4, BUSY), (0x1000, 5, BUSY)]
    assert [one.args for one in tester.events.named("CommandDroppedQueueOverflow")] == [(0x1000,), (0x1000,)]
    assert tester.channels["CommandsDropped"] == 2
    assert len(instance.taken) == 4


def test_more_pending_commands_than_the_limit_are_refused(tester: Tester, instance: Instance) -> None:
    """REQ-CD-005."""
    tester.set_parameter("MAX_PENDING", 2)
    for number in range(3):
        dispatch(tester, 0x1000, context=number)
    assert tester.events.named("TooManyCommands")[0].args == (0x1000,)
    assert tester.ports.seq_cmd_status[0] == [(0x1000, 2, BUSY)]
    answer(tester, instance)
    dispatch(tester, 0x1000, context=3)
    assert len(instance.taken) == 3


def test_a_source_that_wants_no_answers_gets_none() -> None:
    """REQ-CD-002."""
    tester: Tester = ComponentTester(CommandDispatcher, open_ports=["seq_cmd_status"])
    instance = Instance(tester)
    dispatch(tester, 0x1000)
    answer(tester, instance)
    assert tester.events.names()[-1] == "OpCodeCompleted"


def test_a_command_that_does_not_answer_in_time_is_answered_for(tester: Tester, instance: Instance) -> None:
    """REQ-CD-006: the instance's own answer is late then."""
    tester.set_parameter("COMMAND_TIMEOUT_S", 5)
    dispatch(tester, 0x1000, context=9)
    tester.advance(4.9)
    tester.call.run(0)
    assert not tester.events.named("CommandTimedOut")
    tester.advance(0.1)
    tester.call.run(0)
    assert tester.events.named("CommandTimedOut")[0].args == (0x1000, 5)
    assert tester.ports.seq_cmd_status[0] == [(0x1000, 9, FAILED)]
    answer(tester, instance)
    assert tester.channels["LateResponses"] == 1


def test_commands_that_answer_later_and_a_timeout_of_zero_are_not_timed(tester: Tester, instance: Instance) -> None:
    """REQ-CD-006."""
    dispatch(tester, 0x1001)
    tester.advance(1e6)
    tester.call.run(0)
    tester.set_parameter("COMMAND_TIMEOUT_S", 0)
    dispatch(tester, 0x1000)
    tester.advance(1e6)
    tester.call.run(0)
    assert tester.channels["Pending"] == 2
    assert not tester.events.named("CommandTimedOut")


def test_an_instance_whose_port_raises_does_not_leave_its_command_unanswered(tester: Tester) -> None:
    """REQ-CD-002."""

    def broken(opcode: int, sequence: int, arguments: bytes) -> None:
        raise OSError("broken")

    tester.component.comp_cmd_reg([0x3000], set(), broken)
    dispatch(tester, 0x3000)
    assert tester.ports.seq_cmd_status[0] == [(0x3000, 0, FAILED)]
    assert tester.events.names()[-2:] == ["OpCodeDispatched", "OpCodeError"]
    assert len(tester.monitor.of_kind("failed")) == 1


def test_sequence_numbers_begin_anew_without_taking_one_that_is_pending(tester: Tester, instance: Instance) -> None:
    """REQ-CD-003."""
    dispatch(tester, 0x1001)
    tester.component._sequence = 0xFFFFFFFF
    tester.component._pending[0] = tester.component._pending[1]
    dispatch(tester, 0x1000)
    assert instance.taken[-1][1] == 2


def test_an_answer_that_finds_the_queue_full_still_follows_its_dispatch(tester: Tester) -> None:
    """REQ-CD-007."""

    def at_once(opcode: int, sequence: int, arguments: bytes) -> None:
        for number in range(4):
            tester.call.comp_cmd_stat(0xDEAD, number + 1000, OK)
        tester.call.comp_cmd_stat(opcode, sequence, OK)

    tester.component.comp_cmd_reg([0x3000], set(), at_once)
    tester.clear_history()
    with tester.held():
        dispatch(tester, 0x3000)
        tester.deployment.main.turn(0)
    assert tester.events.names()[:2] == ["OpCodeDispatched", "OpCodeCompleted"]


def test_clearing_answers_what_is_pending_and_itself_once(tester: Tester, instance: Instance) -> None:
    """REQ-CD-008."""
    dispatch(tester, 0x1000, context=1)
    dispatch(tester, 0x1001, context=2)
    assert tester.send("CMD_CLEAR_TRACKING").response is OK
    assert tester.ports.seq_cmd_status[0] == [(0x1000, 1, FAILED), (0x1001, 2, FAILED)]
    assert tester.channels["Pending"] == 0


def test_pending_commands_are_listed_the_oldest_first_and_at_most_16(tester: Tester, instance: Instance) -> None:
    """REQ-CD-009."""
    tester.send("LIST_PENDING")
    assert tester.events[-1].args == (0, 0)
    for _ in range(20):
        dispatch(tester, 0x1001)
        tester.advance(1)
    tester.clear_history()
    assert tester.send("LIST_PENDING").response is OK
    assert [one.args[1] for one in tester.events.named("CommandPending")] == list(range(20, 4, -1))
    assert tester.events[-1].args == (20, 16)


def test_its_own_commands_say_what_they_were_given(tester: Tester) -> None:
    """REQ-CD-010."""
    assert tester.send("CMD_NO_OP").response is OK
    assert tester.send("CMD_NO_OP_STRING", "hello").response is OK
    assert tester.send("CMD_TEST_CMD_1", -1, 0.5, 255).response is OK
    assert [(one.name, one.args) for one in tester.events] == [
        ("NoOpReceived", ()), ("NoOpStringReceived", ("hello",)), ("TestCmd1Args", (-1, 0.5, 255)),
    ]  # fmt: skip


# In a deployment


class EventSink(PassiveComponent):
    def initialize(self) -> None:
        self.seen: list[tuple[int, int]] = []

    @sync_port(Log)
    def log_recv(self, id: int, tag: int, severity: Any, arguments: bytes) -> None:
        self.seen.append((id, tag))


class Source(PassiveComponent):
    def initialize(self) -> None:
        self.answers: list[tuple[int, int, CommandResponse]] = []

    @sync_port(CmdResponse)
    def answered(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        self.answers.append((opcode, sequence, response))


class Worker(ActiveComponent):
    @event(ACTIVITY_LO, "{number}")
    def worked(self, number: U8) -> None: ...

    @command(kind="sync")
    def now(self, number: U8) -> None:
        self.worked(number)
        if number > 9:
            raise CommandError(CommandResponse.VALIDATION_ERROR)

    @command
    async def later(self) -> None:
        await self.clock.sleep(100)
        self.worked(1)


DISPATCHER, WORKER = 0x1000, 0x2000


@pytest.fixture
def deployment() -> Any:
    made, findings = deploy(
        {"dispatcher": (CommandDispatcher, {"depth": 50}), "worker": Worker, "events": EventSink, "source": Source},
        [("dispatcher", "seq_cmd_status", 0, "source", "answered", 0)],
        services={"command": "dispatcher", "event": "events"},
    )
    made.start()
    made.instances["events"].seen.clear()  # type: ignore[attr-defined]
    yield made
    made.stop()
    assert not findings.faults()


def send(deployment: Any, opcode: int, context: int, arguments: bytes = b"") -> None:
    from kittiwake.runtime.wiring import Entries

    entries = Entries(deployment)
    source = deployment.instances["source"]._context
    entries.call(deployment.instances["dispatcher"], "seq_cmd_buff", 0, source)(
        command_packet(opcode, arguments), context
    )


def test_the_events_of_a_sync_command_come_first_then_its_dispatch_then_its_end(deployment: Any) -> None:
    """REQ-CD-007: with tags that strictly increase."""
    send(deployment, WORKER, 1, b"\x05")
    send(deployment, WORKER, 2, b"\x0a")
    send(deployment, DISPATCHER, 3)
    deployment.run_for(0)
    seen = deployment.instances["events"].seen
    ids = [id for id, _ in seen]
    dispatched, completed, error = DISPATCHER + 1, DISPATCHER + 2, DISPATCHER + 3
    no_op = DISPATCHER + 7
    first = [one for one in ids if one in (WORKER, dispatched, completed, error, no_op)]
    assert first[:2] == [WORKER, dispatched]
    assert sorted(first) == sorted([WORKER] * 2 + [dispatched] * 3 + [completed] * 2 + [error] + [no_op])
    assert first.index(dispatched) < first.index(completed) < first.index(error)
    tags = [tag for _, tag in seen]
    assert all(later > earlier for earlier, later in pairwise(tags))
    assert deployment.instances["source"].answers == [
        (WORKER, 1, OK), (WORKER, 2, CommandResponse.VALIDATION_ERROR), (DISPATCHER, 3, OK),
    ]  # fmt: skip


def test_a_command_that_answers_later_is_pending_until_then(deployment: Any) -> None:
    """REQ-CD-002, REQ-CD-006."""
    send(deployment, WORKER + 1, 1)
    deployment.run_for(99)
    deployment.instances["dispatcher"].run(0)
    assert deployment.instances["source"].answers == []
    deployment.run_for(1)
    assert deployment.instances["source"].answers == [(WORKER + 1, 1, OK)]


def test_clearing_leaves_itself_and_is_answered_though_other_commands_came_after_it(deployment: Any) -> None:
    """REQ-CD-008."""
    send(deployment, WORKER + 1, 1)
    send(deployment, DISPATCHER + 3, 2)
    send(deployment, DISPATCHER + 3, 3)
    send(deployment, WORKER + 1, 4)
    deployment.run_for(0)
    deployment.run_for(200)
    answers = deployment.instances["source"].answers
    assert sorted(context for _, context, _ in answers) == [1, 2, 3, 4]
    by_context = {context: response for _, context, response in answers}
    assert (by_context[1], by_context[2], by_context[3]) == (FAILED, OK, OK)


def test_a_burst_is_answered_to_the_last_command(deployment: Any) -> None:
    """REQ-CD-002, REQ-CD-005: what finds no room is refused, none is forgotten."""
    for context in range(1000):
        send(deployment, DISPATCHER, context)
    deployment.run_for(1)
    answers = deployment.instances["source"].answers
    assert sorted(context for _, context, _ in answers) == list(range(1000))
    assert {response for _, _, response in answers} == {OK, BUSY}


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(CommandDispatcher) == []
