"""`kittiwake ground passes import`: takes the contacts of a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake_ground.commands.passes.listing import contact_line
from kittiwake_ground.commands.served import served_parser, show, with_station

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = served_parser(
        "passes import",
        "Take the contacts of a file, all of them or none: CSV with a head (start, end or duration_s, name, link, "
        "down_bps, up_bps, efficiency, every_s, until, uid), or iCalendar. Each replaces what had its uid before.",
    )
    made.add_argument("file", type=Path)
    made.add_argument("--replace", action="store_true", help="what is to come of earlier files, and not in it, goes")
    return made


def main(arguments: list[str]) -> int:
    """Imports; 1 for a file with faults, which are listed with their lines."""
    return with_station(parser(), arguments, _take)


async def _take(station: AsyncDeployment, options: argparse.Namespace) -> int:
    for one in await station.passes.take_file(options.file, options.replace):
        show(options, one, contact_line(one))
    return 0
