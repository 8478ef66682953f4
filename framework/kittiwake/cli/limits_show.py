"""`kittiwake limits show`: prints a table of limits as the text that compiles to it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from kittiwake.cli.dictionary_option import add_dictionary_option, chosen_dictionary
from kittiwake.cli.outcome import carry_out
from kittiwake.cli.seq_text import read_bytes


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake limits show", description="Print a table of limits as the text that compiles to it."
    )
    made.add_argument("table", type=Path, help="binary table (.bin)")
    add_dictionary_option(made)
    return made


def main(arguments: list[str]) -> int:
    """Prints the text; 1 if the file is no table, or not one for this dictionary."""
    return carry_out(parser(), _show, arguments)


def _show(options: argparse.Namespace) -> int:
    from kittiwake.limits.decompile import decompile_limits
    from kittiwake.limits.table import TableFault

    content = read_bytes(options.table)
    try:
        sys.stdout.write(decompile_limits(content, chosen_dictionary(options)))
    except TableFault as fault:
        raise ValueError(f"{options.table}: {fault}") from None
    return 0
