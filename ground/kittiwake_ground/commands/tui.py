"""`kittiwake ground tui`: the ground station on the terminal's whole screen."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake_ground.commands.server_option import add_server_options, server_address, through_ground

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake_ground.client.asynchronous import AsyncGround


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground tui",
        description="Show a deployment on the terminal's whole screen: link, channels, events, commands and alarms; "
        "send commands and acknowledge alarms. The keys are at the bottom, ? lists all of them.",
        epilog="From 80 columns and 24 lines on all of it is seen. NO_COLOR is heeded.",
    )
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Shows until somebody quits; 1 if there is no server, 2 without a terminal or such a deployment."""
    return carry_out(parser(), _show, arguments)


def _show(options: argparse.Namespace) -> int:
    _check_terminal()
    try:
        from kittiwake_ground.tui.app import OperatorApp
    except ModuleNotFoundError as fault:
        if (fault.name or "").partition(".")[0] != "textual":
            raise
        raise Misuse("this needs Textual: pip install 'kittiwake[ground]'") from None
    address = server_address(options)
    names = _deployments(address)
    if options.deployment and options.deployment not in names:
        raise Misuse(f"there is no deployment {options.deployment!r}; there are {', '.join(names) or 'none'}")
    if not names:
        raise ValueError(f"the server at {address} has no deployments")
    OperatorApp(address, options.deployment or names[0], pick=not options.deployment and len(names) > 1).run()
    return 0


def _check_terminal() -> None:
    instead = "`kittiwake ground shell` and `kittiwake ground events --follow` need none"
    if not sys.stdin.isatty() or not sys.stdout.isatty():
        raise Misuse(f"there is no terminal to draw on; {instead}")
    if os.environ.get("TERM", "dumb") in ("", "dumb", "unknown"):
        raise Misuse(f"a terminal with TERM={os.environ.get('TERM', '')} cannot be drawn on; {instead}")


def _deployments(address: str) -> Sequence[str]:
    """The names of the server's deployments. Raises as `through_ground`: before the screen is taken, not after."""
    found: list[str] = []

    async def ask(ground: AsyncGround) -> int:
        found.extend([one.name for one in await ground.deployments()])
        return 0

    through_ground(address, ask)
    return found
