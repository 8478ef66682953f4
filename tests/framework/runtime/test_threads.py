"""Instances on threads of their own: only async and guarded ports cross, and nothing runs twice at once."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Thread, current_thread
from typing import Any

from kittiwake.model.channels import Channel
from kittiwake.model.commands import CommandResponse, command
from kittiwake.model.component import ActiveComponent, PassiveComponent
from kittiwake.model.events import ACTIVITY_LO, event
from kittiwake.model.fw import CmdResponse, Log, Ping
from kittiwake.model.parameters import Parameter
from kittiwake.model.ports import OutputPort, async_port, guarded_port, port, sync_port
from kittiwake.model.types import U8, U32
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.platform.system import SystemPlatform
from kittiwake.runtime.tags import TB_PROC_TIME, SharedTagSource
from tests.framework.runtime.wired import deploy

WAIT_S = 20


@port("Test.Ask")
def Ask(of: U8) -> U32:
    return 0


class Driver(ActiveComponent):
    """Lives on a thread of its own."""

    answer = OutputPort(Ping)
    level = Channel(U32)

    @event(ACTIVITY_LO, "{key}")
    def heard(self, key: U32) -> None: ...

    def initialize(self) -> None:
        self.inside = 0
        self.most_inside = 0
        self.threads: set[str] = set()
        self.gate = Event()
        self.at_gate = Event()

    def _work(self) -> None:
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.threads.add(current_thread().name)
        for _ in range(50):
            self.most_inside = max(self.most_inside, self.inside)
        self.inside -= 1

    @async_port(Ping)
    def ping_in(self, key: int) -> None:
        self._work()
        self.level = key
        self.heard(key)
        self.answer(key)

    @async_port(Ping, full="block")
    def wait_for_room(self, key: int) -> None:
        self.at_gate.set()
        self.gate.wait(WAIT_S)
        self.answer(key)

    @guarded_port(Ask)
    def ask(self, of: int) -> int:
        self._work()
        return of + 1

    @command
    async def measure(self) -> None:
        for _ in range(20):
            self._work()
            await self.clock.sleep(0.0001)

    @command
    def give_up(self) -> None:
        raise SystemExit("driver is gone")


class Main(PassiveComponent):
    """Stays on the main loop, and is the services too."""

    ping = OutputPort(Ping)
    block = OutputPort(Ping)
    ask = OutputPort(Ask)

    def initialize(self) -> None:
        self.answers: list[int] = []
        self.threads: set[str] = set()
        self.responses: list[tuple[int, CommandResponse]] = []
        self.tags: list[int] = []

    def comp_cmd_reg(self, opcodes: list[int], deferred: object, entry: Any) -> None:
        if opcodes:
            self.entry = entry

    def tlm_register(self, cells: Any, pending: Any) -> None:
        self.cells = cells

    def _reached(self) -> None:
        self.threads.add(current_thread().name)

    @sync_port(CmdResponse)
    def comp_cmd_stat(self, opcode: int, sequence: int, response: CommandResponse) -> None:
        self._reached()
        self.responses.append((sequence, response))

    @sync_port(Log)
    def log_recv(self, id: int, tag: int, severity: Any, arguments: bytes) -> None:
        self._reached()
        self.tags.append(tag)


class Sink(ActiveComponent):
    def initialize(self) -> None:
        self.answers: list[int] = []
        self.threads: set[str] = set()

    @async_port(Ping)
    def take(self, key: int) -> None:
        self.threads.add(current_thread().name)
        self.answers.append(key)


def build(depth: int = 2000) -> tuple[Any, Any, Any, Any, Any]:
    deployment, findings = deploy(
        {"main": Main, "driver": (Driver, {"thread": "driver", "depth": depth}), "sink": (Sink, {"depth": 2000})},
        [
            ("main", "ping", 0, "driver", "ping_in", 0),
            ("main", "block", 0, "driver", "wait_for_room", 0),
            ("main", "ask", 0, "driver", "ask", 0),
            ("driver", "answer", 0, "sink", "take", 0),
        ],
        services={"command": "main", "event": "main", "telemetry": "main"},
        platform=SystemPlatform(),
    )
    instances: Any = deployment.instances
    return deployment, instances["main"], instances["driver"], instances["sink"], findings


def run_until(deployment: Any, condition: Any) -> None:
    loop = deployment.main
    deadline = loop.clock.now_ns() + WAIT_S * 1_000_000_000
    while not condition():
        assert loop.clock.now_ns() < deadline, "it did not happen"
        loop.turn(loop.clock.now_ns() + 1_000_000)


def test_calls_reach_the_thread_and_answers_come_back_in_order() -> None:
    deployment, main, driver, sink, findings = build()
    deployment.start()
    for key in range(500):
        main.ping(key)
    run_until(deployment, lambda: len(sink.answers) == 500 and len(main.tags) == 500)
    deployment.stop()
    assert sink.answers == list(range(500))
    assert driver.threads == {"driver"}
    assert sink.threads == main.threads == {current_thread().name}
    assert main.tags == sorted(set(main.tags))
    assert not findings


def test_guarded_calls_and_queued_handlers_never_run_together() -> None:
    deployment, main, driver, sink, findings = build()
    deployment.start()
    main.entry(0x2000, 1, b"")
    for key in range(300):
        main.ping(key)
        assert main.ask(key % 200) == key % 200 + 1
    run_until(deployment, lambda: len(sink.answers) == 300 and main.responses)
    deployment.stop()
    assert driver.threads == {"driver", current_thread().name}
    assert driver.most_inside == 1
    assert main.responses == [(1, CommandResponse.OK)]
    assert not findings


def test_a_caller_of_a_blocking_port_waits_until_there_is_room() -> None:
    deployment, main, driver, sink, findings = build(depth=1)
    deployment.start()
    main.block(1)
    assert driver.at_gate.wait(WAIT_S)
    main.block(2)
    waited = Event()

    def block() -> None:
        main.block(3)
        waited.set()

    thread = Thread(target=block)
    thread.start()
    assert not waited.wait(0.05)
    driver.gate.set()
    assert waited.wait(WAIT_S)
    thread.join()
    run_until(deployment, lambda: len(sink.answers) == 3)
    deployment.stop()
    assert sink.answers == [1, 2, 3]
    assert not findings


def test_waiting_handlers_of_a_thread_are_answered_at_shutdown() -> None:
    deployment, main, driver, *_ = build()
    deployment.start()
    main.entry(0x2000, 7, b"")
    run_until(deployment, lambda: driver.threads)
    deployment.stop()
    [(sequence, response)] = main.responses
    assert sequence == 7
    assert response in (CommandResponse.EXECUTION_ERROR, CommandResponse.OK)


def test_a_thread_that_ends_ends_the_run_and_is_reported() -> None:
    deployment, main, *_, findings = build()
    deployment.main.call_at(0, lambda: main.entry(0x2001, 1, b""))
    reason = deployment.run()
    assert reason.startswith("thread driver ended: SystemExit: driver is gone")
    assert [(one.instance, one.where) for one in findings] == [("driver", "thread")]


class Between(ActiveComponent):
    """Is called on a foreign thread and passes on to its own."""

    on = OutputPort(Ping)

    @guarded_port(Ping)
    def take(self, key: int) -> None:
        self.on(key)


class Source(ActiveComponent):
    out = OutputPort(Ping)


def test_what_a_guarded_handler_sends_on_from_a_foreign_thread_wakes_the_loop_of_its_own() -> None:
    deployment, findings = deploy(
        {"source": (Source, {"thread": "driver"}), "between": Between, "sink": (Sink, {"depth": 2000})},
        [("source", "out", 0, "between", "take", 0), ("between", "on", 0, "sink", "take", 0)],
        platform=SystemPlatform(),
    )
    sink: Any = deployment.instances["sink"]
    source: Any = deployment.instances["source"]
    deployment.start()
    loop = deployment.main
    loop.post(deployment.loops["driver"].post, source.out, 1)
    loop.when(lambda: bool(sink.answers) and not loop.stop())  # type: ignore[func-returns-value]
    timeout = loop.call_at(loop.clock.now_ns() + WAIT_S * 1_000_000_000, loop.stop)
    loop.run()
    assert sink.answers == [1]
    assert loop.clock.now_ns() < timeout.deadline_ns
    deployment.stop()
    assert sink.threads == {current_thread().name}
    assert not findings


class Burst(ActiveComponent):
    """Sends more than there is room for while it is flushed."""

    block = OutputPort(Ping)

    def stop(self) -> None:
        for key in range(20):
            self.block(key)


class Slow(ActiveComponent):
    def initialize(self) -> None:
        self.heard: list[int] = []

    @async_port(Ping, full="block")
    def take(self, key: int) -> None:
        self.heard.append(key)

    @async_port(Ping, full="block")
    def leave(self, key: int) -> None:
        raise SystemExit("gone")


def test_a_shutdown_waits_for_no_room_in_a_queue_that_it_serves_itself() -> None:
    deployment, findings = deploy(
        {"slow": (Slow, {"thread": "driver", "depth": 2}), "burst": Burst}, [("burst", "block", 0, "slow", "take", 0)],
        platform=SystemPlatform(),
    )  # fmt: skip
    deployment.start()
    stopped = Event()

    def stop() -> None:
        deployment.stop()
        stopped.set()

    Thread(target=stop, daemon=True).start()
    assert stopped.wait(WAIT_S)
    slow: Any = deployment.instances["slow"]
    assert slow.heard == list(range(20))
    assert not findings


def test_a_caller_that_waits_for_room_goes_on_when_the_other_thread_has_ended() -> None:
    deployment, _ = deploy(
        {"slow": (Slow, {"thread": "driver", "depth": 1}), "source": Source},
        [("source", "out", 0, "slow", "leave", 0)],
        platform=SystemPlatform(),
    )
    source: Any = deployment.instances["source"]

    def send() -> None:
        for key in range(5):
            source.out(key)

    deployment.main.call_at(0, send)
    ended = Event()
    reasons: list[str] = []

    def run() -> None:
        try:
            reasons.append(deployment.run())
        except SystemExit:
            reasons.append("exit")
        ended.set()

    Thread(target=run, daemon=True).start()
    assert ended.wait(WAIT_S)
    assert reasons[0].startswith(("thread driver ended", "exit"))


def test_no_tag_of_the_old_epoch_is_drawn_behind_the_new_one() -> None:
    platform = SimulatedPlatform(0)
    tags = SharedTagSource(platform.clock)
    order: list[str] = []

    class Lock:
        def __enter__(self) -> None:
            order.append("in")

        def __exit__(self, *_: object) -> None:
            order.append("out")

    tags._lock = Lock()  # type: ignore[assignment]
    tags.begin_epoch(TB_PROC_TIME)
    assert order == ["in", "out"]
    assert tags.now() >> 64 == TB_PROC_TIME


class Echo(Sink):
    @async_port(Ping, full="block")
    def wait_for_room(self, key: int) -> None:
        self.answers.append(key)


def test_in_virtual_time_there_is_one_thread_and_a_blocking_port_loses_nothing() -> None:
    deployment, findings = deploy(
        {"main": Main, "echo": (Echo, {"thread": "driver", "depth": 2})},
        [("main", "block", 0, "echo", "wait_for_room", 0)],
        platform=SimulatedPlatform(0),
    )
    main: Any = deployment.instances["main"]
    echo: Any = deployment.instances["echo"]

    def send() -> None:
        for key in range(50):
            main.block(key)

    deployment.main.call_at(5, send)
    deployment.start()
    deployment.run_for(1)
    deployment.stop()
    assert list(deployment.loops) == ["main"]
    assert echo.answers == list(range(50))
    assert not findings


def test_a_parameter_is_not_set_while_a_guarded_handler_runs() -> None:
    deployment, _ = deploy(
        {"main": Main, "driver": (Tuned, {"thread": "driver"})},
        [("main", "ask", 0, "driver", "ask", 0)],
        services={"command": "main"},
    )
    main: Any = deployment.instances["main"]
    driver: Any = deployment.instances["driver"]
    setter = Thread(target=deployment.loops["driver"].settle)
    driver.meanwhile = setter.start
    main.entry(0x2000, 1, b"\x07")
    assert main.ask(0) == 1
    setter.join(WAIT_S)
    assert driver.gain == 7


class Tuned(ActiveComponent):
    gain = Parameter(U8, default=1)
    meanwhile: Callable[[], None]

    @guarded_port(Ask)
    def ask(self, of: int) -> int:
        self.meanwhile()
        Event().wait(0.05)
        return self.gain
