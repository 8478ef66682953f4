"""What the `ground` sub-commands share: the options of the link, the session, and what they print of it."""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from math import isfinite
from typing import TYPE_CHECKING

from kittiwake.cli.dictionary_option import add_dictionary_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.station import Item, Station

DEFAULT_LINK = "tcp://127.0.0.1:50000"
"""The other end of where `kittiwake run` listens."""

MAX_WAIT_S = 7 * 86400.0
FRAMING_NAMES = ("ccsds", "fprime")
DEFAULT_FRAMING = "ccsds"
CONNECT_TIMEOUT_S = 5.0


def add_session_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the link and of the dictionary; `None` stands for one that was not given."""
    parser.add_argument(
        "--link", type=_link, metavar="ADDRESS",
        help="tcp://HOST:PORT to a deployment that listens, tcp-listen://HOST:PORT for one that connects, "
        f"udp://HOST:PORT?listen=PORT or serial:///dev/NAME?baud=N (default: {DEFAULT_LINK})",
    )  # fmt: skip
    parser.add_argument("--framing", choices=FRAMING_NAMES, help=f"default: {DEFAULT_FRAMING}")
    parser.add_argument(
        "--connect-timeout", type=seconds, metavar="S",
        help=f"how long to try to connect (default: {CONNECT_TIMEOUT_S:g})",
    )  # fmt: skip
    add_dictionary_option(parser)


def link_of(options: argparse.Namespace) -> str:
    """The link that the options name, or the default one."""
    return str(options.link or DEFAULT_LINK)


def _link(text: str) -> str:
    from kittiwake.wire.link_address import LinkAddressFault, parse_link

    try:
        parse_link(text)
    except LinkAddressFault as fault:
        raise argparse.ArgumentTypeError(str(fault)) from None
    return text


def seconds(text: str) -> float:
    """Reads a time in seconds, up to a week."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not isfinite(found) or not 0 <= found <= MAX_WAIT_S:
        raise argparse.ArgumentTypeError(f"{text!r} is no time in seconds from 0 to {MAX_WAIT_S:.0f}")
    return found


@contextmanager
def connected(options: argparse.Namespace, dictionary: Dictionary) -> Iterator[Station]:
    """A session over the link that the options name. Raises `LinkLost`."""
    from kittiwake_ground.link import make_link
    from kittiwake_ground.station import Station

    timeout_s = CONNECT_TIMEOUT_S if options.connect_timeout is None else options.connect_timeout
    with make_link(link_of(options)) as link:
        station = Station(link, dictionary, options.framing or DEFAULT_FRAMING, complain)
        station.connect(timeout_s)
        yield station


def complain(message: str) -> None:
    """Says something that does not end the command."""
    print(message, file=sys.stderr)


class EventPrinter:
    """Prints the events among the items that come."""

    def __init__(self, station: Station) -> None:
        self._config = station.dictionary.config

    def __call__(self, item: Item) -> None:
        from kittiwake.dictionary.decode import DecodedEvent
        from kittiwake_ground.shown import event_line

        if isinstance(item, DecodedEvent):
            print(event_line(item, self._config), flush=True)


def drop(item: Item) -> None:
    """Takes an item and does nothing with it."""
