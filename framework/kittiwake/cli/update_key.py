"""`kittiwake update key`: makes the keys of updates."""

from __future__ import annotations

import argparse
import secrets
from pathlib import Path

from kittiwake.cli.key_file import key_id
from kittiwake.cli.outcome import carry_out
from kittiwake.cli.output import write_whole
from kittiwake.cli.update_file import write_secret
from kittiwake.wire.ed25519 import KEY_SIZE, public_key

DEFAULT_FILE = Path("var/update.secret")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake update key", description="Make a secret key that signs updates, and the public one that checks them."
    )
    made.add_argument("--id", type=key_id, default=1, metavar="N", help="its number, 0 to 65535 (default: 1)")
    made.add_argument(
        "-o", "--output", type=Path, default=DEFAULT_FILE, metavar="FILE",
        help=f"the secret key; the public one goes to FILE.pub (default: {DEFAULT_FILE})",
    )  # fmt: skip
    return made


def main(arguments: list[str]) -> int:
    """Makes the pair; 1 if the file is there already."""
    return carry_out(parser(), _make, arguments)


def _make(options: argparse.Namespace) -> int:
    seed = secrets.token_bytes(KEY_SIZE)
    public = options.output.with_name(f"{options.output.name}.pub")
    write_secret(options.output, options.id, seed)
    write_whole(public, f"{options.id} {public_key(seed).hex()}\n".encode())
    print(f"{options.output}: secret, for the ground that signs")
    print(f"{public}: public, a line for update.keys in the device's folder of slots")
    return 0
