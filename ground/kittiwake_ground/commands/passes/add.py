"""`kittiwake ground passes add`: adds a contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse
from kittiwake_ground.commands.passes.listing import contact_line
from kittiwake_ground.commands.passes.served import moment, span
from kittiwake_ground.commands.served import served_parser, show, with_station

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = served_parser(
        "passes add", "Add a contact, once or again and again. Rates that are not given are those of earlier passes."
    )
    start = made.add_mutually_exclusive_group(required=True)
    start.add_argument("--start", type=moment, metavar="TIME", help="a date, as in 2026-11-27T20:15:00Z")
    start.add_argument("--in", dest="after", type=span, metavar="TIME", help="so long from now: 90s, 10m, 2h, 7d")
    made.add_argument("--for", dest="duration", type=span, required=True, metavar="TIME", help="how long, as in 12m")
    made.add_argument("--name", default="", metavar="TEXT")
    made.add_argument("--link", default="", metavar="TEXT", help="what it goes over: rates are measured of each")
    made.add_argument("--down", type=float, default=0.0, metavar="BPS", help="bits a second from the deployment")
    made.add_argument("--up", type=float, default=0.0, metavar="BPS", help="bits a second to it")
    made.add_argument("--efficiency", type=float, metavar="X", help="share of the bits that is data (default: 0.85)")
    made.add_argument("--every", type=span, default=0.0, metavar="TIME", help="again each so long, as in 24h")
    made.add_argument("--until", type=moment, metavar="TIME", help="but not from then on")
    return made


def main(arguments: list[str]) -> int:
    """Adds a contact; 2 for one that cannot be, or overlaps another."""
    return with_station(parser(), arguments, _add)


async def _add(station: AsyncDeployment, options: argparse.Namespace) -> int:
    if options.until is not None and not options.every:
        raise Misuse("--until goes with --every")
    start = options.start
    if start is None:
        import time

        start = time.time_ns() // 1000 + round(options.after * 1e6)
    made = await station.passes.add(
        start, options.duration, options.name, options.link, options.down, options.up, options.every, options.until,
        options.efficiency,
    )  # fmt: skip
    show(options, made, contact_line(made))
    return 0
