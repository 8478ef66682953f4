"""`kittiwake ground download`: gets a file from a deployment."""

from __future__ import annotations

import argparse
from pathlib import Path

from kittiwake.cli.dictionary_option import chosen_dictionary
from kittiwake.cli.outcome import carry_out
from kittiwake.cli.run import Misuse
from kittiwake_ground.commands.session import EventPrinter, add_session_options, connected, drop, seconds


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground download",
        description="Get a file from the deployment. LOCAL is written once the file is whole and verified.",
    )
    made.add_argument("remote", help="its name in the deployment's root, as in /log/events.jrn")
    made.add_argument("local", type=Path, help="the file here, or a folder")
    made.add_argument(
        "--timeout", type=seconds, default=10.0, metavar="S", help="the longest silence to bear (default: 10)"
    )
    add_session_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Downloads; 1 if the file does not come whole."""
    return carry_out(parser(), _download, arguments)


def _download(options: argparse.Namespace) -> int:
    from kittiwake_ground.downlink import download

    local = options.local.resolve()
    name = options.remote.rpartition("/")[2]
    if local.is_dir():
        if not name:
            raise Misuse(f"{options.remote!r} names no file")
        local /= name
    if not local.parent.is_dir():
        raise Misuse(f"{local.parent} is no folder")
    dictionary = chosen_dictionary(options)
    with connected(options, dictionary) as station:
        station.settle(drop)
        size = download(station, options.remote, local, local.name, options.timeout, EventPrinter(station))
    print(f"{local}: {size} bytes")
    return 0
