"""Services in FPP: the pattern graphs, and the ports that they need.

Kittiwake wires services by itself, so that their components declare few of F´'s ports; those that are missing are
written into the exported components.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kittiwake.dictionary.fpp_text import qualified, remarks, word
from kittiwake.model.names import camel

if TYPE_CHECKING:
    from kittiwake.model.component import ComponentType, Declarations
    from kittiwake.topology.model import Topology


class _Need(NamedTuple):
    """A port that a pattern graph looks for by its type."""

    direction: str
    name: str
    type: str
    is_array: bool = False


_NEEDS = {
    "command": (
        _Need("output", "compCmdSend", "Fw.Cmd", True),
        _Need("input", "compCmdReg", "Fw.CmdReg", True),
        _Need("input", "compCmdStat", "Fw.CmdResponse"),
    ),
    "event": (_Need("input", "logRecv", "Fw.Log"),),
    "telemetry": (_Need("input", "tlmRecv", "Fw.Tlm"),),
    "time": (_Need("input", "timeGetPort", "Fw.Time"),),
    "parameter": (_Need("input", "getPrm", "Fw.PrmGet"), _Need("input", "setPrm", "Fw.PrmSet")),
}

_PATTERNS = {"command": "command", "event": "event", "telemetry": "telemetry", "time": "time", "parameter": "param"}


def served_by(component: ComponentType, topology: Topology) -> list[str]:
    """The services that instances of a component class give."""
    return [name for name, owner in topology.services.items() if topology.instance(owner).component is component]


def service_ports(declared: Declarations, services: list[str], topology: Topology) -> list[str]:
    """The ports that a component needs for the pattern graphs of its services and does not declare."""
    lines: list[str] = []
    commanded = sum(1 for one in topology.instances if one.declarations.commands or one.declarations.parameters)
    for service in services:
        for need in _NEEDS.get(service, ()):
            if _matches(declared, need):
                continue
            size = f"[{max(commanded, 1)}] " if need.is_array else ""
            kind = "output" if need.direction == "output" else "sync input"
            lines.append(f"{kind} port {free_name(need.name, declared)}: {size}{need.type}")
    if not lines:
        return []
    return ["", *remarks("Ports of the services that this component gives; the framework wires them itself."), *lines]


def _matches(declared: Declarations, need: _Need) -> int:
    ports = declared.outputs if need.direction == "output" else declared.inputs
    return sum(1 for port in ports.values() if port.port.name == need.type)


def free_name(wanted: str, declared: Declarations) -> str:
    """A name for a port that the framework has and the component does not declare."""
    taken = {camel(name) for name in (*declared.inputs, *declared.outputs)}
    while wanted in taken:
        wanted += "Special"
    return word(wanted)


def pattern_graphs(topology: Topology) -> list[str]:
    """The pattern graphs of the topology's services."""
    lines: list[str] = []
    for service, owner in topology.services.items():
        needs = _NEEDS.get(service)
        if needs is None:
            lines += remarks(
                f"The {service} service is {owner}: it watches queues and loops, for which FPP has no pattern."
            )
            continue
        declared = topology.instance(owner).declarations
        if any(_matches(declared, need) > 1 for need in needs):
            lines += remarks(f"The {service} service is {owner}; several of its ports would fit FPP's pattern.")
            continue
        lines.append(f"{_PATTERNS[service]} connections instance {qualified(owner)}")
    return lines
