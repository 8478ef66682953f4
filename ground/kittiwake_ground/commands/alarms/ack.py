"""`kittiwake ground alarms ack`: says that somebody has seen alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse
from kittiwake_ground.commands.alarms.served import alarm_line, alarms_parser, with_alarms
from kittiwake_ground.commands.served import show

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.alarms import AsyncAlarms


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = alarms_parser("ack", "Acknowledge alarms. Ends with 1 if there was nothing to acknowledge.")
    made.add_argument("alarms", nargs="*", metavar="alarm", help="numbers, or names or patterns of their sources")
    made.add_argument("--all", action="store_true", help="all that are not shelved")
    made.add_argument("--comment", default="", metavar="TEXT")
    return made


def main(arguments: list[str]) -> int:
    """Acknowledges; 1 if there was nothing, 2 for a number that no open alarm has."""
    return with_alarms(parser(), arguments, _acknowledge)


async def _acknowledge(alarms: AsyncAlarms, options: argparse.Namespace) -> int:
    if bool(options.alarms) is options.all:
        raise Misuse("which alarms? Name numbers or patterns, or --all")
    seen = []
    for one in options.alarms or [""]:
        if one.isdecimal():
            seen.append(await alarms.acknowledge(int(one), options.comment))
        else:
            seen += await alarms.acknowledge_all(one, options.comment)
    for alarm in seen:
        show(options, alarm, alarm_line(alarm))
    if not seen:
        raise ValueError("there is nothing to acknowledge")
    return 0
