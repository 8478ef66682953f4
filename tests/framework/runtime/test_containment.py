"""Whatever fails, the loop goes on: faults of monitors, of what they are told, and of early reporters."""

from __future__ import annotations

from typing import Any

from kittiwake.model.commands import command
from kittiwake.model.component import ActiveComponent, PassiveComponent
from kittiwake.model.events import WARNING_LO, event
from kittiwake.model.fw import Log
from kittiwake.model.ports import sync_port
from kittiwake.model.types import U8
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.testing import ComponentTester
from tests.framework.runtime.wired import deploy


class Mute(PassiveComponent):
    """A monitor that breaks its promise never to raise."""

    def handler_failed(self, *arguments: Any) -> None:
        raise RuntimeError("mute")

    handler_slow = queue_full = command_refused = handler_failed


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("words fail")


class Faulty(ActiveComponent):
    @command
    def fail(self) -> None:
        raise KeyError("gone")

    @command
    def fail_badly(self) -> None:
        raise Unspeakable

    @command
    def take_long(self) -> None:
        self.platform.clock.advance(2_000_000_000)  # type: ignore[attr-defined]

    @command
    async def take_long_later(self) -> None:
        self.platform.clock.advance(3_000_000_000)  # type: ignore[attr-defined]


def test_a_monitor_that_raises_stops_no_loop_and_the_finding_is_kept() -> None:
    deployment, _ = deploy({"a": Mute}, services={"health": "a"})
    done: list[int] = []
    deployment.main.post(lambda: 1 // 0)
    deployment.main.post(done.append, 1)
    deployment.main.settle()
    assert done == [1]
    monitor: Any = deployment.monitor
    monitor.handler_slow("a", "h", 1)
    monitor.queue_full("a", "p", "drop")
    monitor.command_refused("a", "c", "why")
    assert ["failed" in text for text in monitor.early.found] == [True, False, False, False]
    assert monitor.early.found[1:] == ["a.h took 1 us", "a.p: queue full (drop)", "a.c refused: why"]


def test_a_fault_whose_text_fails_is_reported_by_its_name() -> None:
    tester = ComponentTester(Faulty)
    tester.send("FAIL_BADLY")
    [fault] = tester.monitor.faults()
    assert fault.detail.startswith("Unspeakable (test_containment.py:")


def test_a_slow_command_is_named() -> None:
    tester = ComponentTester(Faulty, platform=SimulatedPlatform(0))
    tester.send("TAKE_LONG")
    tester.send("TAKE_LONG_LATER")
    assert [(one.kind, one.where) for one in tester.monitor] == [("slow", "TAKE_LONG"), ("slow", "TAKE_LONG_LATER")]


class Early(PassiveComponent):
    """Keeps an event's emitter from `initialize` on."""

    @event(WARNING_LO, "{number}")
    def noted(self, number: U8) -> None: ...

    def initialize(self) -> None:
        self.note = self.noted
        self.note(1)


class Listener(PassiveComponent):
    def initialize(self) -> None:
        self.heard: list[bytes] = []

    @sync_port(Log)
    def log_recv(self, id: int, tag: int, severity: Any, arguments: bytes) -> None:
        self.heard.append(arguments)


def test_an_event_whose_emitter_was_kept_from_initialize_on_still_reaches_the_log() -> None:
    deployment, _ = deploy({"a": Early, "log": Listener}, services={"event": "log"})
    a: Any = deployment.instances["a"]
    log: Any = deployment.instances["log"]
    a.note(2)
    a.noted(3)
    assert log.heard == [b"\x01", b"\x02", b"\x03"]
