"""`kittiwake ground replay`: prints what came at a time that is past, as it came then."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kittiwake_ground.commands.printing import CHANNEL_COLUMNS, EVENT_COLUMNS, Printer, add_format_options
from kittiwake_ground.commands.served import with_station
from kittiwake_ground.commands.server_option import add_server_options

if TYPE_CHECKING:
    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground replay", description="Print the events of a time that is past as they came then, or channels."
    )
    made.add_argument("name", nargs="*", help="only these: full names or patterns, as in 'CdhCore.*'")
    made.add_argument("--at", required=True, metavar="TIME", help="2026-11-21T04:00:00Z, or how long ago: 90s, 10m, 2h")
    made.add_argument("--until", metavar="TIME", help="likewise; default: now")
    made.add_argument(
        "--speed", type=float, default=1.0, metavar="N", help="seconds of then in one of now (default: 1)"
    )
    made.add_argument("--channels", action="store_true", help="the values of channels instead of events")
    add_format_options(made)
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Replays; 1 if there is no server or no archive, 2 for a time or speed that makes no sense."""
    return with_station(parser(), arguments, _print)


async def _print(station: AsyncDeployment, options: argparse.Namespace) -> int:
    from kittiwake_ground.commands.session import complain
    from kittiwake_ground.shown import channel_object_line, event_object_line

    kind, columns, line = "events", EVENT_COLUMNS, event_object_line
    if options.channels:
        kind, columns, line = "channels", CHANNEL_COLUMNS, channel_object_line
    show = Printer(options, columns)
    async for update in station.past.replay(options.at, options.until, options.speed, (kind,), options.name):
        if update.dropped:
            complain(f"{update.dropped} were left out: this terminal is too slow")
        show(update.shown, line(update.shown))
    return 0
