"""`kittiwake limits compile`: compiles a file of limits to the table that a device loads."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.dictionary_option import add_dictionary_option, chosen_dictionary
from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake.cli.output import write_whole
from kittiwake.cli.seq_text import read_text


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake limits compile", description="Compile a file of limits to the table that a device loads."
    )
    made.add_argument("limits", type=Path, help="file of limits (.yaml)")
    made.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: beside the text, as .bin")
    add_dictionary_option(made)
    return made


def main(arguments: list[str]) -> int:
    """Compiles and prints the file's name; 1 if the text has faults."""
    return carry_out(parser(), _compile, arguments)


def _compile(options: argparse.Namespace) -> int:
    from kittiwake.limits.compile import compile_limits

    output = options.output or options.limits.with_suffix(".bin")
    if output == options.limits:
        raise Misuse(f"{output} would be overwritten; name another file with -o")
    text = read_text(options.limits)
    write_whole(output, compile_limits(text, str(options.limits), chosen_dictionary(options)))
    print(output)
    return 0
