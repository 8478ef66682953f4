"""Wiring binds ports to what they call, and contains what goes wrong there."""

from __future__ import annotations

import sys
from functools import partial
from types import ModuleType
from typing import Any

import pytest

from kittiwake.model.commands import command
from kittiwake.model.component import ActiveComponent, Component, PassiveComponent, QueuedComponent
from kittiwake.model.fw import Ping
from kittiwake.model.parameters import Parameter, Setting
from kittiwake.model.ports import (
    OutputPort,
    OutputPortArray,
    PortNotConnected,
    async_port,
    guarded_port,
    port,
    sync_port,
)
from kittiwake.model.types import U8, U32
from kittiwake.platform.system import SystemPlatform
from kittiwake.runtime.deployment import component_class
from kittiwake.runtime.image import ImageFault
from kittiwake.runtime.wiring import WiringFault
from kittiwake.testing import ComponentTester
from tests.framework.runtime.wired import deploy


@port("Test.Ask")
def Ask(of: U8) -> U32:
    return 0


class Asker(PassiveComponent):
    ask = OutputPort(Ask)
    tell = OutputPort(Ping)
    tells = OutputPortArray(Ping, 3)


class Answerer(ActiveComponent):
    def initialize(self) -> None:
        self.heard: list[Any] = []

    @sync_port(Ask)
    def answer(self, of: int) -> int:
        return of * 2

    @guarded_port(Ask)
    def answer_alone(self, of: int) -> int:
        return of * 3

    @async_port(Ping)
    def hear(self, key: int) -> None:
        if key == 13:
            raise ValueError("unlucky")
        self.heard.append(key)

    @async_port(Ping, size=3, priority=1, full="hook")
    def hear_each(self, index: int, key: int) -> None:
        self.heard.append((index, key))

    def hear_each_overflow(self, index: int, key: int) -> None:
        self.heard.append(("no room", index, key))

    @async_port(Ping)
    async def hear_slowly(self, key: int) -> None:
        await self.clock.sleep(key)
        self.heard.append(("slow", key))
        if key == 13:
            raise ValueError("unlucky")


class Batched(QueuedComponent):
    heard: list[int]

    def initialize(self) -> None:
        self.heard = []

    @async_port(Ping)
    def hear(self, key: int) -> None:
        self.heard.append(key)


def test_a_connected_sync_port_is_the_bound_method_of_its_target() -> None:
    deployment, _ = deploy({"a": Asker, "b": Answerer}, [("a", "ask", 0, "b", "answer", 0)])
    a: Any = deployment.instances["a"]
    b: Any = deployment.instances["b"]
    assert a.ask.__self__ is b
    assert a.ask.__func__ is Answerer.answer
    assert "ask" in vars(a)
    assert "ask" not in vars(Asker)
    assert a.ask(4) == 8
    assert a.is_connected(Asker.ask)


def test_a_guarded_port_on_the_same_loop_is_the_bound_method_too() -> None:
    deployment, _ = deploy({"a": Asker, "b": Answerer}, [("a", "ask", 0, "b", "answer_alone", 0)])
    a: Any = deployment.instances["a"]
    assert a.ask.__func__ is Answerer.answer_alone


def test_an_open_port_raises_and_names_itself() -> None:
    deployment, _ = deploy({"a": Asker}, [])
    a: Any = deployment.instances["a"]
    assert not a.is_connected(Asker.ask)
    assert not a.is_connected(Asker.tells, 2)
    with pytest.raises(PortNotConnected, match=r"a\.tells\[2\] is not connected") as open_port:
        a.tells[2](1)
    assert (open_port.value.instance, open_port.value.port) == ("a", "tells[2]")
    assert isinstance(open_port.value, LookupError)


def test_async_calls_are_queued_until_the_loop_serves_them() -> None:
    deployment, findings = deploy(
        {"a": Asker, "b": (Answerer, {"depth": 2})},
        [("a", "tell", 0, "b", "hear", 0), ("a", "tells", 1, "b", "hear_each", 2)],
    )
    a: Any = deployment.instances["a"]
    b: Any = deployment.instances["b"]
    a.tell(1)
    a.tells[1](5)
    a.tells[1](6)
    a.tells[1](7)
    a.tell(2)
    a.tell(3)
    assert b.heard == [("no room", 2, 7)]
    assert [(one.where, one.detail) for one in findings] == [("hear", "assert")]
    deployment.main.settle()
    assert b.heard[1:] == [(2, 5), (2, 6), 1, 2]
    [queue] = deployment.queues()
    assert (queue.served, queue.high, queue.dropped) == (4, 4, {"hear_each": 1, "hear": 1})


def test_a_handler_that_raises_fails_its_message_alone() -> None:
    deployment, findings = deploy({"a": Asker, "b": Answerer}, [("a", "tell", 0, "b", "hear", 0)])
    a: Any = deployment.instances["a"]
    for key in (12, 13, 14):
        a.tell(key)
    deployment.main.settle()
    b: Any = deployment.instances["b"]
    assert b.heard == [12, 14]
    [finding] = findings
    assert (finding.kind, finding.instance, finding.where) == ("failed", "b", "hear")
    assert finding.detail.startswith("ValueError: unlucky (test_wiring.py:")


def test_a_coroutine_behind_an_async_port_suspends_only_itself() -> None:
    deployment, findings = deploy(
        {"a": Asker, "b": (Answerer, {"depth": 50})},
        [("a", "tell", 0, "b", "hear_slowly", 0), ("a", "tells", 0, "b", "hear_each", 0)],
    )
    a: Any = deployment.instances["a"]
    b: Any = deployment.instances["b"]
    a.tell(13)
    a.tell(2)
    a.tells[0](7)
    deployment.run_for(5)
    assert b.heard == [(0, 7), ("slow", 2)]
    deployment.run_for(10)
    assert b.heard[-1] == ("slow", 13)
    assert [one.where for one in findings] == ["hear_slowly"]
    for _ in range(17):
        a.tell(1)
    deployment.run_for(0)
    assert [(one.where, one.detail) for one in findings[1:]] == [("hear_slowly", "tasks")]


def test_a_queued_component_empties_its_queue_itself() -> None:
    deployment, _ = deploy({"a": Asker, "b": Batched}, [("a", "tell", 0, "b", "hear", 0)])
    a: Any = deployment.instances["a"]
    b: Any = deployment.instances["b"]
    for key in (1, 2, 3):
        a.tell(key)
    deployment.run_for(1)
    assert b.heard == []
    assert b.dispatch_queued(2) == 2
    assert b.heard == [1, 2]
    assert b.dispatch_queued() == 1
    assert b.dispatch_queued() == 0


def test_connections_that_cannot_be_made_are_refused() -> None:
    with pytest.raises(WiringFault, match="b has no input port 'nothing'"):
        deploy({"a": Asker, "b": Answerer}, [("a", "ask", 0, "b", "nothing", 0)])
    with pytest.raises(WiringFault, match="different threads"):
        deploy(
            {"a": Asker, "b": (Answerer, {"thread": "t"})}, [("a", "ask", 0, "b", "answer", 0)],
            platform=SystemPlatform(),
        )  # fmt: skip


class Troubled(PassiveComponent):
    level = Parameter(U8, default=1)
    fails = Setting(str, default="")

    def initialize(self) -> None:
        self.life: list[str] = ["initialize"]
        self._fail("initialize")

    def start(self) -> None:
        self.life.append("start")
        self._fail("start")

    def stop(self) -> None:
        self.life.append("stop")
        self._fail("stop")

    def parameter_updated(self, name: str) -> None:
        self.life.append(name)
        self._fail(name)

    def _fail(self, where: str) -> None:
        if where == self.fails:
            raise OSError("no medium")


@pytest.mark.parametrize("where", ["initialize", "start", "stop"])
def test_an_instance_that_fails_in_its_life_cycle_is_reported_and_the_others_live(where: str) -> None:
    deployment, findings = deploy({"a": (Troubled, {"settings": {"fails": where}}), "b": Troubled})
    deployment.start()
    deployment.stop()
    b: Any = deployment.instances["b"]
    assert b.life == ["initialize", "start", "stop"]
    assert [(one.instance, one.where) for one in findings] == [("a", where)]
    assert "OSError: no medium" in findings[0].detail


def test_the_values_of_the_topology_replace_the_defaults() -> None:
    deployment, _ = deploy({"a": Troubled}, parameters=[(0, "level", b"\x07")])
    a: Any = deployment.instances["a"]
    assert a.level == 7
    assert a.life == ["initialize", "level"]


def test_a_saved_parameter_that_no_longer_fits_is_left_out_and_reported() -> None:
    tester = ComponentTester(Troubled, parameters={"LEVEL": 200})
    assert tester.component.level == 200
    tester._saved["LEVEL"] = b"\x01\x02"
    tester.restart()
    assert tester.component.level == 1
    [finding] = tester.monitor
    assert (finding.kind, finding.where, finding.detail) == ("unusable", "LEVEL", "tested.LEVEL: 1 bytes are left over")


def test_instances_stop_in_reverse_order_and_run_says_why() -> None:
    deployment, _ = deploy({"a": Troubled, "b": Troubled})
    order: list[str] = []
    for instance in deployment.instances.values():
        setattr(instance, "stop", partial(order.append, instance.name))  # noqa: B010
    deployment.main.call_at(3, deployment.request_stop, "first")
    deployment.main.call_at(3, deployment.request_stop, "second")
    assert deployment.run() == "first"
    assert order == ["b", "a"]


class Leaver(PassiveComponent):
    gone = False

    @command
    def leave(self) -> None:
        raise SystemExit(3)

    def start(self) -> None:
        self.clock.call_after(1, self.leave)

    def stop(self) -> None:
        self.gone = True


def test_system_exit_in_a_handler_ends_the_run_after_the_instances_were_stopped() -> None:
    deployment, _ = deploy({"a": Leaver})
    with pytest.raises(SystemExit):
        deployment.run()
    a: Any = deployment.instances["a"]
    assert a.gone


def test_findings_before_health_is_there_are_passed_on() -> None:
    tester = ComponentTester(Troubled, settings={"fails": "initialize"})
    assert [one.where for one in tester.monitor.faults()] == ["initialize"]


def test_component_classes_are_found_by_their_path(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("somewhere")
    module.Asker = Asker  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "somewhere", module)
    assert component_class("somewhere:Asker") is Asker
    for gone in ("somewhere:Nobody", "nowhere:Nobody"):
        with pytest.raises(ImageFault, match=f"the component {gone} cannot be loaded.*; build the image again"):
            component_class(gone)
    assert isinstance(Asker, type(Component))
