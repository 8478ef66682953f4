"""`kittiwake ground alarms list`: the open alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.alarms.served import OPEN_STATUS, alarm_line, alarms_parser, with_alarms
from kittiwake_ground.commands.served import show
from kittiwake_ground.commands.session import complain

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.alarms import AsyncAlarms


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = alarms_parser(
        "list",
        "List the open alarms, the worst first. Ends with 0 if there is none but shelved ones, with 3 if there is, "
        "with 1 if the server cannot be asked.",
    )
    made.add_argument("--unacknowledged", action="store_true", help="only those that nobody has acknowledged")
    return made


def main(arguments: list[str]) -> int:
    """Lists alarms; 3 if there is one."""
    return with_alarms(parser(), arguments, _list)


async def _list(alarms: AsyncAlarms, options: argparse.Namespace) -> int:
    found = await alarms.current()
    if options.unacknowledged:
        found = [one for one in found if not one.acknowledged_by]
    for one in found:
        show(options, one, alarm_line(one))
    if not found and not options.json:
        complain("No alarm is open.")
    return OPEN_STATUS if any(not one.shelved_until_us for one in found) else 0
