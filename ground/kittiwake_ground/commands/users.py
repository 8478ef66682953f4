"""`kittiwake ground users`: who may use the ground station, with which role."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import carry_out

if TYPE_CHECKING:
    from kittiwake_ground.people.accounts import Accounts

DEFAULT_FILE = Path("var/ground/users.json")
ROLE_NAMES = ("viewer", "operator")


def add_users_option(parser: argparse.ArgumentParser) -> None:
    """Adds the option that says which file."""
    parser.add_argument(
        "--users", type=Path, default=DEFAULT_FILE, metavar="FILE", help=f"the users file (default: {DEFAULT_FILE})"
    )


def opened(options: argparse.Namespace) -> Accounts:
    """The accounts in the file that the options name. Raises `OSError` and `AccountFault`."""
    from kittiwake_ground.people.accounts import Accounts

    return Accounts(options.users)


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground users", description="Say who may use the ground station; a running one hears of it at once."
    )
    made.add_argument("action", choices=("add", "remove", "list"), help="add also changes role and password")
    made.add_argument("name", nargs="?", default="", help="who")
    made.add_argument("--role", choices=ROLE_NAMES, default="viewer", help="default: viewer")
    made.add_argument("--stdin", action="store_true", help="read the password from standard input, one line")
    add_users_option(made)
    return made


def main(arguments: list[str]) -> int:
    """Changes or lists; 1 if it cannot, 2 if the arguments make no sense."""
    return carry_out(parser(), _act, arguments)


def _act(options: argparse.Namespace) -> int:
    from kittiwake.cli.run import Misuse

    accounts = opened(options)
    if options.action == "list":
        for user in accounts.users.values():
            print(f"{user.name:<24} {user.role}")
        return 0
    if not options.name:
        raise Misuse(f"whom to {options.action}?")
    if options.action == "remove":
        accounts.remove_user(options.name)
    else:
        accounts.add_user(options.name, options.role, _password(options.stdin))
    return 0


def _password(from_stdin: bool) -> str:
    from getpass import getpass

    from kittiwake_ground.people.passwords import PasswordFault

    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    password = getpass("Password: ")
    if getpass("Again: ") != password:
        raise PasswordFault("the two are not the same")
    return password
