"""`kittiwake fpp`: writes a topology and its components in FPP, F´'s modelling language."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.outcome import carry_out
from kittiwake.cli.output import put_text


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake fpp",
        description="Write a topology and its components in FPP, as files that fpp-check accepts together.",
    )
    made.add_argument("topology", type=Path, help="topology file (YAML)")
    made.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the .fpp files")
    return made


def main(arguments: list[str]) -> int:
    """Writes the files and prints their names; 1 if the topology has faults."""
    return carry_out(parser(), _write, arguments)


def _write(options: argparse.Namespace) -> int:
    from kittiwake.dictionary.fpp import export_fpp
    from kittiwake.topology.compile import load_topology

    for name, text in export_fpp(load_topology(options.topology)).items():
        put_text(text, options.output / name)
    return 0
