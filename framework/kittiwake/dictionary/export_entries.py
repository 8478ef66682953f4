"""Commands, events, channels, parameters and packets as entries of a JSON dictionary.

The additional keys `exclusive`, `hazardous`, `unit` and `conversion` carry what F´ has no words for; its tools pass
over them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.dictionary.export_formats import channel_format, check_format
from kittiwake.dictionary.export_types import annotation, descriptor, plain_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.dictionary.fields import FaultList
    from kittiwake.model.channels import Channel, Limits
    from kittiwake.model.commands import Command
    from kittiwake.model.events import Event
    from kittiwake.model.parameters import Parameter
    from kittiwake.model.products import Container, Record
    from kittiwake.model.types import WireType
    from kittiwake.topology.model import Instance, Topology

Entry = dict[str, Any]

_US_PER_S = 1_000_000

_COLOURS = ("yellow", "orange", "red")


def number(value: int | None) -> int:
    """A number that the component's class settled when it was made."""
    assert value is not None, "numbers are settled when the class is made"
    return value


def command_entries(instance: Instance) -> list[Entry]:
    """The commands of an instance in the order of their opcodes, those that set and save parameters among them."""
    entries = []
    for offset, (what, declared) in sorted(instance.declarations.opcodes().items()):
        opcode = instance.base_id + offset
        if what == "call":
            entries.append(_command(f"{instance.name}.{declared.label}", opcode, declared))
            continue
        formals = _formals([("val", declared.type)]) if what == "set" else []
        entry = {"name": f"{instance.name}.{declared.label}_PRM_{what.upper()}", "commandKind": what, "opcode": opcode}
        verb = "Sets" if what == "set" else "Saves"
        entries.append({**entry, "formalParams": formals, **annotation(f"{verb} the parameter {declared.label}.")})
    return entries


def _command(name: str, opcode: int, declared: Command) -> Entry:
    entry: Entry = {"name": name, "commandKind": declared.kind, "opcode": opcode}
    entry["formalParams"] = _formals(declared.parameters)
    if declared.kind == "async":
        entry |= {"priority": declared.priority, "queueFullBehavior": nearest_full(declared.full)}
    if declared.exclusive:
        entry["exclusive"] = True
    if declared.hazardous:
        entry["hazardous"] = True
    return {**entry, **annotation(declared.doc)}


def nearest_full(full: str) -> str:
    """F´'s word for what happens when a queue is full: it has none for dropping the oldest."""
    return "drop" if full == "drop_oldest" else full


def _formals(parameters: Iterable[tuple[str, WireType]]) -> list[Entry]:
    return [{"name": name, "type": descriptor(form), "ref": False} for name, form in parameters]


def event_entry(instance: Instance, declared: Event, faults: FaultList) -> Entry:
    """One event of an instance."""
    name = f"{instance.name}.{declared.label}"
    check_format(declared.format, [form for _, form in declared.parameters], name, faults)
    entry: Entry = {
        "name": name,
        "severity": declared.severity.name,
        "formalParams": _formals(declared.parameters),
        "id": instance.base_id + number(declared.number),
        "format": declared.format,
    }
    if declared.throttle:
        entry["throttle"] = {"count": declared.throttle, "every": interval(declared.every_s)}
    return {**entry, **annotation(declared.doc)}


def interval(seconds: float) -> dict[str, int] | None:
    """A time in F´'s seconds and microseconds; `None` for none."""
    if not seconds:
        return None
    whole, part = divmod(round(seconds * _US_PER_S), _US_PER_S)
    return {"seconds": whole, "useconds": part}


def channel_entry(instance: Instance, declared: Channel[Any], faults: FaultList) -> Entry:
    """One channel of an instance."""
    name = f"{instance.name}.{declared.label}"
    entry: Entry = {
        "name": name,
        "type": descriptor(declared.type),
        "id": instance.base_id + number(declared.number),
        "telemetryUpdate": "on change" if declared.on_change else "always",
    }
    if declared.format:
        entry["format"] = channel_format(declared.format, declared.type, name, faults)
    if declared.limits is not None:
        entry["limits"] = limit_table(declared.limits)
    if declared.unit:
        entry["unit"] = declared.unit
    if declared.conversion is not None:
        entry["conversion"] = {"scale": declared.conversion.scale, "offset": declared.conversion.offset}
    return {**entry, **annotation(declared.doc)}


def limit_table(limits: Limits) -> dict[str, dict[str, float]]:
    """The limits that are set: side -> colour -> value."""
    table: dict[str, dict[str, float]] = {}
    for side in ("high", "low"):
        given = {colour: getattr(limits, f"{side}_{colour}") for colour in _COLOURS}
        table[side] = {colour: value for colour, value in given.items() if value is not None}
    return {side: values for side, values in table.items() if values}


def parameter_entry(instance: Instance, declared: Parameter[Any]) -> Entry:
    """One parameter of an instance; its default is the topology's where that gives one."""
    default = declared.default
    if declared.name in instance.parameters:
        default = declared.type.from_plain(instance.parameters[declared.name])
    entry: Entry = {
        "name": f"{instance.name}.{declared.label}",
        "type": descriptor(declared.type),
        "id": instance.base_id + number(declared.number),
        "default": plain_value(declared.type, default),
    }
    if declared.unit:
        entry["unit"] = declared.unit
    return {**entry, **annotation(declared.doc)}


def packet_sets(topology: Topology) -> list[Entry]:
    """The topology's packets as the one set that F´'s tools all cope with; none where there are no packets."""
    if not topology.packets:
        return []
    labels = {
        (instance.name, name): f"{instance.name}.{channel.label}"
        for instance in topology.instances
        for name, channel in instance.declarations.channels.items()
    }
    members = []
    sent = set()
    for packet in topology.packets:
        channels = [labels[key] for key in packet.channels]
        sent.update(channels)
        members.append({"name": packet.name, "id": packet.id, "group": packet.group, "members": channels})
    omitted = [label for label in labels.values() if label not in sent]
    return [{"name": f"{topology.name}Packets", "members": members, "omitted": omitted}]


def record_entry(instance: Instance, declared: Record[Any]) -> Entry:
    """One kind of record of an instance's data products."""
    entry: Entry = {
        "name": f"{instance.name}.{declared.label}",
        "type": descriptor(declared.type),
        "array": declared.array,
        "id": instance.base_id + number(declared.number),
    }
    return {**entry, **annotation(declared.doc)}


def container_entry(instance: Instance, declared: Container) -> Entry:
    """One kind of data product of an instance."""
    entry: Entry = {
        "name": f"{instance.name}.{declared.label}",
        "id": instance.base_id + number(declared.number),
        "defaultPriority": declared.priority,
    }
    return {**entry, **annotation(declared.doc)}


def used_types(instance: Instance) -> list[tuple[str, WireType]]:
    """What an instance's entries refer to: (name of the entry and its part, type)."""
    declared = instance.declarations
    found: list[tuple[str, WireType]] = []
    for command in declared.commands.values():
        found += [(f"{instance.name}.{command.label}: {name}", form) for name, form in command.parameters]
    for event in declared.events.values():
        found += [(f"{instance.name}.{event.label}: {name}", form) for name, form in event.parameters]
    found += [(f"{instance.name}.{channel.label}", channel.type) for channel in declared.channels.values()]
    found += [(f"{instance.name}.{parameter.label}", parameter.type) for parameter in declared.parameters.values()]
    found += [(f"{instance.name}.{record.label}", record.type) for record in declared.records.values()]
    return found
