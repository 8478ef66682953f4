"""`kittiwake ground download`: gets a file from a deployment."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.dictionary_option import chosen_dictionary
from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake_ground.commands.server_option import add_way_options, server_of, through_server
from kittiwake_ground.commands.session import EventPrinter, connected, drop, seconds

if TYPE_CHECKING:
    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground download",
        description="Get a file from the deployment. LOCAL is written once the file is whole and verified.",
    )
    made.add_argument("remote", help="its name in the deployment's root, as in /log/events.jrn")
    made.add_argument("local", type=Path, help="the file here, or a folder")
    made.add_argument(
        "--timeout",
        type=seconds,
        default=10.0,
        metavar="S",
        help="the longest silence to bear over --link (default: 10)",
    )
    add_way_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Downloads; 1 if the file does not come whole."""
    return carry_out(parser(), _download, arguments)


def _download(options: argparse.Namespace) -> int:
    local = options.local.resolve()
    name = options.remote.rpartition("/")[2]
    if local.is_dir():
        if not name:
            raise Misuse(f"{options.remote!r} names no file")
        local /= name
    if not local.parent.is_dir():
        raise Misuse(f"{local.parent} is no folder")
    address = server_of(options)
    if address is None:
        print(f"{local}: {_download_straight(options, local)} bytes")
        return 0

    async def act(station: AsyncDeployment) -> int:
        return await _download_through(station, options.remote, local)

    return through_server(options, address, act)


async def _download_through(station: AsyncDeployment, remote: str, local: Path) -> int:
    from kittiwake_ground.commands.progress import progress_bar

    with progress_bar(remote) as told:
        result = await station.download(remote, local, told)
    print(f"{local}: {result.size} bytes")
    return 0


def _download_straight(options: argparse.Namespace, local: Path) -> int:
    from kittiwake_ground.downlink import download

    dictionary = chosen_dictionary(options)
    with connected(options, dictionary) as station:
        station.settle(drop)
        return download(station, options.remote, local, local.name, options.timeout, EventPrinter(station))
