"""What the `ground` sub-commands share: the options of the link, the session, and what they print of it."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack, contextmanager
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.dictionary_option import add_dictionary_option
from kittiwake.cli.key_file import key_id
from kittiwake.cli.outcome import Misuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.station import Item, Station, StationSigning

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
    parser.add_argument(
        "--keys", type=Path, metavar="FILE", help="sign what is sent with a key of FILE (`kittiwake keys`)"
    )
    parser.add_argument("--spi", type=key_id, metavar="N", help="the key to sign with (default: the only active one)")
    parser.add_argument(
        "--authenticator", metavar="NAME", help="the link's instance of Authenticator, if the deployment has several"
    )
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
    """A session over the link that the options name, signed if they name a key file.

    Raises `LinkLost`, `Misuse`, and `OSError` or `ValueError` for a key file that cannot be used.
    """
    from kittiwake_ground.link import make_link
    from kittiwake_ground.station import Station

    timeout_s = CONNECT_TIMEOUT_S if options.connect_timeout is None else options.connect_timeout
    with ExitStack() as stack:
        signing = _signing(options, dictionary, stack)
        link = stack.enter_context(make_link(link_of(options)))
        station = Station(link, dictionary, options.framing or DEFAULT_FRAMING, complain, signing)
        station.connect(timeout_s)
        yield station


def _signing(options: argparse.Namespace, dictionary: Dictionary, stack: ExitStack) -> StationSigning | None:
    """What signs, closed with `stack`; `None` without a key file. Raises `Misuse`, `OSError` and `ValueError`."""
    if options.keys is None:
        if options.spi is not None or options.authenticator is not None:
            raise Misuse("--spi and --authenticator go with --keys")
        return None
    from kittiwake_ground.station import StationSigning
    from kittiwake_ground.uplink_signing import (
        AcceptanceWatch,
        SignedUplink,
        choose_key,
        number_folder,
        usable_association,
    )

    association = usable_association(choose_key(options.keys, options.spi))
    watch = AcceptanceWatch(dictionary, association.spi, options.authenticator or "")
    uplink = SignedUplink(association, number_folder(options.keys), link_of(options))
    return StationSigning(stack.enter_context(uplink), watch)


def complain(message: str) -> None:
    """Says something that does not end the command."""
    print(message, file=sys.stderr)


class EventPrinter:
    """Prints the events among the items that come."""

    def __init__(self, station: Station) -> None:
        self._config = station.dictionary.config

    def __call__(self, item: Item) -> None:
        from kittiwake.dictionary.decode import DecodedEvent
        from kittiwake.dictionary.lines import event_line

        if isinstance(item, DecodedEvent):
            print(event_line(item, self._config), flush=True)


def drop(item: Item) -> None:
    """Takes an item and does nothing with it."""
