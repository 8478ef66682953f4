"""`kittiwake ground channels`: prints the values of telemetry channels."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kittiwake.cli.dictionary_names import ChannelName
from kittiwake.cli.dictionary_option import chosen_dictionary
from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.printing import CHANNEL_COLUMNS, Printer
from kittiwake_ground.commands.server_option import add_way_options, by_either_way
from kittiwake_ground.commands.watching import add_watch_options, wanted_names, watch

if TYPE_CHECKING:
    from kittiwake.dictionary.decode import DecodedChannel
    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.records import Update
    from kittiwake_ground.station import Item


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground channels",
        description="Print telemetry: the last value of each channel that came, or with --follow every value.",
    )
    add_watch_options(made, "channels", ChannelName)
    add_way_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Prints channels; 1 if the link or the server is lost."""
    return carry_out(parser(), _print_channels, arguments)


def _print_channels(options: argparse.Namespace) -> int:
    return by_either_way(options, _print_straight, _print_through)


def _print_straight(options: argparse.Namespace) -> int:
    from kittiwake.dictionary.decode import DecodedChannel
    from kittiwake_ground.shown import channel_line, channel_object

    dictionary = chosen_dictionary(options)
    wanted = wanted_names(options.names, dictionary.channels)
    last: dict[str, DecodedChannel] = {}
    printer = Printer(options, CHANNEL_COLUMNS)

    def show(channel: DecodedChannel) -> None:
        printer(channel_object(channel, dictionary.config), channel_line(channel, dictionary.config))

    def take(item: Item) -> bool:
        if not isinstance(item, DecodedChannel) or (wanted is not None and item.name not in wanted):
            return False
        if options.follow:
            show(item)
        else:
            last[item.name] = item
        return True

    watch(options, dictionary, take)
    for name in dictionary.channels:
        if name in last:
            show(last[name])
    return 0


async def _print_through(station: AsyncDeployment, options: argparse.Namespace) -> int:
    from kittiwake_ground.commands.news import follow_news
    from kittiwake_ground.shown import channel_object_line

    wanted_names(options.names, [one["name"] for one in (await station.dictionary())["channels"]])
    show = Printer(options, CHANNEL_COLUMNS)

    def take(update: Update) -> None:
        show(update.shown, channel_object_line(update.shown))

    if options.follow:
        await follow_news(station, "channels", options.names, 1000, take)
    for one in (await station.request("GET", "/channels", {"name": options.names}))["channels"]:
        show(one, channel_object_line(one))
    return 0
