"""`kittiwake ground alarms follow`: what becomes of alarms, as it happens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import carry_out
from kittiwake.dictionary.lines import one_line
from kittiwake_ground.commands.alarms.served import alarm_line, alarms_parser
from kittiwake_ground.commands.served import time_text
from kittiwake_ground.commands.server_option import server_address, through_server

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.records import Update


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = alarms_parser("follow", "Print the open alarms, and then what becomes of alarms, until interrupted.")
    made.add_argument("names", nargs="*", metavar="name", help="only of these channels and events: names or patterns")
    return made


def main(arguments: list[str]) -> int:
    """Follows alarms; 1 if the server is lost."""
    return carry_out(parser(), _follow, arguments)


def _follow(options: argparse.Namespace) -> int:
    def take(update: Update) -> None:
        change = update.subject
        if options.json:
            print(json.dumps(update.shown, ensure_ascii=False), flush=True)
            return
        by = f" by {change.by}" if change.by else ""
        said = f": {change.said}" if change.said else ""
        at = time_text(change.alarm.changed_us)
        print(one_line(f"{at}  {change.alarm.level:<6}  {change.alarm.source} {change.action}{by}{said}"), flush=True)

    async def act(station: AsyncDeployment) -> int:
        from kittiwake_ground.commands.news import follow_news

        if not options.json:
            for one in (await station.alarms.current())[::-1]:
                print(one_line(alarm_line(one)), flush=True)
        await follow_news(station, "alarms", options.names, 0, take)
        return 0

    return through_server(options, server_address(options), act)
