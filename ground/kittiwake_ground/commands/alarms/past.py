"""`kittiwake ground alarms history`: what became of alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.alarms.served import alarms_parser, with_alarms
from kittiwake_ground.commands.served import show, time_text

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.alarms import AsyncAlarms


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = alarms_parser("history", "Print what became of alarms and limits, and who did what, the oldest first.")
    made.add_argument("source", nargs="?", default="", help="only of this channel or event: a name or pattern")
    made.add_argument("--level", action="append", default=[], choices=("YELLOW", "ORANGE", "RED"), help="repeatable")
    made.add_argument("--action", default="", help="raised, worsened, eased, recovered, acknowledged, shelved, ...")
    made.add_argument("--start", metavar="TIME", help="as in 2h, 30m or 2026-11-21T09:00:00")
    made.add_argument("--end", metavar="TIME")
    made.add_argument("--last", type=int, default=100, metavar="N", help="at most so many (default: 100)")
    return made


def main(arguments: list[str]) -> int:
    """Prints history."""
    return with_alarms(parser(), arguments, _print)


async def _print(alarms: AsyncAlarms, options: argparse.Namespace) -> int:
    found = await alarms.history(
        options.source, options.level, options.action, options.start, options.end, limit=options.last
    )
    for one in reversed(found):
        by = f" by {one.by}" if one.by else ""
        said = f": {one.text}" if one.text else ""
        show(options, one, f"{time_text(one.time_us)}  {one.level:<6}  {one.source} {one.action}{by}{said}")
    return 0
