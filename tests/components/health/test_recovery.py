"""Restart and quarantine of instances that keep failing: what becomes of their state, messages and commands."""

from __future__ import annotations

from collections import Counter
from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import (
    U8,
    U32,
    ActiveComponent,
    CommandResponse,
    OutputPort,
    Parameter,
    PassiveComponent,
    async_port,
    command,
    sync_port,
)
from kittiwake.model.codec import unpacker
from kittiwake.model.fw import CmdResponse, Log, Ping, Sched, Severity
from kittiwake.model.ports import port
from kittiwake.platform.system import SystemPlatform
from kittiwake.runtime.recovery import QUARANTINED, RESTARTED, InstanceQuarantined
from kittiwake_components import ActiveRateGroup, Health
from tests.framework.runtime.wired import deploy

OK, FAILED, BUSY = CommandResponse.OK, CommandResponse.EXECUTION_ERROR, CommandResponse.BUSY
HEALTH, WORKER, METER = 0x1000, 0x2000, 0x3000


@port("Test.Ask")
def Ask() -> U32:  # type: ignore[empty-body]
    """A question."""


class Worker(ActiveComponent):
    """Fails when it is told, counts since its start, and remembers its lives."""

    lives = 0
    limit = Parameter(U8, default=7)

    def initialize(self) -> None:
        self.done = 0
        self.stopped = False
        self.rang = 0
        self.refusals: list[int] = []
        if self._context.restarts and Worker.lives < 0:
            raise ValueError("it does not come up")

    def start(self) -> None:
        self.clock.call_after(5, self.ring)

    def stop(self) -> None:
        self.stopped = True

    def ring(self) -> None:
        self.rang += 1

    @async_port(Ping)
    def work(self, key: int) -> None:
        if key == 0:
            raise ValueError("no work")
        self.done += 1

    @async_port(Ping, full="hook")
    def ask_later(self, key: int) -> None:
        self.done += 1

    def ask_later_overflow(self, key: int) -> None:
        OVERFLOWED.append(key)

    @command
    def fail(self) -> None:
        raise ValueError("failed")

    @command
    def quick(self) -> None:
        self.done += 1

    @command
    async def slow(self) -> None:
        await self.clock.sleep(3600)

    @command(exclusive=True)
    async def alone(self) -> None:
        await self.clock.sleep(3600)


OVERFLOWED: list[int] = []


class Meter(PassiveComponent):
    """All its ports are sync."""

    def initialize(self) -> None:
        self.cycles = 0

    @sync_port(Sched)
    def run(self, context: int) -> None:
        self.cycles += 1
        if context:
            raise ValueError("bad cycle")

    @sync_port(Ask)
    def ask(self) -> int:
        return 42

    @command
    def reset(self) -> None:
        self.cycles = 0


class Asker(PassiveComponent):
    ask = OutputPort(Ask)


class Services(PassiveComponent):
    """The event log and the command dispatcher."""

    def initialize(self) -> None:
        self.events: list[tuple[str, tuple[Any, ...]]] = []
        self.entries: dict[int, Any] = {}
        self.answers: list[tuple[int, CommandResponse]] = []
        self.sent = 0

    @sync_port(Log)
    def log_recv(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None:
        for event in Health.__declarations__.events.values():
            if id == HEALTH + (event.number or 0):
                self.events.append((event.label, unpacker([form for _, form in event.parameters])(arguments)))

    @sync_port(CmdResponse)
    def comp_cmd_stat(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        self.answers.append((sequence, response))

    def comp_cmd_reg(self, opcodes: list[int], deferred: object, entry: Any) -> None:
        self.entries.update(dict.fromkeys(opcodes, entry))

    def send(self, opcode: int, arguments: bytes = b"") -> int:
        self.sent += 1
        self.entries[opcode](opcode, self.sent, arguments)
        return self.sent

    def answer(self, sequence: int) -> CommandResponse | None:
        found = [response for one, response in self.answers if one == sequence]
        assert len(found) <= 1, "a command has one answer"
        return found[0] if found else None

    def named(self, name: str) -> list[tuple[Any, ...]]:
        return [arguments for label, arguments in self.events if label == name]

    def opcode(self, label: str, cls: Any, base: int) -> int:
        [number] = [one.number for one in cls.__declarations__.commands.values() if one.label == label]
        return base + int(number or 0)


class Station:
    """Health, a worker, a passive meter in a rate group, somebody who asks it, and the services."""

    def __init__(self, thread: str = "", platform: Any = None, **health: Any) -> None:
        Worker.lives = 0
        OVERFLOWED.clear()
        settings = {"warn_cycles": 2, "fatal_cycles": 3, "failure_limit": 3, "restart_limit": 2} | health
        self.deployment, _ = deploy(
            {
                "health": (Health, {"settings": settings}),
                "worker": (Worker, {"depth": 5, "thread": thread, "id": WORKER}),
                "meter": (Meter, {"id": METER}), "group": (ActiveRateGroup, {"id": 0x4000}),
                "asker": (Asker, {"id": 0x5000}), "services": (Services, {"id": 0x6000}),
            },
            [("group", "member_out", 0, "meter", "run", 0), ("asker", "ask", 0, "meter", "ask", 0)],
            services={"event": "services", "health": "health", "command": "services"}, platform=platform,
            parameters=[(1, "limit", b"\x09")],
        )  # fmt: skip
        instances: Any = self.deployment.instances
        self.health, self.worker, self.meter = instances["health"], instances["worker"], instances["meter"]
        self.group, self.asker, self.services = instances["group"], instances["asker"], instances["services"]
        self.strokes: list[int] = []
        self.health.wdog_stroke = self.strokes.append
        self.deployment.start()
        self.deployment.main.settle()
        queue = self.worker._context.queue
        self.work = queue.putter("work", self.worker.work, 0, "assert")

    def cycle(self, count: int = 1) -> None:
        for _ in range(count):
            self.health.run(0)
            self.deployment.main.settle()

    def fail(self, times: int = 3) -> None:
        for _ in range(times):
            self.work(0)
            self.deployment.main.settle()

    def command(self, label: str, name: str = "", *more: int) -> CommandResponse | None:
        """Sends a command of Health about an instance; its answer."""
        data = len(name).to_bytes(2, "big") + name.encode() + bytes(more)
        sequence = self.services.send(self.services.opcode(label, Health, HEALTH), data)
        self.deployment.main.settle()
        answer: CommandResponse | None = self.services.answer(sequence)
        return answer

    def send(self, label: str) -> int:
        sequence: int = self.services.send(self.services.opcode(label, Worker, WORKER))
        return sequence


# Restart


def test_what_keeps_failing_is_restarted_and_begins_afresh() -> None:
    """REQ-HLTH-011."""
    station = Station()
    station.work(1)
    station.worker.limit = 8
    station.fail(2)
    station.cycle()
    assert station.worker.done == 1
    station.fail(1)
    station.cycle()
    [(name, reason, _)] = station.services.named("InstanceFailing")
    assert name == "worker"
    assert "no work" in reason
    assert station.services.named("InstanceRestarted") == [("worker", 1)]
    assert (station.worker.done, station.worker.limit, station.worker.stopped) == (0, 9, False)
    assert not station.services.named("InstanceFatal")
    station.cycle()
    assert station.health.instances_restarted == 1


def test_failures_that_are_far_apart_call_for_nothing() -> None:
    """REQ-HLTH-011."""
    station = Station(failure_window_s=10)
    for _ in range(9):
        station.fail(1)
        station.deployment.run_for(6)
        station.cycle()
    assert not station.services.named("InstanceFailing")


def test_every_command_to_a_restarted_instance_has_one_answer() -> None:
    """REQ-HLTH-013: queued ones and those that wait are answered with an error, none is run twice."""
    station = Station()
    waiting = [station.send("SLOW"), station.send("ALONE")]
    station.deployment.main.settle()
    queued: list[int] = []
    station.health._escalation.restart("worker", 0)
    queued += [station.send("QUICK"), station.send("QUICK"), station.send("ALONE")]
    station.deployment.main.settle()
    station.deployment.run_for(4000)
    assert [station.services.answer(one) for one in waiting + queued] == [FAILED] * 5
    assert Counter(sequence for sequence, _ in station.services.answers).most_common(1)[0][1] == 1
    again = station.send("ALONE")
    station.deployment.run_for(4000)
    assert station.services.answer(again) is OK
    assert {why for _, _, why in station.services.named("CommandRefused")} == {
        RESTARTED, "it was cancelled while it waited",
    }  # fmt: skip


def test_queued_messages_and_timers_of_a_former_life_are_dropped_counted_and_told() -> None:
    """REQ-HLTH-013."""
    station = Station()
    queue = station.worker._context.queue
    hooked = queue.putter("ask_later", station.worker.ask_later, 0, "hook", station.worker.ask_later_overflow)
    station.deployment.run_for(3)
    station.health._escalation.restart("worker", 0)
    station.work(1)
    hooked(4)
    station.deployment.main.settle()
    assert station.worker.done == 0
    assert queue.dropped == {"work": 1, "ask_later": 1}
    assert OVERFLOWED == [4]
    station.deployment.run_for(4)
    assert station.worker.rang == 0, "the timer of its first life is cancelled"
    station.deployment.run_for(1.5)
    assert station.worker.rang == 1


@pytest.mark.parametrize(
    "policy, final",
    [("restart_then_fatal", "InstanceFatal"), ("restart_then_quarantine", "InstanceQuarantined")],
)
def test_the_budget_of_restarts_ends_in_what_the_policy_says(policy: str, final: str) -> None:
    """REQ-HLTH-012."""
    station = Station(policies={"worker": policy})
    for _ in range(2):
        station.fail()
        station.cycle()
    assert station.services.named(final) == []
    station.fail()
    station.cycle()
    assert len(station.services.named("InstanceRestarted")) == 2
    assert station.services.named(final)[0][0] == "worker"
    strokes = len(station.strokes)
    station.cycle(3)
    assert len(station.strokes) - strokes == (0 if final == "InstanceFatal" else 3)


def test_the_budget_renews_itself() -> None:
    """REQ-HLTH-012."""
    station = Station(restart_window_s=100)
    for _ in range(6):
        station.fail()
        station.cycle()
        station.deployment.run_for(60)
    assert len(station.services.named("InstanceRestarted")) == 6


def test_an_instance_that_does_not_come_up_serves_nobody_half_started() -> None:
    """REQ-HLTH-012."""
    station = Station()
    Worker.lives = -1
    station.fail()
    station.cycle()
    assert station.services.named("InstanceRestartFailed")[0][0] == "worker"
    assert station.services.named("InstanceFatal")[0][0] == "worker"
    assert not station.services.named("InstanceRestarted")
    quick = station.send("QUICK")
    station.deployment.main.settle()
    assert station.services.answer(quick) is FAILED
    Worker.lives = 0
    strokes = len(station.strokes)
    station.cycle()
    assert len(station.strokes) == strokes
    assert station.command("HLTH_RESTART", "worker") is OK
    station.cycle()
    assert len(station.strokes) == strokes + 1
    assert station.command("HLTH_RESTART", "worker") is OK


def test_a_member_of_a_rate_group_is_what_fails_and_not_the_group() -> None:
    """REQ-HLTH-011: the group names the instance, which is restarted; the others go on."""
    station = Station(policies={"meter": "restart_then_quarantine"})
    station.group._cycles._contexts = [1]
    station.group.connections_changed()
    for _ in range(3):
        station.group.cycle_in(station.deployment.main.clock.now_ns(), 1)
    station.cycle()
    assert {one[:2] for one in station.services.named("HandlerFailed")} == {("meter", "run")}
    assert station.services.named("InstanceRestarted") == [("meter", 1)]
    assert station.meter.cycles == 0


# Pings


def test_an_unanswered_ping_is_answered_with_a_restart_before_it_is_fatal() -> None:
    """REQ-HLTH-011, REQ-HLTH-003."""
    station = Station()
    for _ in range(4):
        station.health.run(0)
    assert [one[0] for one in station.services.named("InstanceFailing")] == ["worker", "group"]
    station.cycle(2)
    assert station.services.named("InstanceRestarted") == [("worker", 1), ("group", 1)]
    assert station.health.instances_restarted == 2
    assert not station.services.named("HLTH_PING_LATE")


def test_an_instance_whose_thread_is_stuck_cannot_be_restarted_and_is_fatal() -> None:
    """REQ-HLTH-011, REQ-HLTH-003, REQ-HLTH-004."""
    gate, at_gate = Event(), Event()
    station = Station(thread="driver", platform=SystemPlatform())

    def block() -> None:
        at_gate.set()
        gate.wait(20)

    station.worker._context.loop.post(block)
    assert at_gate.wait(20)
    station.cycle(4)
    assert [one[0] for one in station.services.named("InstanceFailing")] == ["worker"]
    assert not station.services.named("HLTH_PING_LATE")
    station.cycle(4)
    assert station.services.named("HLTH_PING_LATE") == [("worker",)]
    assert station.health.fatal_unresolved == 1
    gate.set()
    for _ in range(2000):
        station.cycle()
        if station.services.named("InstanceRestarted"):
            break
        Event().wait(0.005)
    station.cycle(2)
    assert station.health.fatal_unresolved == 0
    station.deployment.stop()


def test_an_overflow_that_must_never_be_withholds_the_watchdog_until_a_restart() -> None:
    """REQ-HLTH-004, REQ-HLTH-008."""
    station = Station()
    for _ in range(7):
        station.work(1)
    station.deployment.main.settle()
    strokes = len(station.strokes)
    station.cycle(3)
    assert len(station.strokes) == strokes
    assert station.command("HLTH_RESTART", "worker") is OK
    station.cycle()
    assert len(station.strokes) == strokes + 1


# Quarantine


def test_what_is_sent_to_a_quarantined_instance_is_refused_counted_and_named() -> None:
    """REQ-HLTH-014."""
    station = Station(policies={"worker": "quarantine"})
    waiting = station.send("SLOW")
    station.deployment.main.settle()
    station.fail()
    station.cycle()
    assert station.services.named("InstanceQuarantined") == [("worker",)]
    station.work(1)
    quick = station.send("QUICK")
    station.cycle(20)
    assert station.worker.done == 0
    assert station.worker.stopped
    assert [station.services.answer(one) for one in (waiting, quick)] == [FAILED, FAILED]
    assert station.services.named("MessageRefused") == [("worker", "work")]
    assert station.services.named("CommandRefused")[-1] == ("worker", "QUICK", QUARANTINED)
    assert station.health.messages_dropped == 1
    assert station.health.instances_quarantined == 1
    assert not station.services.named("HLTH_PING_WARN")
    assert station.command("HLTH_RESTART", "worker") is OK
    station.work(1)
    station.cycle()
    assert station.worker.done == 1
    assert station.health.instances_quarantined == 0


def test_calls_of_a_quarantined_passive_instance_are_refused_and_come_back_with_its_restart() -> None:
    """REQ-HLTH-014: also the calls that a rate group keeps; who asks for a value gets an error."""
    station = Station()
    assert station.command("HLTH_QUARANTINE", "meter") is OK
    assert station.command("HLTH_QUARANTINE", "meter") is OK
    station.group.cycle_in(station.deployment.main.clock.now_ns(), 10**9)
    assert station.meter.cycles == 0
    with pytest.raises(InstanceQuarantined, match="meter is quarantined and answers no ask"):
        station.asker.ask()
    reset = station.services.send(METER)
    assert station.services.answer(reset) is FAILED
    station.cycle()
    assert set(station.services.named("MessageRefused")) == {("meter", "run"), ("meter", "ask")}
    assert station.command("HLTH_RESTART", "meter") is OK
    station.group.cycle_in(station.deployment.main.clock.now_ns(), 10**9)
    assert station.meter.cycles == 1
    assert station.asker.ask() == 42
    assert station.services.answer(station.services.send(METER)) is OK


def test_a_quarantined_instance_is_not_stopped_twice() -> None:
    """REQ-HLTH-014."""
    station = Station()
    station.command("HLTH_QUARANTINE", "worker")
    station.worker.stopped = False
    station.deployment.stop()
    assert not station.worker.stopped


# Commands


def test_a_service_is_restarted_only_with_the_deployment() -> None:
    """REQ-HLTH-015."""
    station = Station()
    for label in ("HLTH_RESTART", "HLTH_QUARANTINE"):
        for name in ("services", "health", "nobody"):
            assert station.command(label, name) is CommandResponse.VALIDATION_ERROR
    station.health._escalation.failed("services", 0, "x")
    station.health._escalation.failed("services", 0, "x")
    station.health._escalation.failed("services", 0, "x")
    station.cycle()
    assert station.services.named("InstanceFatal") == [("services", "x")]


def test_a_policy_can_be_changed_and_report_leaves_it_at_events() -> None:
    """REQ-HLTH-015."""
    station = Station()
    assert station.command("HLTH_POLICY", "worker", 0) is OK
    assert station.command("HLTH_POLICY", "nobody", 0) is CommandResponse.VALIDATION_ERROR
    assert station.command("HLTH_POLICY", "worker", 9) is CommandResponse.FORMAT_ERROR
    station.fail(10)
    station.cycle(3)
    assert not station.services.named("InstanceFailing")
    assert station.command("HLTH_POLICY", "worker", 4) is OK
    station.fail()
    station.cycle()
    assert station.services.named("InstanceFatal")[0][0] == "worker"


def test_a_policy_for_nobody_is_reported() -> None:
    """REQ-HLTH-015."""
    station = Station(policies={"wroker": "fatal"})
    assert station.services.named("HLTH_CHECK_LOOKUP_ERROR") == [("wroker",)]


STEPS = st.sampled_from(["FAIL", "QUICK", "SLOW", "ALONE", "work", "settle", "cycle", "later", "restart", "quarantine"])


@given(st.lists(STEPS, max_size=60))
def test_whatever_happens_each_command_has_one_answer(steps: list[str]) -> None:
    """REQ-HLTH-013, REQ-HLTH-014: through failures, restarts and quarantine in any order."""
    station = Station(restart_limit=1, policies={"worker": "restart_then_quarantine"})
    escalation = station.health._escalation
    for step in steps:
        if step.isupper():
            station.send(step)
        elif step == "work":
            station.work(0)
        elif step == "settle":
            station.deployment.main.settle()
        elif step == "cycle":
            station.health.run(0)
        elif step == "later":
            station.deployment.run_for(1000)
        elif not escalation.is_under_way("worker"):
            act = escalation.quarantine if step == "quarantine" else lambda name: escalation.restart(name, 0)
            act("worker")
    station.deployment.run_for(4000)
    counts = Counter(sequence for sequence, _ in station.services.answers)
    assert counts == dict.fromkeys(range(1, station.services.sent + 1), 1)
