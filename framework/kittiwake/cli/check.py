"""`kittiwake check`: checks a topology file and lists every fault, each with its place."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.build import compile_topology


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser("kittiwake check", description="Check topology files and list every fault.")
    made.add_argument("topologies", type=Path, nargs="+", metavar="topology", help="topology file (YAML)")
    return made


def main(arguments: list[str]) -> int:
    """Checks; 1 if there are faults."""
    options = parser().parse_args(arguments)
    sound = True
    for path in options.topologies:
        topology = compile_topology(path)
        if topology is None:
            sound = False
            continue
        print(f"{path}: {topology.name}, {len(topology.instances)} instances, {len(topology.connections)} connections")
    return 0 if sound else 1
