"""Components in FPP: ports, commands, events, telemetry and parameters, all with their numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.export_entries import interval, limit_table, nearest_full, number
from kittiwake.dictionary.export_formats import fprime_format
from kittiwake.dictionary.fpp_formats import fpp_format
from kittiwake.dictionary.fpp_services import free_name, served_by, service_ports
from kittiwake.dictionary.fpp_text import (
    ModuleTree,
    annotation_lines,
    indented,
    literal,
    qualified,
    remarks,
    string,
    type_name,
    word,
)
from kittiwake.dictionary.fpp_types import formals, ranges
from kittiwake.model.component import PASSIVE
from kittiwake.model.events import Severity
from kittiwake.model.fw import DpSend
from kittiwake.model.names import camel, pascal

if TYPE_CHECKING:
    from collections.abc import Container

    from kittiwake.model.channels import Channel
    from kittiwake.model.commands import Command
    from kittiwake.model.component import ComponentType, Declarations
    from kittiwake.model.events import Event
    from kittiwake.model.parameters import Parameter
    from kittiwake.model.ports import InputPort, OutputPort, OutputPortArray
    from kittiwake.topology.model import Topology

_SEVERITIES = {
    Severity.FATAL: "fatal",
    Severity.WARNING_HI: "warning high",
    Severity.WARNING_LO: "warning low",
    Severity.COMMAND: "command",
    Severity.ACTIVITY_HI: "activity high",
    Severity.ACTIVITY_LO: "activity low",
    Severity.DIAGNOSTIC: "diagnostic",
}


def component_names(topology: Topology, taken: Container[str]) -> dict[ComponentType, str]:
    """The qualified FPP name of each component class: its package's name as a module, and its own.

    Classes that would share one get all the modules that they are in. `taken` are the first words of types' and
    ports' names, which a component of that name would hide from its neighbours; it gets `Component` behind it.
    """
    names: dict[ComponentType, str] = {}
    for instance in topology.instances:
        package = instance.component.__module__.partition(".")[0]
        name = instance.component.__name__
        names[instance.component] = f"{pascal(package)}.{name}{'Component' if name in taken else ''}"
    shared = {name for name in names.values() if list(names.values()).count(name) > 1}
    for component, name in names.items():
        if name in shared:
            modules = [pascal(part) for part in component.__module__.split(".")]
            names[component] = ".".join([*modules, name.rpartition(".")[2]])
    return names


def components_file(topology: Topology, names: dict[ComponentType, str]) -> str:
    """All component classes that the topology has instances of."""
    tree = ModuleTree()
    for component, name in names.items():
        body = _members(component.__declarations__, topology, component)
        if component.KIND != PASSIVE and not _has_async(component.__declarations__):
            body += ["", *remarks("FPP wants an asynchronous input; there is none."), "internal port nothing"]
        head = f"{component.KIND} component {word(name.rpartition('.')[2])} {{"
        tree.add(name, [*annotation_lines(component.__doc__ or ""), head, *indented(body), "", "}"])
    return tree.text("The components of the deployment.")


def _has_async(declared: Declarations) -> bool:
    kinds = [port.kind for port in declared.inputs.values()]
    return "async" in [*kinds, *[command.kind for command in declared.commands.values()]]


def _members(declared: Declarations, topology: Topology, component: ComponentType) -> list[str]:
    body: list[str] = []
    for port in declared.inputs.values():
        body += ["", *_input(port)]
    for output in declared.outputs.values():
        size = f"[{output.size}] " if output.is_array else ""
        line = f"output port {port_name(output)}: {size}{qualified(output.port.name)}"
        if output is _product_port(declared):
            line = f"product send port {port_name(output)}"
        body += ["", *annotation_lines(output.doc), line]
    body += _special_ports(declared)
    body += service_ports(declared, served_by(component, topology), topology)
    for command in declared.commands.values():
        body += ["", *_command(command)]
    for parameter in declared.parameters.values():
        body += ["", *_parameter(parameter)]
    for event in declared.events.values():
        body += ["", *_event(event)]
    for channel in declared.channels.values():
        body += ["", *_channel(channel)]
    for record in declared.records.values():
        array = " array" if record.array else ""
        line = f"product record {word(record.label)}: {type_name(record.type)}{array} id {number(record.number):#x}"
        body += ["", *annotation_lines(record.doc), line]
    for container in declared.containers.values():
        end = f"id {number(container.number):#x} default priority {container.priority}"
        body += ["", *annotation_lines(container.doc), f"product container {word(container.label)} {end}"]
    return body


def _product_port(declared: Declarations) -> OutputPort[Any, Any] | OutputPortArray[Any, Any] | None:
    """The output by which a component with data products sends them: FPP has a port of its own for that."""
    ports = [port for port in declared.outputs.values() if port.port is DpSend and not port.is_array]
    return ports[0] if ports and declared.containers else None


def port_name(port: InputPort | OutputPort[Any, Any] | OutputPortArray[Any, Any]) -> str:
    """A port's name in FPP."""
    return word(camel(port.name))


def _input(port: InputPort) -> list[str]:
    size = f"[{port.size}] " if port.is_array else ""
    line = f"{port.kind} input port {port_name(port)}: {size}{qualified(port.port.name)}"
    notes: list[str] = []
    if port.kind == "async":
        notes, queued = _queued(port.priority, port.full)
        line += queued
    return [*notes, *annotation_lines(port.doc), line]


def _queued(priority: int, full: str) -> tuple[list[str], str]:
    nearest = nearest_full(full)
    notes = (
        [] if nearest == full else remarks("When the queue is full it drops the oldest message, which FPP cannot say.")
    )
    return notes, f" priority {priority} {nearest}"


def _special_ports(declared: Declarations) -> list[str]:
    lines = []
    if declared.commands or declared.parameters:
        lines += [("command recv", "cmdIn"), ("command reg", "cmdRegOut"), ("command resp", "cmdResponseOut")]
    if declared.events:
        lines += [("event", "logOut"), ("text event", "logTextOut")]
    if declared.channels:
        lines += [("telemetry", "tlmOut")]
    if declared.parameters:
        lines += [("param get", "prmGetOut"), ("param set", "prmSetOut")]
    if declared.containers:
        lines += [("product get", "productGetOut")]
        if _product_port(declared) is None:
            lines += [("product send", "productSendOut")]
    if declared.events or declared.channels or declared.containers:
        lines += [("time get", "timeCaller")]
    return ["", *[f"{kind} port {free_name(name, declared)}" for kind, name in lines]] if lines else []


def _command(command: Command) -> list[str]:
    line = (
        f"{command.kind} command {word(command.label)}{formals(command.parameters)} opcode {number(command.number):#x}"
    )
    notes = ranges(command.parameters)
    if command.kind == "async":
        more, queued = _queued(command.priority, command.full)
        notes += more
        line += queued
    said = [text for is_so, text in ((command.hazardous, "hazardous"), (command.exclusive, "exclusive")) if is_so]
    return [*remarks(", ".join(said)), *notes, *annotation_lines(command.doc), line]


def _parameter(parameter: Parameter[Any]) -> list[str]:
    default = literal(parameter.type, parameter.default)
    notes = ranges([("The value", parameter.type)])
    if default is None:
        notes += remarks("FPP cannot write the default.")
    parts = [f"param {word(parameter.label)}: {type_name(parameter.type)}"]
    parts += [] if default is None else [f"default {default}"]
    parts += [
        f"id {number(parameter.number):#x}",
        f"set opcode {number(parameter.set_opcode):#x}",
        f"save opcode {number(parameter.save_opcode):#x}",
    ]
    return [*notes, *_unit(parameter.unit), *annotation_lines(parameter.doc), " ".join(parts)]


def _unit(unit: str) -> list[str]:
    return remarks(f"unit: {unit}") if unit else []


def _event(event: Event) -> list[str]:
    format, note = fpp_format(event.format, [form for _, form in event.parameters])
    parts = [
        f"event {word(event.label)}{formals(event.parameters)}",
        f"severity {_SEVERITIES[event.severity]} id {number(event.number):#x}",
        f"format {string(format)}",
    ]
    if event.throttle:
        parts.append(f"throttle {event.throttle}")
        every = interval(event.every_s)
        if every is not None:
            parts.append(f"every {{ seconds = {every['seconds']}, useconds = {every['useconds']} }}")
    return [*remarks(note), *ranges(event.parameters), *annotation_lines(event.doc), " ".join(parts)]


def _channel(channel: Channel[Any]) -> list[str]:
    parts = [f"telemetry {word(channel.label)}: {type_name(channel.type)} id {number(channel.number):#x}"]
    parts += ["update on change"] if channel.on_change else []
    notes = _unit(channel.unit)
    if channel.conversion is not None:
        notes += remarks(f"engineering value = {channel.conversion.scale} x raw + {channel.conversion.offset}")
    if channel.format:
        format, note = fpp_format(fprime_format(channel.format), [channel.type])
        notes += remarks(note)
        parts.append(f"format {string(format)}")
    limits = {} if channel.limits is None else limit_table(channel.limits)
    for side in ("low", "high"):
        if side in limits:
            shown = ", ".join([f"{colour} {value!r}" for colour, value in limits[side].items()])
            parts.append(f"{side} {{ {shown} }}")
    return [*notes, *annotation_lines(channel.doc), " ".join(parts)]
