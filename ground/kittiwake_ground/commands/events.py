"""`kittiwake ground events`: prints events."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kittiwake.cli.dictionary_option import chosen_dictionary
from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.session import add_session_options
from kittiwake_ground.commands.watching import add_watch_options, wanted_names, watch

if TYPE_CHECKING:
    from kittiwake_ground.station import Item

SEVERITIES = ("FATAL", "WARNING_HI", "WARNING_LO", "COMMAND", "ACTIVITY_HI", "ACTIVITY_LO", "DIAGNOSTIC")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground events", description="Print events, those first that the deployment has kept for us."
    )
    add_watch_options(made, "events")
    made.add_argument("--severity", choices=SEVERITIES, help="only these and graver ones")
    add_session_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Prints events; 1 if the link is lost."""
    return carry_out(parser(), _print_events, arguments)


def _print_events(options: argparse.Namespace) -> int:
    import json

    from kittiwake.dictionary.decode import DecodedEvent
    from kittiwake_ground.shown import event_line, event_object

    dictionary = chosen_dictionary(options)
    wanted = wanted_names(options.names, dictionary.events)
    severities = SEVERITIES[: SEVERITIES.index(options.severity) + 1] if options.severity else SEVERITIES

    def take(item: Item) -> bool:
        if not isinstance(item, DecodedEvent) or item.severity not in severities:
            return False
        if wanted is not None and item.name not in wanted:
            return False
        config = dictionary.config
        print(json.dumps(event_object(item, config)) if options.json else event_line(item, config), flush=True)
        return True

    watch(options, dictionary, take)
    return 0
