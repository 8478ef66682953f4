"""`kittiwake ground upload`: brings a file to a deployment."""

from __future__ import annotations

import argparse
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.dictionary_option import chosen_dictionary
from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake_ground.commands.server_option import add_way_options, server_of, through_server
from kittiwake_ground.commands.session import EventPrinter, connected, drop, link_of, seconds

if TYPE_CHECKING:
    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground upload", description="Bring a file to the deployment; end with 0 once it has it, verified."
    )
    made.add_argument("local", type=Path, help="the file here")
    made.add_argument("remote", help="its name in the deployment's root, as in /seq/startup.bin")
    made.add_argument(
        "--timeout", type=seconds, default=10.0, metavar="S",
        help="how long the deployment may take over --link to say that it has the file (default: 10)",
    )  # fmt: skip
    made.add_argument(
        "--rate", type=_rate, metavar="N",
        help="bytes a second over --link, 0: all that it takes (default: 1000000; 50000 over UDP; by the baud rate)",
    )  # fmt: skip
    made.add_argument(
        "--cfdp", action="store_true",
        help="send it by CFDP: to REMOTE in the deployment's inbox, and on after lost links and restarts",
    )  # fmt: skip
    add_way_options(made)
    return made


def _rate(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not isfinite(found) or (found != 0 and found < 1):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of bytes a second")
    return found


def main(arguments: list[str]) -> int:
    """Uploads; 1 if the deployment does not take the file."""
    return carry_out(parser(), _upload, arguments)


def _upload(options: argparse.Namespace) -> int:
    from kittiwake_ground.client.deployment import MAX_FILE_SIZE
    from kittiwake_ground.client.local_files import read_limited

    content = read_limited(options.local, MAX_FILE_SIZE)
    address = server_of(options)
    if address is None and options.cfdp:
        raise Misuse("--cfdp goes through a server, which goes on with it; see `kittiwake ground serve`")
    if address is None:
        _upload_straight(options, content)
    elif options.rate is not None:
        raise Misuse("--rate goes with --link: a server has its own pace")
    else:

        async def act(station: AsyncDeployment) -> int:
            return await _upload_through(station, options)

        through_server(options, address, act)
    print(f"{options.remote}: {len(content)} bytes")
    return 0


async def _upload_through(station: AsyncDeployment, options: argparse.Namespace) -> int:
    from kittiwake_ground.commands.progress import progress_bar

    with progress_bar(options.remote) as told:
        await station.upload(options.local, options.remote, told, way="cfdp" if options.cfdp else "packets")
    return 0


def _upload_straight(options: argparse.Namespace, content: bytes) -> None:
    from kittiwake.wire.link_address import parse_link
    from kittiwake_ground.uplink import Uplink, default_rate

    dictionary = chosen_dictionary(options)
    rate = default_rate(parse_link(link_of(options))) if options.rate is None else options.rate
    with connected(options, dictionary) as station:
        uplink = Uplink(station, options.timeout, rate, EventPrinter(station))
        station.settle(drop)
        uplink.send(content, options.local.name, options.remote)
