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
        self.inside = 0
        self.met = False
        self.threads: set[str] = set()
        self.entered = Event()

    @internal_port(priority=1, full="hook")
    def later(self, step: U8) -> None:
        self.done.append(step)

    def later_overflow(self, step: int) -> None:
        self.done.append(("no room", step))

    @internal_port()
    async def slowly(self, step: U8) -> None:  # type: ignore[arg-type] # the types say so too
        await self.clock.sleep(step)
        self.done.append(("slowly", step))

    @internal_port()
    def alone(self) -> None:
        self.threads.add(current_thread().name)
        self.inside += 1
        self.entered.set()
        for _ in range(2000):
            self.met = self.met or self.inside > 1
        self.inside -= 1
        self.done.append("alone")

    @guarded_port(Ping)
    def ask(self, key: int) -> None:
        self.inside += 1
        for _ in range(2000):
            self.met = self.met or self.inside > 1
        self.inside -= 1
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
    finished = Event()

    def work() -> None:
        for _ in range(300):
            b.ask(1)
        finished.set()

    deployment.start()
    deployment.loops["b"].post(work)
    loop = deployment.main
    deadline = loop.clock.now_ns() + WAIT_S * 1_000_000_000
    while not (finished.is_set() and len(a.done) == 300) and loop.clock.now_ns() < deadline:
        loop.turn(deadline)
    deployment.stop()
    assert len(a.done) == 300
    assert a.threads == {current_thread().name}
    assert not a.met
    assert not findings
