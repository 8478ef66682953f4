"""`kittiwake keys new`: adds an active key to a key file."""

from __future__ import annotations

import argparse

from kittiwake.cli.key_file import add_algorithm_option, add_file_option, add_key, changing_keys, key_id
from kittiwake.cli.outcome import carry_out


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser("kittiwake keys new", description="Add an active key, and make the file if needed.")
    add_file_option(made)
    add_algorithm_option(made)
    made.add_argument("--id", type=key_id, metavar="N", help="its id, the SPI of CCSDS (default: the next free one)")
    return made


def main(arguments: list[str]) -> int:
    """Adds a key and says which."""
    return carry_out(parser(), _add, arguments)


def _add(options: argparse.Namespace) -> int:
    with changing_keys(options.file) as keys:
        made = add_key(keys, options.id, options.algorithm)
    print(f"{options.file}: key {made.id} is active; bring the file to the device and the ground, by a safe way")
    return 0
