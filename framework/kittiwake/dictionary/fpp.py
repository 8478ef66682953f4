"""Writes a topology and its components in FPP, F´'s modelling language, as its compiler accepts them.

What FPP has no words for is mapped to the nearest that it has, and a comment says so: ranges, units and conversions,
dropping the oldest of a full queue, bytes on ports, threads and settings, formats with widths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.dictionary.export import dictionary_types, export_dictionary
from kittiwake.dictionary.export_types import TypeCatalogue
from kittiwake.dictionary.fields import FaultList
from kittiwake.dictionary.fpp_components import component_names, components_file
from kittiwake.dictionary.fpp_topology import instances_file, topology_file
from kittiwake.dictionary.fpp_types import port_types, ports_file, types_file
from kittiwake.dictionary.standard_types import constants_of

if TYPE_CHECKING:
    from kittiwake.topology.model import Topology


def export_fpp(topology: Topology) -> dict[str, str]:
    """The FPP model of a topology: file name -> text. The files need each other and nothing else.

    Raises `DictionaryFault` where `export_dictionary` does, and for two ports of one name.
    """
    export_dictionary(topology)
    faults = FaultList()
    shown = dictionary_types(topology, faults).forms
    types = TypeCatalogue(faults, octets=True)
    for name, form in shown.items():
        types.add(form, name)
    ports = port_types(topology, types, faults)
    faults.raise_if_any(topology.name)
    names = component_names(topology, {name.partition(".")[0] for name in (*types.forms, *ports)})
    everything = (*types.forms, *ports, *names.values(), *[instance.name for instance in topology.instances])
    modules = {name.partition(".")[0] for name in everything if "." in name}
    return {
        "types.fpp": types_file(types.forms, shown, constants_of(topology)),
        "ports.fpp": ports_file(ports),
        "components.fpp": components_file(topology, names),
        "instances.fpp": instances_file(topology, names),
        "topology.fpp": topology_file(topology, modules),
    }
