"""Instances and the topology in FPP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kittiwake.dictionary.export_entries import packet_sets
from kittiwake.dictionary.fpp_components import port_name
from kittiwake.dictionary.fpp_services import pattern_graphs
from kittiwake.dictionary.fpp_text import (
    ModuleTree,
    annotation_lines,
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
        tree.add(instance.name, [*_unsaid(instance), *annotation_lines(instance.doc), " ".join(parts)])
    return tree.text("The instances of the deployment.")


def _unsaid(instance: Instance) -> list[str]:
    """What FPP has no words for: threads, settings and the parameters that the topology sets."""
    lines = [f"thread: {instance.thread}"] if instance.thread else []
    lines += [f"{name} = {value!r}"[:_MAX_SHOWN] for name, value in instance.settings.items()]
    lines += [f"parameter {name} = {value!r}"[:_MAX_SHOWN] for name, value in instance.parameters.items()]
    return [line for text in lines for line in remarks(text)]


def topology_file(topology: Topology, modules: Container[str]) -> str:
    """The topology: its instances, pattern graphs, connections and telemetry packets.

    `modules` are the names of modules. A topology that shares one stands inside of it, as F´'s own do.
    """
    home = f"{topology.name}." if topology.name in modules else ""
    spelled = _Spelling(home)
    body = [f"instance {spelled(instance.name)}" for instance in topology.instances]
    body += ["", *pattern_graphs(topology, spelled)]
    groups: dict[str, list[Connection]] = {}
    for connection in topology.connections:
        groups.setdefault(_NOT_IN_NAMES.sub("_", connection.group) or "_", []).append(connection)
    for group, connections in groups.items():
        lines = [_connection(connection, topology, spelled) for connection in connections]
        body += ["", f"connections {word(group)} {{", *indented(lines), "}"]
    body += _packets(topology, spelled)
    name, notes = topology.name, []
    if not home and any(instance.name == name for instance in topology.instances):
        name += "Topology"
        notes = remarks(f"The topology is {topology.name}, which is the name of an instance as well.")
    tree = ModuleTree()
    head = f"deployment topology {word(name)} {{"
    tree.add(f"{home}{name}", [*notes, *annotation_lines(topology.doc), head, *indented(body), "}"])
    return tree.text("The topology of the deployment.")


class _Spelling:
    """How the topology names what is in a module: without that module, if it is its own, which its own name hides."""

    def __init__(self, home: str) -> None:
        self._home = home

    def __call__(self, name: str) -> str:
        return qualified(name.removeprefix(self._home))


def _connection(connection: Connection, topology: Topology, spelled: _Spelling) -> str:
    source = topology.instance(connection.source).declarations.outputs[connection.output]
    target = topology.instance(connection.target).declarations.inputs[connection.input]
    output_index = f"[{connection.output_index}]" if source.is_array else ""
    input_index = f"[{connection.input_index}]" if target.is_array else ""
    return (
        f"{spelled(connection.source)}.{port_name(source)}{output_index} -> "
        f"{spelled(connection.target)}.{port_name(target)}{input_index}"
    )


def _packets(topology: Topology, spelled: _Spelling) -> list[str]:
    body: list[str] = []
    for found in packet_sets(topology):
        packets: list[str] = []
        for packet in found["members"]:
            head = f"packet {word(packet['name'])} id {packet['id']} group {packet['group']} {{"
            packets += [head, *indented([spelled(name) for name in packet["members"]]), "}", ""]
        omitted = indented([spelled(name) for name in found["omitted"]])
        body += ["", f"telemetry packets {word(found['name'])} {{", *indented(packets[:-1])]
        body += ["} omit {", *omitted, "}"] if omitted else ["}"]
    return body
