"""`kittiwake dictionary`: writes the F´ dictionary of a topology."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.outcome import carry_out
from kittiwake.cli.output import put_text


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser("kittiwake dictionary", description="Write the F´ dictionary (JSON) of a topology.")
    made.add_argument("topology", type=Path, help="topology file (YAML)")
    made.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: the terminal")
    return made


def main(arguments: list[str]) -> int:
    """Writes the dictionary; 1 if the topology has faults."""
    return carry_out(parser(), _write, arguments)


def _write(options: argparse.Namespace) -> int:
    import json

    from kittiwake import __version__
    from kittiwake.dictionary.export import export_dictionary
    from kittiwake.topology.compile import load_topology

    dictionary = export_dictionary(load_topology(options.topology), __version__)
    put_text(json.dumps(dictionary, indent=2) + "\n", options.output)
    return 0
