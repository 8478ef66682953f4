"""Health: pings and their limits, the watchdog, the runtime's findings as events, and that reporting never storms."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model import (
    ActiveComponent,
    CommandError,
    CommandResponse,
    PassiveComponent,
    Severity,
    async_port,
    command,
    sync_port,
)
from kittiwake.model.codec import unpacker
from kittiwake.model.fw import Enabled, Log, Ping
from kittiwake.platform.system import SystemPlatform
from kittiwake.testing import ComponentTester
from kittiwake.testing.design_sheet import differences
from kittiwake_components import CommandDispatcher, Health
from kittiwake_components.health.findings import GATHERED, PROMPT
from tests.framework.runtime.wired import deploy

OK, INVALID = CommandResponse.OK, CommandResponse.VALIDATION_ERROR
HEALTH = 0x1000


class Worker(ActiveComponent):
    """Something with a queue."""

    @async_port(Ping)
    def work(self, key: int) -> None:
        if key == 0:
            raise ValueError("no work")
        self.clock._loop.clock.advance(key)  # type: ignore[attr-defined]

    @async_port(Ping, full="drop")
    def spare(self, key: int) -> None:
        """Does nothing."""

    @command
    def refuse(self) -> None:
        raise CommandError(INVALID, "because")


class Sink(PassiveComponent):
    """The event log; `on_event` may misbehave."""

    def initialize(self) -> None:
        self.events: list[tuple[str, tuple[Any, ...]]] = []
        self.on_event: Any = None
        self.calls = 0

    @sync_port(Log)
    def log_recv(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None:
        self.calls += 1
        for event in Health.__declarations__.events.values():
            if id == HEALTH + (event.number or 0):
                self.events.append((event.label, unpacker([form for _, form in event.parameters])(arguments)))
        if self.on_event is not None:
            self.on_event()

    def named(self, name: str) -> list[tuple[Any, ...]]:
        return [arguments for label, arguments in self.events if label == name]


def station(**health: Any) -> tuple[Any, Any, Any, Any]:
    """A deployment of Health, a worker and an event log: it, and the three."""
    deployment, _ = deploy(
        {
            "health": (Health, {"settings": {"warn_cycles": 2, "fatal_cycles": 4} | health}),
            "worker": (Worker, {"depth": 5}), "log": Sink, "dispatcher": CommandDispatcher,
        },
        services={"event": "log", "health": "health", "command": "dispatcher"},
    )  # fmt: skip
    deployment.start()
    deployment.main.settle()
    instances: Any = deployment.instances
    instances["log"].calls = 0
    return deployment, instances["health"], instances["worker"], instances["log"]


def cycles(deployment: Any, health: Any, count: int, stuck: Any = None) -> None:
    """Runs Health; the queue of `stuck` is not served meanwhile."""
    for _ in range(count):
        health.run(0)
        if stuck is None:
            deployment.main.settle()


# Pings


def test_every_queue_but_its_own_is_pinged_without_any_wiring() -> None:
    """REQ-HLTH-001."""
    deployment, health, worker, log = station()
    served = worker._context.queue.served
    cycles(deployment, health, 3)
    assert worker._context.queue.served == served + 3
    assert [watched.name for watched in health._watched] == ["worker", "dispatcher"]
    assert not log.events


def test_an_unanswered_ping_is_a_warning_and_then_fatal_each_once_and_named() -> None:
    """REQ-HLTH-002, REQ-HLTH-003."""
    deployment, health, worker, log = station(default_policy="fatal")
    cycles(deployment, health, 2, stuck=worker)
    assert not log.events
    cycles(deployment, health, 1, stuck=worker)
    assert log.named("HLTH_PING_WARN") == [("worker",), ("dispatcher",)]
    assert not log.named("HLTH_PING_LATE")
    cycles(deployment, health, 6, stuck=worker)
    assert log.named("HLTH_PING_WARN") == [("worker",), ("dispatcher",)]
    assert log.named("HLTH_PING_LATE") == [("worker",), ("dispatcher",)]
    assert health.ping_late_warnings == 2


def test_after_an_answer_the_pings_begin_anew() -> None:
    """REQ-HLTH-002."""
    deployment, health, worker, log = station()
    cycles(deployment, health, 3, stuck=worker)
    deployment.run_for(2)
    cycles(deployment, health, 3)
    assert health.worst_ping_us == 0
    health.run(0)
    deployment.main.clock.advance(5_000_000)
    deployment.main.settle()
    assert health.worst_ping_us == 5000
    assert len(log.named("HLTH_PING_WARN")) == 2


def test_an_answer_with_a_wrong_key_is_fatal() -> None:
    """REQ-HLTH-003."""
    _, health, _, log = station()
    health.run(0)
    watched = health._watched[0]
    health._answered(watched, watched.key + 1, 0)
    assert log.named("HLTH_PING_WRONG_KEY") == [("worker", watched.key + 1)]
    health._answered(watched, watched.key, 0)
    health._answered(watched, 12345, 0)
    assert len(log.named("HLTH_PING_WRONG_KEY")) == 1


def test_a_ping_waits_for_room_in_a_full_queue_and_drops_nothing() -> None:
    """REQ-HLTH-001."""
    deployment, health, worker, log = station()
    put = worker._context.queue.putter("work", worker.work, 0, "assert")
    for _ in range(5):
        put(1)
    cycles(deployment, health, 1, stuck=worker)
    assert worker._context.queue.dropped == {}
    deployment.main.settle()
    cycles(deployment, health, 3)
    assert not log.events


def test_the_watchdog_is_stroked_only_while_all_is_well() -> None:
    """REQ-HLTH-004."""
    tester: Any = ComponentTester(Health)
    tester.call.run(0)
    assert tester.ports.wdog_stroke == [(0,)]
    deployment, health, worker, _ = station()
    strokes: list[int] = []
    health.wdog_stroke = strokes.append
    cycles(deployment, health, 4)
    assert len(strokes) == 4
    cycles(deployment, health, 5, stuck=worker)
    assert len(strokes) == 6
    deployment.main.settle()
    cycles(deployment, health, 1)
    assert len(strokes) == 7


def test_an_instance_on_another_thread_is_pinged_and_named_while_it_blocks() -> None:
    """REQ-HLTH-001, REQ-HLTH-002."""

    class Blocking(ActiveComponent):
        def initialize(self) -> None:
            self.gate = Event()
            self.at_gate = Event()

        @async_port(Ping)
        def work(self, key: int) -> None:
            self.at_gate.set()
            self.gate.wait(20)

    deployment, _ = deploy(
        {"health": Health, "worker": (Blocking, {"thread": "driver"}), "log": Sink},
        services={"event": "log", "health": "health"}, platform=SystemPlatform(),
    )  # fmt: skip
    instances: Any = deployment.instances
    deployment.start()
    worker, health = instances["worker"], instances["health"]
    worker._context.loop.post(worker._context.queue.putter("work", worker.work, 0, "assert"), 1)
    assert worker.at_gate.wait(20)
    for _ in range(4):
        health.run(0)
        deployment.main.settle()
    assert instances["log"].named("HLTH_PING_WARN") == [("worker",)]
    worker.gate.set()
    deployment.stop()
    assert not health._watched[0].waiting


# Commands


def test_pings_can_be_switched_off_as_a_whole() -> None:
    """REQ-HLTH-005."""
    tester: Any = ComponentTester(Health)
    assert tester.send("HLTH_ENABLE", Enabled.DISABLED).response is OK
    assert tester.events[-1].args == (Enabled.DISABLED,)
    deployment, health, worker, log = station()
    health.hlth_enable(Enabled.DISABLED)
    cycles(deployment, health, 9, stuck=worker)
    assert log.events == [("HLTH_CHECK_ENABLE", (Enabled.DISABLED,))]
    health.hlth_enable(Enabled.ENABLED)
    cycles(deployment, health, 3, stuck=worker)
    assert len(log.named("HLTH_PING_WARN")) == 2


def test_pings_can_be_switched_off_for_one_instance() -> None:
    """REQ-HLTH-005."""
    deployment, health, worker, log = station()
    health.hlth_ping_enable("worker", Enabled.DISABLED)
    cycles(deployment, health, 3, stuck=worker)
    assert log.named("HLTH_CHECK_PING") == [(Enabled.DISABLED, "worker")]
    assert log.named("HLTH_PING_WARN") == [("dispatcher",)]


def test_the_limits_of_one_instance_can_be_changed() -> None:
    """REQ-HLTH-005: also to the same for warning and FATAL."""
    deployment, health, worker, log = station(default_policy="fatal")
    health.hlth_chng_ping("worker", 1, 1)
    cycles(deployment, health, 2, stuck=worker)
    assert log.events == [
        ("HLTH_PING_UPDATED", ("worker", 1, 1)), ("HLTH_PING_WARN", ("worker",)), ("HLTH_PING_LATE", ("worker",)),
    ]  # fmt: skip


@pytest.mark.parametrize("warn, fatal", [(0, 1), (3, 2), (0, 0)])
def test_limits_that_make_no_sense_are_refused(warn: int, fatal: int) -> None:
    """REQ-HLTH-005."""
    _, health, _, log = station()
    with pytest.raises(CommandError) as refused:
        health.hlth_chng_ping("worker", warn, fatal)
    assert refused.value.response is INVALID
    assert log.events == [("HLTH_PING_INVALID_VALUES", ("worker", warn, fatal))]
    assert (health._watched[0].warn, health._watched[0].fatal) == (2, 4)


@pytest.mark.parametrize("name, arguments", [("HLTH_PING_ENABLE", (Enabled.ENABLED,)), ("HLTH_CHNG_PING", (1, 2))])
def test_an_unknown_instance_is_an_error(name: str, arguments: tuple[Any, ...]) -> None:
    """REQ-HLTH-005."""
    tester: Any = ComponentTester(Health)
    assert tester.send(name, "nobody", *arguments).response is INVALID
    assert tester.events[-1].name == "HLTH_CHECK_LOOKUP_ERROR"
    assert tester.events[-1].args == ("nobody",)


# Findings


def test_a_handler_that_raises_is_reported_with_instance_handler_and_reason() -> None:
    """REQ-HLTH-006."""
    deployment, health, worker, log = station()
    worker._context.queue.putter("work", worker.work, 0, "assert")(0)
    deployment.main.settle()
    [(instance, handler, reason)] = log.named("HandlerFailed")
    assert (instance, handler) == ("worker", "work")
    assert reason.startswith("ValueError: no work (test_health.py:")
    health.run(0)
    assert health.handler_failures == 1


def test_a_slow_handler_is_reported_with_its_duration() -> None:
    """REQ-HLTH-007."""
    deployment, health, worker, log = station(slow_limit_ms=20)
    put = worker._context.queue.putter("work", worker.work, 0, "assert")
    put(19_000_000)
    put(21_000_000)
    deployment.main.settle()
    assert log.named("HandlerSlow") == [("worker", "work", 21_000)]
    health.run(0)
    assert health.slowest_handler_us == 21_000


def test_a_full_queue_is_reported_by_name_and_bounded() -> None:
    """REQ-HLTH-008."""
    deployment, health, worker, log = station()
    put = worker._context.queue.putter("spare", worker.spare, 0, "drop")
    for _ in range(1005):
        put(1)
    assert log.named("QueueFull")[0] == ("worker", "spare", 1)
    assert len(log.named("QueueFull")) == PROMPT
    deployment.run_for(3)
    assert log.named("QueueFull")[-1] == ("worker", "spare", 1000)
    assert len(log.named("QueueFull")) == PROMPT + 1
    health.run(0)
    assert health.messages_dropped == 1000


def test_a_full_queue_that_must_never_be_is_fatal_once() -> None:
    """REQ-HLTH-008."""
    deployment, _, worker, log = station()
    put = worker._context.queue.putter("work", worker.work, 0, "assert")
    for _ in range(20):
        put(1)
    deployment.run_for(2)
    assert log.named("QueueOverflowAssert") == [("worker", "work")]


def test_a_refused_command_says_why_before_it_is_answered() -> None:
    """REQ-HLTH-009."""
    deployment, _, _worker, log = station()
    deployment.instances["dispatcher"].seq_cmd_buff(0, b"\0\0" + (0x2000).to_bytes(4, "big"), 0)
    deployment.main.settle()
    assert log.named("CommandRefused") == [("worker", "REFUSE", "because")]


def test_an_event_log_that_always_raises_makes_no_storm() -> None:
    """REQ-HLTH-010: every event causes a finding, which causes an event."""
    deployment, health, worker, log = station()

    def fail() -> None:
        raise OSError("the event log is broken")

    log.on_event = fail
    worker._context.queue.putter("work", worker.work, 0, "assert")(0)
    deployment.run_for(60)
    health.run(0)
    assert log.calls <= 3
    assert health.findings_unreported >= 1


def test_a_full_queue_behind_the_event_log_makes_no_storm() -> None:
    """REQ-HLTH-010: each event finds the queue full, which is a finding of its own."""
    deployment, _, worker, log = station()
    put = worker._context.queue.putter("spare", worker.spare, 0, "drop")
    log.on_event = lambda: [put(1) for _ in range(10)]
    put(1)
    for _ in range(10):
        put(1)
    deployment.run_for(10)
    assert log.calls <= 10 * (PROMPT + 2)


def test_an_event_log_whose_every_event_fails_a_handler_later_makes_no_storm() -> None:
    """REQ-HLTH-010: the loop that goes round through a queue."""
    deployment, _, worker, log = station()
    put = worker._context.queue.putter("work", worker.work, 0, "assert")
    log.on_event = lambda: put(0)
    put(0)
    deployment.run_for(5)
    assert log.calls <= 6 * (PROMPT + 2)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 9), st.integers(0, 3)), max_size=200))
def test_findings_are_reported_or_counted_and_never_more_than_the_bound(found: list[tuple[str, int, int]]) -> None:
    """REQ-HLTH-010."""
    deployment, health, _, log = station()
    for instance, where, pause in found:
        if pause == 3:
            deployment.run_for(0.5)
        health.handler_slow(instance, str(where), 1)
    seconds = sum(pause == 3 for _, _, pause in found) * 0.5 + 3
    deployment.run_for(3)
    assert log.calls <= (seconds + 1) * (PROMPT + GATHERED)
    distinct = {(instance, where) for instance, where, _ in found}
    reported = {(instance, int(where)) for instance, where, _ in log.named("HandlerSlow")}
    suppressed = health._context.throttles["slow_handler"].suppressed if found else 0
    assert reported == distinct or health._findings.lost or suppressed


@pytest.mark.parametrize(
    "setting, bad",
    [("warn_cycles", 0), ("fatal_cycles", 0), ("slow_limit_ms", 0), ("failure_limit", 0),
     ("failure_window_s", 0), ("restart_limit", -1), ("restart_window_s", 0), ("default_policy", "hope"),
     ("policies", {"worker": "hope"})],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(setting: str, bad: Any) -> None:
    """REQ-HLTH-005."""
    check = Health.__declarations__.settings[setting].check
    with pytest.raises(ValueError, match=r"is outside|a policy is"):
        check(bad)


def test_the_design_sheet_says_what_the_class_declares() -> None:
    assert differences(Health) == []
