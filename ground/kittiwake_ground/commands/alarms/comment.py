"""`kittiwake ground alarms comment`: says something about an alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.alarms.served import alarm_line, alarms_parser, with_alarms
from kittiwake_ground.commands.served import show

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.alarms import AsyncAlarms


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = alarms_parser("comment", "Say something about an alarm; the last words are shown with it.")
    made.add_argument("alarm", type=int, help="its number")
    made.add_argument("text")
    return made


def main(arguments: list[str]) -> int:
    """Comments; 2 for a number that no open alarm has."""
    return with_alarms(parser(), arguments, _comment)


async def _comment(alarms: AsyncAlarms, options: argparse.Namespace) -> int:
    alarm = await alarms.comment(options.alarm, options.text)
    show(options, alarm, alarm_line(alarm))
    return 0
