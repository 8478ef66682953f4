"""`kittiwake ground alarms shelve`: has nobody be told of an alarm for a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse
from kittiwake_ground.commands.alarms.served import alarm_line, alarms_parser, with_alarms
from kittiwake_ground.commands.served import show
from kittiwake_ground.commands.session import seconds

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.alarms import AsyncAlarms


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = alarms_parser("shelve", "Have nobody be told of an alarm for a time, also if it comes again; or end that.")
    made.add_argument("alarm", type=int, help="its number")
    made.add_argument("--for", dest="for_s", type=seconds, metavar="S", help="for how long, at most a week")
    made.add_argument("--end", action="store_true", help="have people be told again")
    made.add_argument("--comment", default="", metavar="TEXT", help="why")
    return made


def main(arguments: list[str]) -> int:
    """Shelves; 2 for a number that no open alarm has."""
    return with_alarms(parser(), arguments, _shelve)


async def _shelve(alarms: AsyncAlarms, options: argparse.Namespace) -> int:
    if (options.for_s is None) is not options.end:
        raise Misuse("for how long? Give --for, or --end")
    if options.end:
        alarm = await alarms.unshelve(options.alarm)
    else:
        alarm = await alarms.shelve(options.alarm, options.for_s, options.comment)
    show(options, alarm, alarm_line(alarm))
    return 0
