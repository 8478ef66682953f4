"""`kittiwake seq check`: checks sequences against a dictionary and lists every fault, each with its place."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.dictionary_option import add_dictionary_option, chosen_dictionary
from kittiwake.cli.outcome import carry_out, check_each
from kittiwake.cli.seq_text import read_text

PROGRAM = "kittiwake seq check"


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(PROGRAM, description="Check command sequences and list every fault.")
    made.add_argument("sequences", type=Path, nargs="+", metavar="sequence", help="sequence text (.seq)")
    add_dictionary_option(made)
    return made


def main(arguments: list[str]) -> int:
    """Checks every file; 1 if one has faults."""
    return carry_out(parser(), _check, arguments)


def _check(options: argparse.Namespace) -> int:
    from kittiwake.faults import Faults
    from kittiwake.sequence.compile import records_of
    from kittiwake.sequence.text import read_text as parse

    dictionary = chosen_dictionary(options)

    def describe(path: Path) -> str:
        text = read_text(path)
        sequence, faults = parse(text, str(path))
        records, more = records_of(sequence, dictionary)
        faults.extend(more)
        if faults:
            raise Faults(faults, {str(path): text})
        return f"{len(records)} commands"

    return check_each(PROGRAM, options.sequences, describe)
