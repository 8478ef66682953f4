"""Writes the F´ JSON dictionary of a topology (F´ User Manual, "JSON Dictionary").

All ten sections are always there, and every descriptor is whole, because F´'s tools differ in what they leave out. One
more is Kittiwake's own: `kittiwake.dictionary.topology`.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import kittiwake
from kittiwake.dictionary.digest import dictionary_hash
from kittiwake.dictionary.export_entries import (
    channel_entry,
    command_entries,
    container_entry,
    event_entry,
    packet_sets,
    parameter_entry,
    record_entry,
    used_types,
)
from kittiwake.dictionary.export_types import TypeCatalogue, annotation, definition, descriptor, is_identifier
from kittiwake.dictionary.fields import FaultList
from kittiwake.dictionary.standard_types import constants_of, standard_types
from kittiwake.dictionary.topology import TOPOLOGY_KEY, topology_section
from kittiwake.model.types import U64, wire_type

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.dictionary.export_entries import Entry
    from kittiwake.topology.model import Topology

SPECIFICATION_VERSION = "1.0.0"

HASH_KEY = "kittiwakeDictionaryHash"
"""Where `metadata` holds the hash of everything else."""

_IDS = {
    "commands": "opcode",
    "events": "id",
    "telemetryChannels": "id",
    "parameters": "id",
    "records": "id",
    "containers": "id",
}


def export_dictionary(topology: Topology, version: str = "unknown") -> dict[str, Any]:
    """The dictionary of a topology, ready for JSON; `version` is the project's.

    Raises `DictionaryFault` with everything that F´'s tools would not take: bytes in a command, two types of one
    name, two entries of one name or id, formats that do not fit their arguments.
    """
    faults = FaultList()
    types = dictionary_types(topology, faults)
    sections = _sections(topology, faults)
    _check_names(sections, topology, faults)
    for entry in (*sections["parameters"], *sections["telemetryChannels"]):
        _check_finite(entry, entry["name"], faults)
    faults.raise_if_any(topology.name)
    content: dict[str, Any] = {
        "typeDefinitions": [definition(form) for form in types.forms.values()],
        "constants": [
            {
                "kind": "constant",
                "qualifiedName": constant.name,
                "type": descriptor(wire_type(U64)),
                "value": constant.value,
                **annotation(constant.doc),
            }
            for constant in constants_of(topology)
        ],
        **sections,
        TOPOLOGY_KEY: topology_section(topology),
    }
    metadata = {
        "deploymentName": topology.name,
        "projectVersion": version,
        "frameworkVersion": kittiwake.__version__,
        "libraryVersions": [],
        "dictionarySpecVersion": SPECIFICATION_VERSION,
        HASH_KEY: dictionary_hash(content),
    }
    return {"metadata": metadata, **content}


def write_dictionary(path: str, topology: Topology, version: str = "unknown") -> dict[str, Any]:
    """Writes the dictionary to a file, whole or not at all, and gives it. Raises `DictionaryFault` and `OSError`."""
    import json
    from pathlib import Path

    dictionary = export_dictionary(topology, version)
    target = Path(path)
    partial = target.with_name(f"{target.name}.part")
    try:
        partial.write_text(json.dumps(dictionary, indent=2) + "\n", encoding="ascii")
        partial.replace(target)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    return dictionary


def dictionary_types(topology: Topology, faults: FaultList) -> TypeCatalogue:
    """The named types of a dictionary: F´'s own, and those that the topology's entries use."""
    types = TypeCatalogue(faults)
    for form in standard_types():
        types.add(form, "the standard types")
    for instance in topology.instances:
        for where, form in used_types(instance):
            types.add(form, where)
    return types


def _sections(topology: Topology, faults: FaultList) -> dict[str, list[Entry]]:
    sections: dict[str, list[Entry]] = {
        "commands": [], "parameters": [], "events": [], "telemetryChannels": [], "records": [], "containers": [],
    }  # fmt: skip
    for instance in topology.instances:
        declared = instance.declarations
        sections["commands"] += command_entries(instance)
        sections["parameters"] += [parameter_entry(instance, one) for one in declared.parameters.values()]
        sections["events"] += [event_entry(instance, one, faults) for one in declared.events.values()]
        sections["records"] += [record_entry(instance, one) for one in declared.records.values()]
        sections["containers"] += [container_entry(instance, one) for one in declared.containers.values()]
        sections["telemetryChannels"] += [channel_entry(instance, one, faults) for one in declared.channels.values()]
    sections["telemetryPacketSets"] = packet_sets(topology)
    return sections


def _check_names(sections: dict[str, list[Entry]], topology: Topology, faults: FaultList) -> None:
    """Notes names that are no names and names and ids that stand twice: F´'s tools take the last one in silence."""
    for section, id_key in _IDS.items():
        for key in ("name", id_key):
            _check_unique(((entry[key], entry["name"]) for entry in sections[section]), f"{section}.{key}", faults)
        for entry in sections[section]:
            if not all(is_identifier(part) for part in entry["name"].split(".")):
                faults.add(section, f"the name {entry['name']!r} should be letters, digits, underscores and dots")
    for name in (topology.name, *[packet.name for packet in topology.packets]):
        if not is_identifier(name):
            faults.add("", f"the name {name!r} should be letters, digits and underscores")
    for key, values in (
        ("name", [packet.name for packet in topology.packets]),
        ("id", [packet.id for packet in topology.packets]),
    ):
        _check_unique(((value, "another packet") for value in values), f"packets.{key}", faults)


def _check_finite(part: Any, where: str, faults: FaultList) -> None:
    """Notes numbers that JSON cannot write."""
    if isinstance(part, dict):
        for key, value in part.items():
            _check_finite(value, f"{where}.{key}", faults)
    elif isinstance(part, list):
        for item in part:
            _check_finite(item, where, faults)
    elif isinstance(part, float) and not isfinite(part):
        faults.add(where, f"JSON has no {part}")


def _check_unique(items: Iterable[tuple[Any, str]], where: str, faults: FaultList) -> None:
    seen: dict[Any, str] = {}
    for value, owner in items:
        if value in seen:
            faults.add(where, f"{value!r} stands twice: {seen[value]} and {owner}")
        seen.setdefault(value, owner)
