"""`kittiwake ground tokens`: keys by which programs use the ground station."""

from __future__ import annotations

import argparse

from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.users import ROLE_NAMES, add_users_option, opened


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground tokens", description="Make a token, which is shown this once, take one back, or list them."
    )
    made.add_argument("action", choices=("add", "remove", "list"))
    made.add_argument("id", nargs="?", default="", help="the token's name, as in nightly-tests")
    made.add_argument("--user", default="", help="whose it is")
    made.add_argument("--role", choices=ROLE_NAMES, default="viewer", help="at most its user's (default: viewer)")
    add_users_option(made)
    return made


def main(arguments: list[str]) -> int:
    """Changes or lists; 1 if it cannot, 2 if the arguments make no sense."""
    return carry_out(parser(), _act, arguments)


def _act(options: argparse.Namespace) -> int:
    from kittiwake.cli.run import Misuse

    accounts = opened(options)
    if options.action == "list":
        for token in accounts.tokens.values():
            print(f"{token.id:<24} {token.user:<24} {token.role:<10} {token.created}")
        return 0
    if not options.id:
        raise Misuse(f"which token to {options.action}?")
    if options.action == "remove":
        accounts.remove_token(options.id)
        return 0
    if not options.user:
        raise Misuse("whose token? Say --user NAME")
    print(accounts.add_token(options.id, options.user, options.role))
    return 0
