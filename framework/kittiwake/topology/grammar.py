"""The keys of a topology file: what each holds and means. The reader and the editors' schema are both made from it."""

from __future__ import annotations

import re
from typing import Final

from attrs import frozen

TEXT: Final = "a text"
INTEGER: Final = "a whole number"
NUMBER: Final = "a number"
BOOLEAN: Final = "true or false"
TEXTS: Final = "a list of texts"
TABLE: Final = "a table"

IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""Names of topologies, instances, connection groups and packets, as FPP has them."""

MAX_ID = 0xFFFFFFFF
MAX_PACKET_ID = 0xFFFF
MAX_PACKET_GROUP = 255
MAX_PRIORITY = 255


@frozen
class Key:
    """One key: the kind of its value, and what it means."""

    kind: str
    doc: str
    required: bool = False


TOPOLOGY_KEYS = {
    "topology": Key(TEXT, "The name of a main topology; its own instances are qualified with it."),
    "subtopology": Key(TEXT, "The name of a topology that others import; its instances are qualified with it."),
    "doc": Key(TEXT, "What the topology is for."),
    "imports": Key(TEXTS, "Subtopology files, relative to this file, or PACKAGE:FILE in a Python package."),
    "instances": Key(TABLE, "Instances by name."),
    "overrides": Key(TABLE, "Changes to imported instances, by qualified name; only in a main topology."),
    "services": Key(TABLE, "The instances that serve all others (F´'s pattern graphs)."),
    "connections": Key(TABLE, "Groups of connections, each a text such as 'driver.cycle_out[2] -> group.cycle_in'."),
    "packets": Key(TABLE, "Telemetry packets by name."),
    "omitted": Key(TEXTS, "Channels that are deliberately in no packet."),
}

INSTANCE_KEYS = {
    "component": Key(TEXT, "The component's class, with its package: kittiwake_components.Health.", required=True),
    "id": Key(INTEGER, "The base of the instance's opcodes and ids.", required=True),
    "queue": Key(INTEGER, "How many messages wait at most (active and queued components)."),
    "priority": Key(INTEGER, "Higher is served first (active components)."),
    "thread": Key(TEXT, "The thread to run on instead of the main loop (active components that block)."),
    "settings": Key(TABLE, "Values of the component's settings."),
    "parameters": Key(TABLE, "Defaults of the component's parameters."),
    "doc": Key(TEXT, "What the instance is for."),
}

OVERRIDE_KEYS = {key: INSTANCE_KEYS[key] for key in ("queue", "priority", "settings", "parameters")}

PACKET_KEYS = {
    "id": Key(INTEGER, "The packet's id on the link.", required=True),
    "group": Key(INTEGER, "The packet's level: it is sent where the level is at least this.", required=True),
    "channels": Key(TEXTS, "Channels in their order: instance.Channel.", required=True),
    "doc": Key(TEXT, "What the packet is for."),
}

SERVICE_DOCS = {
    "command": "Dispatches commands.",
    "event": "Takes events.",
    "telemetry": "Takes channels.",
    "time": "Gives the time.",
    "parameter": "Keeps parameters.",
    "health": "Takes the runtime's findings.",
}
