"""`kittiwake xtce`: writes a dictionary as XTCE, for Yamcs and other ground systems."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.dictionary_option import add_dictionary_option, chosen_dictionary
from kittiwake.cli.outcome import carry_out
from kittiwake.cli.output import put_text


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake xtce", description="Write a dictionary as XTCE 1.2 (XML), as Yamcs reads."
    )
    add_dictionary_option(made)
    made.add_argument(
        "--flat", action="store_true",
        help="one space system and no arrays or structs, for readers that know neither",
    )  # fmt: skip
    made.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: the terminal")
    return made


def main(arguments: list[str]) -> int:
    """Writes the document; 1 if the topology or dictionary has faults."""
    return carry_out(parser(), _write, arguments)


def _write(options: argparse.Namespace) -> int:
    from kittiwake.dictionary.xtce import xtce_text

    put_text(xtce_text(chosen_dictionary(options), flat=options.flat), options.output)
    return 0
