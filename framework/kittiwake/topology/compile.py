"""Compiles a topology file: reads it and what it imports, checks everything, and reports all faults at once."""

from __future__ import annotations

from pathlib import Path

from kittiwake.topology.connections import check_connections
from kittiwake.topology.cycles import check_calls
from kittiwake.topology.draft import read_draft
from kittiwake.topology.instances import check_instances
from kittiwake.topology.model import Topology
from kittiwake.topology.packets import check_packets
from kittiwake.topology.services import check_services
from kittiwake.topology.source import Report


def load_topology(path: str | Path) -> Topology:
    """The checked topology of a main topology file.

    Its components are imported, so that their package must be on the module path. Raises
    `kittiwake.faults.Faults` with every fault of every file, sources included.
    """
    report = Report()
    draft = read_draft(Path(path), report)
    if draft is None:
        report.finish()
    assert draft is not None, "a file that cannot be read has a fault"
    instances = check_instances(draft, report)
    lines = check_connections(draft, instances, report)
    services = check_services(draft, instances, report)
    packets = check_packets(draft, instances, report)
    check_calls(lines, report)
    report.finish()
    return Topology(
        name=draft.name.text,
        instances=tuple(instances.values()),
        connections=tuple(line.connection() for line in lines),
        services=services,
        packets=packets,
        doc=draft.doc,
    )
