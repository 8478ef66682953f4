"""Services in FPP: the pattern graphs, and the ports that they need.

Kittiwake wires services by itself, so that their components declare few of F´'s ports; those that are missing are
written into the exported components.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kittiwake.dictionary.fpp_text import remarks, word
from kittiwake.model.names import camel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeAlias

    from kittiwake.model.component import ComponentType, Declarations
    from kittiwake.model.ports import InputPort, OutputPort, OutputPortArray
    from kittiwake.topology.model import Topology

    Port: TypeAlias = InputPort | OutputPort[Any, Any] | OutputPortArray[Any, Any]


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
    for service in services:
        for need in _NEEDS.get(service, ()):
            if _matches(declared, need):
                continue
            size = f"[{_commanded(topology)}] " if need.is_array else ""
            kind = "output" if need.direction == "output" else "sync input"
            lines.append(f"{kind} port {free_name(need.name, declared)}: {size}{need.type}")
    if not lines:
        return []
    return ["", *remarks("Ports of the services that this component gives; the framework wires them itself."), *lines]


def _matches(declared: Declarations, need: _Need) -> list[Port]:
    ports: Iterable[Port] = (declared.outputs if need.direction == "output" else declared.inputs).values()
    return [port for port in ports if port.port.name == need.type]


def _fits(ports: list[Port], need: _Need, topology: Topology) -> bool:
    """Whether a pattern can use the ports of a type that a component declares; none are no hindrance."""
    if not ports:
        return True
    return len(ports) == 1 and (not need.is_array or ports[0].size >= _commanded(topology))


def _commanded(topology: Topology) -> int:
    """How many ports a command service needs, and one where it needs none."""
    return max(1, sum(1 for one in topology.instances if one.declarations.commands or one.declarations.parameters))


def free_name(wanted: str, declared: Declarations) -> str:
    """A name for a port that the framework has and the component does not declare."""
    taken = {camel(name) for name in (*declared.inputs, *declared.outputs)}
    while wanted in taken:
        wanted += "Special"
    return word(wanted)


def pattern_graphs(topology: Topology, spelled: Callable[[str], str]) -> list[str]:
    """The pattern graphs of the topology's services; `spelled` gives an instance's name as it is known there."""
    lines: list[str] = []
    for service, owner in topology.services.items():
        needs = _NEEDS.get(service)
        if needs is None:
            lines += remarks(
                f"The {service} service is {owner}: it watches queues and loops, for which FPP has no pattern."
            )
            continue
        declared = topology.instance(owner).declarations
        if not all(_fits(_matches(declared, need), need, topology) for need in needs):
            lines += remarks(f"The {service} service is {owner}, whose ports do not fit FPP's pattern.")
            continue
        lines.append(f"{_PATTERNS[service]} connections instance {spelled(owner)}")
    return lines
