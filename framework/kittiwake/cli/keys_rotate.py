"""`kittiwake keys rotate`: replaces an active key by a new one."""

from __future__ import annotations

import argparse

from kittiwake.cli.key_file import add_algorithm_option, add_file_option, add_key, changing_keys, key_id
from kittiwake.cli.outcome import Misuse, carry_out


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake keys rotate", description="Add an active key and retire the one before, in one step."
    )
    add_file_option(made)
    add_algorithm_option(made)
    made.add_argument("--id", type=key_id, metavar="N", help="the key to retire (default: the only active one)")
    return made


def main(arguments: list[str]) -> int:
    """Rotates and says which key follows which; 1 if there is no such active key."""
    return carry_out(parser(), _rotate, arguments)


def _rotate(options: argparse.Namespace) -> int:
    if not options.file.exists():
        raise FileNotFoundError(2, "there is no key file; `kittiwake keys new` makes one", str(options.file))
    with changing_keys(options.file) as keys:
        active = [key for key in keys if key.active]
        if options.id is not None:
            active = [key for key in active if key.id == options.id]
        if not active:
            wanted = "no key is active" if options.id is None else f"there is no active key {options.id}"
            raise ValueError(f"{options.file}: {wanted}")
        if len(active) > 1:
            raise Misuse(f"several keys are active, name one with --id: {', '.join(str(key.id) for key in active)}")
        made = add_key(keys, algorithm=options.algorithm)
        active[0].active = False
    print(f"{options.file}: key {made.id} is active, key {active[0].id} is retired")
    return 0
