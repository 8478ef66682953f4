"""`kittiwake ground events`: prints events."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kittiwake.cli.dictionary_names import EventName
from kittiwake.cli.dictionary_option import chosen_dictionary
from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.printing import EVENT_COLUMNS, Printer
from kittiwake_ground.commands.server_option import add_way_options, by_either_way
from kittiwake_ground.commands.watching import add_watch_options, wanted_names, watch

if TYPE_CHECKING:
    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.records import Update
    from kittiwake_ground.station import Item

SEVERITIES = ("FATAL", "WARNING_HI", "WARNING_LO", "COMMAND", "ACTIVITY_HI", "ACTIVITY_LO", "DIAGNOSTIC")
MAX_LAST = 10_000


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground events",
        description="Print events: those that the server has, or those that the deployment has kept for us.",
    )
    add_watch_options(made, "events", EventName)
    made.add_argument("--severity", choices=SEVERITIES, help="only these and graver ones")
    made.add_argument(
        "--last", type=_count, default=100, metavar="N", help="at most this many of a server's (default: 100)"
    )
    made.add_argument("--start", metavar="TIME", help="a server's from then on: 2026-11-21T04:00:00Z, or 10m for ago")
    made.add_argument("--end", metavar="TIME", help="a server's until then")
    add_way_options(made)
    return made


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= MAX_LAST:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {MAX_LAST}")
    return int(text)


def main(arguments: list[str]) -> int:
    """Prints events; 1 if the link or the server is lost."""
    return carry_out(parser(), _print_events, arguments)


def _print_events(options: argparse.Namespace) -> int:
    return by_either_way(options, _print_straight, _print_through)


def _print_straight(options: argparse.Namespace) -> int:
    from kittiwake.dictionary.decode import DecodedEvent
    from kittiwake.dictionary.lines import event_line
    from kittiwake_ground.shown import event_object

    dictionary = chosen_dictionary(options)
    wanted = wanted_names(options.names, dictionary.events)
    severities = _as_grave(options.severity)
    show = Printer(options, EVENT_COLUMNS)

    def take(item: Item) -> bool:
        if not isinstance(item, DecodedEvent) or item.severity not in severities:
            return False
        if wanted is not None and item.name not in wanted:
            return False
        show(event_object(item, dictionary.config), event_line(item, dictionary.config))
        return True

    watch(options, dictionary, take)
    return 0


async def _print_through(station: AsyncDeployment, options: argparse.Namespace) -> int:
    from kittiwake_ground.client.times import when_us
    from kittiwake_ground.commands.news import follow_news
    from kittiwake_ground.shown import event_object_line

    wanted_names(options.names, [one["name"] for one in (await station.dictionary())["events"]])
    severities = _as_grave(options.severity)
    show = Printer(options, EVENT_COLUMNS)

    def take(update: Update) -> None:
        if update.subject.severity in severities:
            show(update.shown, event_object_line(update.shown))

    if options.follow:
        await follow_news(station, "events", options.names, min(options.last, 1000), take)
    query = {
        "name": options.names, "severity": options.severity, "limit": options.last,
        "start_us": when_us(options.start), "end_us": when_us(options.end),
    }  # fmt: skip
    for one in (await station.request("GET", "/events", query))["events"]:
        show(one, event_object_line(one))
    return 0


def _as_grave(severity: str | None) -> tuple[str, ...]:
    """The severities that are this one or graver."""
    return SEVERITIES[: SEVERITIES.index(severity) + 1] if severity else SEVERITIES
