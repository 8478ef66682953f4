"""The loop of the sub-commands that print what a deployment sends: for a while, or on and on."""

from __future__ import annotations

import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from kittiwake_ground.commands.printing import add_format_options
from kittiwake_ground.commands.session import complain, connected, seconds

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.station import Item, Station

POLL_S = 1.0
RECONNECT_S = 60.0


def add_watch_options(parser: argparse.ArgumentParser, noun: str, name: type[str]) -> None:
    """Adds what chooses and how long."""
    parser.add_argument(
        "names",
        nargs="*",
        type=name,
        metavar="name",
        help=f"only these {noun}: full names or patterns, as in 'CdhCore.*'",
    )
    parser.add_argument("--follow", action="store_true", help="go on until interrupted, and connect again if need be")
    parser.add_argument(
        "--wait", type=seconds, default=2.0, metavar="S",
        help="how long to listen to a link without --follow (default: 2); a server knows at once",
    )  # fmt: skip
    add_format_options(parser)


def wanted_names(patterns: list[str], known: Iterable[str]) -> set[str] | None:
    """The names that the patterns choose, or `None` for all. Raises `UnknownName` for a pattern that chooses none."""
    if not patterns:
        return None
    from kittiwake.dictionary.entries import UnknownName
    from kittiwake.faults import did_you_mean

    names = list(known)
    chosen: set[str] = set()
    for pattern in patterns:
        found = [name for name in names if fnmatchcase(name, pattern)]
        if not found:
            raise UnknownName(f"nothing is called {pattern!r}", did_you_mean(pattern, names))
        chosen.update(found)
    return chosen


def watch(options: argparse.Namespace, dictionary: Dictionary, take: Callable[[Item], bool]) -> None:
    """Hands over what comes; `take` says whether it wanted the item. Raises `LinkLost`.

    Without `--follow` it ends after `--wait`, and says so if nothing was wanted.
    """
    with connected(options, dictionary) as station:
        deadline = float("inf") if options.follow else time.monotonic() + options.wait
        some = False
        while (left_s := deadline - time.monotonic()) > 0:
            for item in _receive(station, min(left_s, POLL_S), options.follow):
                some = take(item) or some
        if not some:
            complain(f"Nothing of that came within {options.wait:g} s.")


def _receive(station: Station, timeout_s: float, reconnect: bool) -> list[Item]:
    from kittiwake_ground.link import LinkLost

    try:
        return station.receive(timeout_s)
    except LinkLost as lost:
        if not reconnect:
            raise
        complain(f"{lost}; connecting again")
    station.connect(RECONNECT_S)
    complain("connected again")
    return []
