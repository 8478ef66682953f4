"""Calls through ports, telemetry writes and events, against a plain method call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.measure import Figure, cheaper
from kittiwake.model import (
    ACTIVITY_LO,
    I32,
    U32,
    ActiveComponent,
    Channel,
    OutputPort,
    PassiveComponent,
    async_port,
    event,
    guarded_port,
    port,
    sync_port,
)
from kittiwake.model.fw import Log, Severity
from kittiwake.platform.system import SystemPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 4_000
BURST = 500


@port("Bench.Number")
def Number(value: U32) -> None:
    """A number."""


class Plain:
    """The reference: a class with a method that does nothing."""

    def method(self, value: int) -> None:
        """Does nothing."""


class Caller(PassiveComponent):
    """Calls through ports."""

    sync_out = OutputPort(Number)
    guarded_out = OutputPort(Number)
    async_out = OutputPort(Number)
    other_guarded_out = OutputPort(Number)

    level = Channel(U32)

    @event(ACTIVITY_LO, "{first} and {second}", throttle=1_000_000_000)
    def happened(self, first: U32, second: I32) -> None: ...


class Callee(ActiveComponent):
    """Is called."""

    @sync_port(Number)
    def sync_in(self, value: int) -> None:
        """Does nothing."""

    @guarded_port(Number)
    def guarded_in(self, value: int) -> None:
        """Does nothing."""

    @async_port(Number)
    def async_in(self, value: int) -> None:
        """Does nothing."""


class Sink(PassiveComponent):
    """Takes events and telemetry."""

    @sync_port(Log)
    def log_recv(self, id: int, tag: int, severity: Severity, arguments: bytes) -> None:
        """Does nothing with an event."""

    def tlm_register(self, cells: Any, unsent: Any) -> None:
        """Does nothing with channels."""


def deployment() -> Deployment:
    """A caller, a callee on its loop, another on a loop of its own, and a sink."""
    here = __name__
    image: dict[str, Any] = {
        "name": "Bench", "version": "0", "dictionary_hash": "", "packets": [], "parameters": [],
        "instances": [
            ("caller", f"{here}:Caller", 0x100, 0, 0, "", {}),
            ("callee", f"{here}:Callee", 0x200, COUNT, 1, "", {}),
            ("other", f"{here}:Callee", 0x300, 10, 1, "worker", {}),
            ("sink", f"{here}:Sink", 0x400, 0, 0, "", {}),
        ],
        "connections": [
            (0, "sync_out", 0, 1, "sync_in", 0),
            (0, "guarded_out", 0, 1, "guarded_in", 0),
            (0, "async_out", 0, 1, "async_in", 0),
            (0, "other_guarded_out", 0, 2, "guarded_in", 0),
        ],
        "services": {"event": 3, "telemetry": 3},
    }  # fmt: skip
    platform = SystemPlatform()
    return Deployment(image, platform, Root(platform.files, "/"))


def _calls(call: Callable[[int], object]) -> Callable[[], None]:
    def run() -> None:
        for _ in range(COUNT):
            call(1)

    return run


def _port_calls(owner: Any, name: str) -> Callable[[], None]:
    # The port is looked up for each call, as a handler does it: that is what a port call costs.
    body = f"def run(owner):\n    for _ in range({COUNT}):\n        owner.{name}(1)\n"
    names: dict[str, Any] = {}
    exec(body, names)
    run = names["run"]
    return lambda: run(owner)


def figures() -> list[Figure]:
    """What ports, channels and events cost."""
    made = deployment()
    caller: Any = made.instances["caller"]
    single = Deployment({**made.image, "instances": [(*one[:5], "", one[6]) for one in made.image["instances"]]},
                        made.platform, made.root)  # fmt: skip
    alone: Any = single.instances["caller"]
    reference = _port_calls(Plain(), "method")

    def queued() -> None:
        for _ in range(COUNT // BURST):
            for _ in range(BURST):
                alone.async_out(1)
            while single.main.has_ready():
                single.main.turn(0)

    def written() -> None:
        for value in range(COUNT):
            alone.level = value

    def reported() -> None:
        for value in range(COUNT):
            alone.happened(value, 2)

    return [
        cheaper("sync port call", _port_calls(alone, "sync_out"), reference, COUNT, 1.5, 1.4),
        cheaper("guarded port call, same loop", _port_calls(alone, "guarded_out"), reference, COUNT, 1.5, 1.4),
        cheaper(
            "guarded port call, across threads", _port_calls(caller, "other_guarded_out"), reference, COUNT, 6, 3.5
        ),
        cheaper("async port: put, dispatch, handler", queued, reference, COUNT, 9.5, 7.5),
        cheaper("telemetry write", written, reference, COUNT, 6, 4),
        cheaper("event with two arguments and a throttle", reported, reference, COUNT, 20, 12),
    ]
