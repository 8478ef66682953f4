"""`kittiwake ground passes remove`: removes a contact, or one pass of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.passes.listing import contact_line
from kittiwake_ground.commands.passes.served import moment
from kittiwake_ground.commands.served import served_parser, show, with_station

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = served_parser("passes remove", "Remove a contact, or of one that recurs a single pass.")
    made.add_argument("contact", type=int, help="its number")
    made.add_argument("--at", type=moment, metavar="TIME", help="only the pass that starts then")
    return made


def main(arguments: list[str]) -> int:
    """Removes; 2 for a contact that there is not."""
    return with_station(parser(), arguments, _remove)


async def _remove(station: AsyncDeployment, options: argparse.Namespace) -> int:
    removed = await station.passes.remove(options.contact, options.at)
    show(options, removed, contact_line(removed))
    return 0
