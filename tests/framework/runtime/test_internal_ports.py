"""Internal ports: messages of an instance to itself, which wait in its queue like all others."""

from __future__ import annotations

from threading import Event, current_thread
from typing import Any

from kittiwake.model.component import ActiveComponent, PassiveComponent
from kittiwake.model.fw import Ping
from kittiwake.model.ports import OutputPort, async_port, guarded_port, internal_port
from kittiwake.model.types import U8
from kittiwake.platform.system import SystemPlatform
from tests.framework.runtime.wired import deploy

WAIT_S = 10


class Planner(ActiveComponent):
    def initialize(self) -> None:
        self.done: list[Any] = []
        self.busy = self.met = False
        self.threads: set[str] = set()
        self.entered = Event()

    @internal_port(priority=1, full="hook")
    def later(self, step: U8) -> None:
        self.done.append(step)

    def later_overflow(self, step: int) -> None:
        self.done.append(("no room", step))

    @internal_port()
    async def slowly(self, step: U8) -> None:
        await self.clock.sleep(step)
        self.done.append(("slowly", step))

    @internal_port()
    def alone(self) -> None:
        self.threads.add(current_thread().name)
        self.busy = True
        self.entered.set()
        Event().wait(0.05)
        self.busy = False
        self.done.append("alone")

    @guarded_port(Ping)
    def ask(self, key: int) -> None:
        self.met = self.met or self.busy
        self.alone()


class Caller(ActiveComponent):
    ask = OutputPort(Ping)

    @async_port(Ping, full="drop")
    def hear(self, key: int) -> None:
        """Nothing."""


class Starter(PassiveComponent):
    go = OutputPort(Ping)


def test_calls_wait_in_the_queue_and_the_hook_gets_what_finds_no_room() -> None:
    deployment, findings = deploy({"a": (Planner, {"depth": 2})})
    a: Any = deployment.instances["a"]
    for step in (1, 2, 3):
        a.later(step)
    assert a.done == [("no room", 3)]
    deployment.main.settle()
    assert a.done == [("no room", 3), 1, 2]
    assert not findings


def test_a_coroutine_behind_one_is_run() -> None:
    deployment, findings = deploy({"a": Planner})
    a: Any = deployment.instances["a"]
    a.slowly(2)
    deployment.run_for(3)
    assert a.done == [("slowly", 2)]
    assert not findings


def test_one_that_a_guarded_handler_calls_from_another_thread_runs_at_home_and_never_beside_it() -> None:
    deployment, findings = deploy(
        {"a": (Planner, {"depth": 1000}), "b": (Caller, {"thread": "b"})}, [("b", "ask", 0, "a", "ask", 0)],
        platform=SystemPlatform(),
    )  # fmt: skip
    a: Any = deployment.instances["a"]
    b: Any = deployment.instances["b"]

    def work() -> None:
        b.ask(1)
        a.entered.wait(WAIT_S)
        b.ask(2)

    deployment.start()
    deployment.loops["b"].post(work)
    loop = deployment.main
    loop.when(lambda: len(a.done) == 2 and not loop.stop())  # type: ignore[func-returns-value]
    timeout = loop.call_at(loop.clock.now_ns() + WAIT_S * 1_000_000_000, loop.stop)
    loop.run()
    assert a.done == ["alone", "alone"]
    assert loop.clock.now_ns() < timeout.deadline_ns
    deployment.stop()
    assert a.threads == {current_thread().name}
    assert not a.met
    assert not findings
