"""Connections are counted while a deployment runs, also where they lead from thread to thread, and are plain again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kittiwake.model.component import ActiveComponent, PassiveComponent
from kittiwake.model.fw import Ping
from kittiwake.model.ports import OutputPort, OutputPortArray, async_port, guarded_port, sync_port
from kittiwake.runtime.counted_wiring import CountedWiring
from kittiwake.runtime.metering import uncounted
from tests.framework.runtime.wired import deploy

if TYPE_CHECKING:
    from kittiwake.runtime.deployment import Deployment


class Relay(ActiveComponent):
    """Passes on what it hears; it keeps what its output is bound to, as a rate group does."""

    out = OutputPort(Ping)

    def start(self) -> None:
        self._kept = self.out
        self.rebound = 0

    def connections_changed(self) -> None:
        self._kept = self.out
        self.rebound += 1

    @async_port(Ping)
    def take(self, key: int) -> None:
        self._kept(key)


class Sink(PassiveComponent):
    outs = OutputPortArray(Ping, 2)

    def initialize(self) -> None:
        self.taken: list[int] = []

    @guarded_port(Ping)
    def keep(self, key: int) -> None:
        self.taken.append(key)

    @sync_port(Ping)
    def fail(self, key: int) -> None:
        raise ValueError("no")


CONNECTIONS = [
    ("sink", "outs", 0, "relay", "take", 0),
    ("relay", "out", 0, "sink", "keep", 0),
    ("sink", "outs", 1, "sink", "fail", 0),
]


def relayed() -> tuple[Deployment, Any, Any]:
    """A relay on a thread of its own, whose loop the test serves, and a sink on the main loop."""
    deployment, _ = deploy({"sink": Sink, "relay": (Relay, {"thread": "worker"})}, CONNECTIONS)
    for component in deployment.instances.values():
        component.start()
    return deployment, deployment.instances["sink"], deployment.instances["relay"]


def settle(deployment: Deployment) -> None:
    for _ in range(3):
        for loop in deployment.loops.values():
            loop.settle()


def test_calls_between_threads_are_counted_where_they_are_made() -> None:
    deployment, sink, relay = relayed()
    plain = [sink.outs[0], relay.out, sink.outs[1]]
    wiring = CountedWiring(deployment, 10)
    wiring.attach()
    settle(deployment)
    for key in range(3):
        sink.outs[0](key)
    settle(deployment)
    assert sink.taken == [0, 1, 2]
    assert wiring.take() == [3, 3, 0]
    assert wiring.take() == [0, 0, 0]
    wiring.detach()
    settle(deployment)
    assert [sink.outs[0], relay.out, sink.outs[1]] == plain
    assert relay._kept is plain[1]
    sink.outs[0](3)
    settle(deployment)
    assert sink.taken == [0, 1, 2, 3]
    assert wiring.take() == [0, 0, 0]


def test_a_call_that_raises_is_counted_and_raises() -> None:
    deployment, sink, _ = relayed()
    wiring = CountedWiring(deployment, 10)
    wiring.attach()
    with pytest.raises(ValueError, match="no"):
        sink.outs[1](1)
    assert wiring.take() == [0, 0, 1]


def test_only_the_first_are_counted_and_those_that_are_counted_are_told_once() -> None:
    deployment, sink, relay = relayed()
    wiring = CountedWiring(deployment, 1)
    wiring.attach()
    wiring.attach()
    settle(deployment)
    assert uncounted(relay.out) is relay.out
    assert relay.rebound == 0
    sink.outs[0](1)
    assert wiring.take() == [1]


@given(st.lists(st.sampled_from(["attach", "detach", "call", "take"]), max_size=20))
def test_whatever_is_asked_in_whatever_order_counts_once_and_ends_plain(steps: list[str]) -> None:
    deployment, sink, relay = relayed()
    plain = [sink.outs[0], relay.out, sink.outs[1]]
    wiring = CountedWiring(deployment, 10)
    counts, is_counted = 0, False
    for step in [*steps, "take", "detach"]:
        if step == "call":
            sink.outs[0](1)
            counts += is_counted
        elif step == "take":
            assert wiring.take()[0] == counts
            counts = 0
        else:
            getattr(wiring, step)()
            is_counted = step == "attach"
    assert [sink.outs[0], relay.out, sink.outs[1]] == plain
