"""`kittiwake keys list`: lists the keys of a key file."""

from __future__ import annotations

import argparse

from kittiwake.cli.key_file import add_file_option, load_keys
from kittiwake.cli.outcome import carry_out
from kittiwake.wire.uplink_keys import HMAC_SHA256


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser("kittiwake keys list", description="List the keys: id, state, when made.")
    add_file_option(made)
    made.add_argument("--show", action="store_true", help="print the keys themselves too")
    return made


def main(arguments: list[str]) -> int:
    """Lists the keys."""
    return carry_out(parser(), _list, arguments)


def _list(options: argparse.Namespace) -> int:
    for key in load_keys(options.file):
        words = [f"{key.id:5}  {key.state:<7}  {key.created}"]
        words += [key.algorithm] if key.algorithm != HMAC_SHA256 else []
        words += [key.secret.hex()] if options.show else []
        print("  ".join(words))
    return 0
