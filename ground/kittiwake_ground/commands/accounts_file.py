"""What `kittiwake ground users` and `tokens` have in common: add, remove and list entries of the accounts file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import carry_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_ground.people.accounts import Accounts

DEFAULT_FILE = Path("var/ground/users.json")
ROLE_NAMES = ("viewer", "operator")


def entry_parser(
    program: str, description: str, entry: str, entry_help: str, role_help: str
) -> argparse.ArgumentParser:
    """A parser for an action on the entry that the argument `entry` names."""
    made = argparse.ArgumentParser(f"kittiwake ground {program}", description=description)
    made.add_argument("action", choices=("add", "remove", "list"))
    made.add_argument(entry, nargs="?", default="", help=entry_help)
    made.add_argument("--role", choices=ROLE_NAMES, default="viewer", help=role_help)
    made.add_argument(
        "--users", type=Path, default=DEFAULT_FILE, metavar="FILE", help=f"the users file (default: {DEFAULT_FILE})"
    )
    return made


def change_entries(
    parser: argparse.ArgumentParser, arguments: list[str], *, named: Callable[[argparse.Namespace], str],
    asked: str, listed: Callable[[Accounts], list[str]], remove: Callable[[Accounts, str], None],
    add: Callable[[Accounts, argparse.Namespace], None],
) -> int:  # fmt: skip
    """Changes or lists; 1 if it cannot, 2 if the arguments make no sense (`asked` is what is said without a name)."""

    def act(options: argparse.Namespace) -> int:
        from kittiwake.cli.outcome import Misuse
        from kittiwake_ground.people.accounts import Accounts

        accounts = Accounts(options.users)
        if options.action == "list":
            for line in listed(accounts):
                print(line)
            return 0
        name = named(options)
        if not name:
            raise Misuse(f"{asked} to {options.action}?")
        if options.action == "remove":
            remove(accounts, name)
        else:
            add(accounts, options)
        return 0

    return carry_out(parser, act, arguments)
