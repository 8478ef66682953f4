"""The options that say where a building's API is and who asks, and what all sub-commands do with it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_ground.building.agent import Agent, CallRefused

VARIABLE = "KITTIWAKE_BUILDING"
TOKEN_VARIABLE = f"{VARIABLE}_TOKEN"
MISUSED = ("TypeError", "ValueError")
"""Kinds of refusals of what makes no sense, whoever asks and whenever."""


def actuator_parser(name: str, description: str) -> argparse.ArgumentParser:
    """The parser of a sub-command, with `--json` and the options of the API."""
    made = argparse.ArgumentParser(f"kittiwake ground actuator {name}", description=description)
    made.add_argument("--api", metavar="URL", help=f"the building's API (default: ${VARIABLE})")
    made.add_argument(
        "--token-file", type=Path, metavar="FILE", help=f"has the token, alone (default: ${TOKEN_VARIABLE}, the token)"
    )
    made.add_argument("--json", action="store_true", help="one JSON object a line")
    return made


def api_of(options: argparse.Namespace) -> tuple[str, str]:
    """The address and the token that the options or the environment name. Raises `Misuse`, and as `read_token` does."""
    from kittiwake_ground.building.access import EXAMPLE, api_address, read_token

    address = options.api or os.environ.get(VARIABLE)
    if not address:
        raise Misuse(f"where is the building's API? Name it with --api, as in {EXAMPLE}, or in ${VARIABLE}")
    token = read_token(options.token_file) if options.token_file else os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise Misuse(f"who asks? Name a file that has a token with --token-file, or set ${TOKEN_VARIABLE}")
    try:
        return api_address(address), token
    except ValueError as fault:
        raise Misuse(str(fault)) from None


def with_agent(options: argparse.Namespace, action: Callable[[Agent], int]) -> int:
    """Does something with the actuator and gives its status.

    Raises `Misuse` for what makes no sense, and `ValueError` or `OSError` for whatever else went wrong.
    """
    from kittiwake_ground.building.agent import CallRefused, connected_agent

    with connected_agent(*api_of(options)) as agent:
        try:
            return action(agent)
        except CallRefused as fault:
            raise _told(fault) from None


def _told(fault: CallRefused) -> ValueError:
    if fault.kind in MISUSED:
        return Misuse(str(fault))
    if fault.kind == "LockError":
        return ValueError(f"{fault}; ask for the device first: kittiwake ground actuator new")
    return fault
