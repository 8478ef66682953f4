"""`kittiwake ground channels`: prints the values of telemetry channels."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kittiwake.cli.dictionary_option import chosen_dictionary
from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.session import add_session_options
from kittiwake_ground.commands.watching import add_watch_options, wanted_names, watch

if TYPE_CHECKING:
    from kittiwake.dictionary.decode import DecodedChannel
    from kittiwake_ground.station import Item


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground channels",
        description="Print telemetry: the last value of each channel that came, or with --follow every value.",
    )
    add_watch_options(made, "channels")
    add_session_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Prints channels; 1 if the link is lost."""
    return carry_out(parser(), _print_channels, arguments)


def _print_channels(options: argparse.Namespace) -> int:
    import json

    from kittiwake.dictionary.decode import DecodedChannel
    from kittiwake_ground.shown import channel_line, channel_object

    dictionary = chosen_dictionary(options)
    wanted = wanted_names(options.names, dictionary.channels)
    last: dict[str, DecodedChannel] = {}

    def show(channel: DecodedChannel) -> None:
        config = dictionary.config
        print(
            json.dumps(channel_object(channel, config)) if options.json else channel_line(channel, config), flush=True
        )

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
