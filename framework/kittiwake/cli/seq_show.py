"""`kittiwake seq show`: prints a binary sequence as the text that compiles to it."""

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
        "kittiwake seq show", description="Print a binary sequence as the text that compiles to it."
    )
    made.add_argument("sequence", type=Path, help="binary sequence (.bin)")
    add_dictionary_option(made)
    return made


def main(arguments: list[str]) -> int:
    """Prints the text; 1 if the file is no sequence, or not one for this dictionary."""
    return carry_out(parser(), _show, arguments)


def _show(options: argparse.Namespace) -> int:
    from kittiwake.sequence.binary import SequenceError
    from kittiwake.sequence.decompile import decompile

    content = read_bytes(options.sequence)
    try:
        sys.stdout.write(decompile(content, chosen_dictionary(options)))
    except SequenceError as fault:
        raise ValueError(f"{options.sequence}: {fault}") from None
    return 0
