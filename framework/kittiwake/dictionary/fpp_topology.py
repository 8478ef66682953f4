"""Instances and the topology in FPP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kittiwake.dictionary.export_entries import packet_sets
from kittiwake.dictionary.fpp_components import port_name
from kittiwake.dictionary.fpp_services import pattern_graphs
from kittiwake.dictionary.fpp_text import (
    ModuleTree,
    annotations,
    indented,
    qualified,
    remarks,
    word,
)
from kittiwake.model.component import ACTIVE, PASSIVE

if TYPE_CHECKING:
    from collections.abc import Container

    from kittiwake.model.component import ComponentType
    from kittiwake.topology.model import Connection, Instance, Topology

_MAX_SHOWN = 200

_NOT_IN_NAMES = re.compile(r"\W", re.ASCII)


def instances_file(topology: Topology, names: dict[ComponentType, str]) -> str:
    """All instances."""
    tree = ModuleTree()
    for instance in topology.instances:
        parts = [
            f"instance {word(instance.name.rpartition('.')[2])}: {qualified(names[instance.component])}",
            f"base id {instance.base_id:#x}",
        ]
        if instance.component.KIND != PASSIVE:
            parts.append(f"queue size {instance.queue}")
        if instance.component.KIND == ACTIVE:
            parts.append(f"priority {instance.priority}")
        tree.add(instance.name, [*_unsaid(instance), *annotations(instance.doc), " ".join(parts)])
    return tree.text("The instances of the deployment.")


def _unsaid(instance: Instance) -> list[str]:
    """What FPP has no words for: threads, settings and the parameters that the topology sets."""
    lines = [f"thread: {instance.thread}"] if instance.thread else []
    lines += [f"{name} = {value!r}"[:_MAX_SHOWN] for name, value in instance.settings.items()]
    lines += [f"parameter {name} = {value!r}"[:_MAX_SHOWN] for name, value in instance.parameters.items()]
    return [line for text in lines for line in remarks(text)]


def topology_file(topology: Topology, taken: Container[str]) -> str:
    """The topology: its instances, pattern graphs, connections and telemetry packets.

    `taken` are the global names of all else; a topology that would share one has `Topology` behind its name.
    """
    body = [f"instance {qualified(instance.name)}" for instance in topology.instances]
    body += ["", *pattern_graphs(topology)]
    groups: dict[str, list[Connection]] = {}
    for connection in topology.connections:
        groups.setdefault(_NOT_IN_NAMES.sub("_", connection.group) or "_", []).append(connection)
    for group, connections in groups.items():
        lines = [_connection(connection, topology) for connection in connections]
        body += ["", f"connections {word(group)} {{", *indented(lines), "}"]
    body += _packets(topology)
    name = topology.name
    notes: list[str] = []
    if name in taken:
        name += "Topology"
        notes = remarks(f"The topology is {topology.name}, which is the name of a module or type as well.")
    tree = ModuleTree()
    head = f"deployment topology {word(name.rpartition('.')[2])} {{"
    tree.add(name, [*notes, *annotations(topology.doc), head, *indented(body), "}"])
    return tree.text("The topology of the deployment.")


def _connection(connection: Connection, topology: Topology) -> str:
    source = topology.instance(connection.source).declarations.outputs[connection.output]
    target = topology.instance(connection.target).declarations.inputs[connection.input]
    output_index = f"[{connection.output_index}]" if source.is_array else ""
    input_index = f"[{connection.input_index}]" if target.is_array else ""
    return (
        f"{qualified(connection.source)}.{port_name(source)}{output_index} -> "
        f"{qualified(connection.target)}.{port_name(target)}{input_index}"
    )


def _packets(topology: Topology) -> list[str]:
    body: list[str] = []
    for found in packet_sets(topology):
        packets: list[str] = []
        for packet in found["members"]:
            head = f"packet {word(packet['name'])} id {packet['id']} group {packet['group']} {{"
            packets += [head, *indented([qualified(name) for name in packet["members"]]), "}", ""]
        omitted = indented([qualified(name) for name in found["omitted"]])
        body += ["", f"telemetry packets {word(found['name'])} {{", *indented(packets[:-1])]
        body += ["} omit {", *omitted, "}"] if omitted else ["}"]
    return body
