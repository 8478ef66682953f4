"""`kittiwake ground tokens`: keys by which programs use the ground station."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.accounts_file import change_entries, entry_parser

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.people.accounts import Accounts


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = entry_parser(
        "tokens", "Make a token, which is shown this once, take one back, or list them.", "id",
        "the token's name, as in nightly-tests", "at most its user's (default: viewer)",
    )  # fmt: skip
    made.add_argument("--user", default="", help="whose it is")
    return made


def main(arguments: list[str]) -> int:
    """Changes or lists; 1 if it cannot, 2 if the arguments make no sense."""
    return change_entries(
        parser(), arguments, named=lambda options: str(options.id), asked="which token", listed=_listed, add=_add,
        remove=lambda accounts, id: accounts.remove_token(id),
    )  # fmt: skip


def _listed(accounts: Accounts) -> list[str]:
    return [f"{token.id:<24} {token.user:<24} {token.role:<10} {token.created}" for token in accounts.tokens.values()]


def _add(accounts: Accounts, options: argparse.Namespace) -> None:
    from kittiwake.cli.outcome import Misuse

    if not options.user:
        raise Misuse("whose token? Say --user NAME")
    print(accounts.add_token(options.id, options.user, options.role))
