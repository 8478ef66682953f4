"""Metered wiring counts and times what goes over the connections of the instances that were asked for."""

from __future__ import annotations

from typing import Any

import pytest

from kittiwake.model.component import PassiveComponent
from kittiwake.model.fw import Ping
from kittiwake.model.ports import OutputPort, OutputPortArray, sync_port
from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.runtime.metering import EVERYTHING, Meters
from kittiwake.storage.root import Root

STEP_NS = 2_000


class Node(PassiveComponent):
    out = OutputPort(Ping)
    outs = OutputPortArray(Ping, 2)

    @sync_port(Ping)
    def take(self, key: int) -> None:
        self.platform.clock.advance(STEP_NS * key)  # type: ignore[attr-defined]
        if key == 13:
            raise ValueError("unlucky")

    @sync_port(Ping, size=3)
    def take_each(self, index: int, key: int) -> None:
        """Nothing."""


def wire(*metered: str) -> tuple[Meters, Any, Any]:
    rows: list[Any] = [(name, Node, 0x1000 * at, 0, 0, "", {}) for at, name in enumerate(("a", "b", "c"))]
    image = {
        "name": "Metered", "version": "1", "dictionary_hash": "", "instances": rows, "services": {}, "packets": [],
        "parameters": [],
        "connections": [(0, "out", 0, 1, "take", 0), (0, "outs", 1, 1, "take_each", 2), (2, "out", 0, 2, "take", 0)],
    }  # fmt: skip
    platform = SimulatedPlatform(0)
    meters = Meters(metered)
    deployment = Deployment(image, platform, Root(platform.files, "/"), meters=meters)
    return meters, deployment.instances["a"], deployment.instances["c"]


def test_calls_are_counted_and_timed_and_faults_pass_through() -> None:
    meters, a, c = wire(EVERYTHING)
    a.out(1)
    a.out(3)
    a.outs[1](1)
    with pytest.raises(ValueError, match="unlucky"):
        c.out(13)
    assert [(str(edge), edge.calls, edge.total_ns, edge.longest_ns) for edge in meters.edges] == [
        ("a.out -> b.take", 2, 8_000, 6_000),
        ("a.outs[1] -> b.take_each[2]", 1, 0, 0),
        ("c.out -> c.take", 1, 26_000, 26_000),
    ]
    rows = meters.table().splitlines()
    assert [row.split()[0] for row in rows] == ["calls", "1", "2", "1"]
    assert rows[2].split() == ["2", "0.01", "4.00", "6.0", "a.out", "->", "b.take"]


def test_only_the_instances_that_were_named_are_metered() -> None:
    meters, a, c = wire("c")
    a.out(1)
    c.out(1)
    assert [(str(edge), edge.calls) for edge in meters.edges] == [("c.out -> c.take", 1)]
    assert a.out.__func__ is Node.take
