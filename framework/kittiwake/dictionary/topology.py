"""The section of a dictionary that says of which instances a deployment is made, and how they are connected.

Only Kittiwake's dictionaries have it (`kittiwakeTopology`); F´'s tools pass it over. Both lists are in the order of the
topology, which is that of the image: what a deployment reports of its connections has no other names for them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from kittiwake.dictionary.fields import Fields
    from kittiwake.topology.model import Topology

TOPOLOGY_KEY = "kittiwakeTopology"
_KINDS = ("passive", "queued", "active")
_END = re.compile(r"(.+)\.([^.\[\]]+)\[(\d{1,6})\]")


class DeployedInstance(NamedTuple):
    """One instance: its qualified name, its component's class and kind, and the depth of its queue (0: none)."""

    name: str
    component: str
    kind: str
    queue: int


class PortEnd(NamedTuple):
    """One end of a connection."""

    instance: str
    port: str
    at: int

    def __str__(self) -> str:
        return f"{self.instance}.{self.port}[{self.at}]"


class DeployedConnection(NamedTuple):
    """One connection of a group, from an output to an input."""

    group: str
    output: PortEnd
    input: PortEnd


class DeployedTopology(NamedTuple):
    """All of them."""

    instances: tuple[DeployedInstance, ...]
    connections: tuple[DeployedConnection, ...]

    def queues(self) -> list[DeployedInstance]:
        """The instances that have a queue."""
        return [one for one in self.instances if one.queue]


def topology_section(topology: Topology) -> dict[str, list[dict[str, Any]]]:
    """The section of a checked topology."""
    return {
        "instances": [
            {"name": one.name, "component": one.component.__name__, "kind": one.component.KIND, "queue": one.queue}
            for one in topology.instances
        ],
        "connections": [
            {
                "group": one.group,
                "output": str(PortEnd(one.source, one.output, one.output_index)),
                "input": str(PortEnd(one.target, one.input, one.input_index)),
            }
            for one in topology.connections
        ],
    }


def read_topology(section: Fields) -> DeployedTopology:
    """The section of a dictionary; what is wrong with it is noted."""
    instances = tuple([
        DeployedInstance(
            one.get("name", str), one.get("component", str), _kind(one), max(one.get("queue", int, 0), 0)
        )
        for one in section.children("instances")
    ])  # fmt: skip
    known = {one.name for one in instances}
    connections = tuple(
        [
            DeployedConnection(one.get("group", str), _end(one, "output", known), _end(one, "input", known))
            for one in section.children("connections")
        ]
    )
    return DeployedTopology(instances, connections)


def _kind(fields: Fields) -> str:
    kind: str = fields.get("kind", str)
    if kind and kind not in _KINDS:
        fields.fault("kind", f"should be one of {', '.join(_KINDS)}, not {kind!r}")
    return kind


def _end(fields: Fields, key: str, known: set[str]) -> PortEnd:
    text = fields.get(key, str)
    found = _END.fullmatch(text)
    if found is None or found[1] not in known:
        if text:
            fields.fault(key, f"should be an instance, a dot, a port and its [index], not {text!r}")
        return PortEnd("", "", 0)
    return PortEnd(found[1], found[2], int(found[3]))
