"""`kittiwake schema`: prints the JSON Schema of topology files, which editors complete and check with."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.outcome import carry_out
from kittiwake.cli.output import put_text


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser("kittiwake schema", description="Print the JSON Schema of topology files.")
    made.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: the terminal")
    return made


def main(arguments: list[str]) -> int:
    """Prints the schema."""
    return carry_out(parser(), _print_schema, arguments)


def _print_schema(options: argparse.Namespace) -> int:
    import json

    from kittiwake.topology.schema import topology_schema

    put_text(json.dumps(topology_schema(), indent=2) + "\n", options.output)
    return 0
