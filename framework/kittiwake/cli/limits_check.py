"""`kittiwake limits check`: checks files of limits against a dictionary and lists every fault with its place."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.dictionary_option import add_dictionary_option, chosen_dictionary
from kittiwake.cli.outcome import carry_out, check_each
from kittiwake.cli.seq_text import read_text

PROGRAM = "kittiwake limits check"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(PROGRAM, description="Check files of limits and list every fault.")
    made.add_argument("limits", type=Path, nargs="+", help="file of limits (.yaml)")
    add_dictionary_option(made)
    return made


def main(arguments: list[str]) -> int:
    """Checks every file; 1 if one has faults."""
    return carry_out(parser(), _check, arguments)


def _check(options: argparse.Namespace) -> int:
    from kittiwake.limits.compile import compile_limits
    from kittiwake.limits.table import read_table

    dictionary = chosen_dictionary(options)

    def describe(path: Path) -> str:
        data = compile_limits(read_text(path), str(path), dictionary)
        table = read_table(data)
        points = f"{len(table.watchpoints)} watchpoints, {len(table.actionpoints)} actionpoints"
        return f"{table.name}, {points}, {len(data)} bytes"

    return check_each(PROGRAM, options.limits, describe)
