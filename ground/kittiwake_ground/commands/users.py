"""`kittiwake ground users`: who may use the ground station, with which role."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kittiwake_ground.commands.accounts_file import change_entries, entry_parser

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.people.accounts import Accounts


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = entry_parser(
        "users",
        "Say who may use the ground station (add also changes role and password); a running one hears of it at once.",
        "name", "who", "default: viewer",
    )  # fmt: skip
    made.add_argument("--stdin", action="store_true", help="read the password from standard input, one line")
    return made


def main(arguments: list[str]) -> int:
    """Changes or lists; 1 if it cannot, 2 if the arguments make no sense."""
    return change_entries(
        parser(), arguments, named=lambda options: str(options.name), asked="whom", listed=_listed, add=_add,
        remove=lambda accounts, name: accounts.remove_user(name),
    )  # fmt: skip


def _listed(accounts: Accounts) -> list[str]:
    return [f"{user.name:<24} {user.role}" for user in accounts.users.values()]


def _add(accounts: Accounts, options: argparse.Namespace) -> None:
    accounts.add_user(options.name, options.role, _password(options.stdin))


def _password(from_stdin: bool) -> str:
    from getpass import getpass

    from kittiwake_ground.people.passwords import PasswordFault

    if from_stdin:
        return sys.stdin.readline().rstrip("\n")
    password = getpass("Password: ")
    if getpass("Again: ") != password:
        raise PasswordFault("the two are not the same")
    return password
