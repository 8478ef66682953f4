"""`kittiwake ground upload`: brings a file to a deployment."""

from __future__ import annotations

import argparse
from math import isfinite
from pathlib import Path

from kittiwake.cli.dictionary_option import chosen_dictionary
from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.session import EventPrinter, add_session_options, connected, drop, seconds

MAX_FILE_SIZE = 1 << 30


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground upload", description="Bring a file to the deployment; end with 0 once it has it, verified."
    )
    made.add_argument("local", type=Path, help="the file here")
    made.add_argument("remote", help="its name in the deployment's root, as in /seq/startup.bin")
    made.add_argument(
        "--timeout", type=seconds, default=10.0, metavar="S",
        help="how long to wait for the deployment to say that it has the file (default: 10)",
    )  # fmt: skip
    made.add_argument(
        "--rate", type=_rate, metavar="N",
        help="bytes a second, 0 for as many as the link takes (default: 1000000; 50000 over UDP; by the baud rate)",
    )  # fmt: skip
    add_session_options(made)
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
    from kittiwake.wire.link_address import parse_link
    from kittiwake_ground.uplink import Uplink, default_rate

    with options.local.open("rb") as file:
        content = file.read(MAX_FILE_SIZE + 1)
    if len(content) > MAX_FILE_SIZE:
        raise ValueError(f"{options.local}: larger than {MAX_FILE_SIZE} bytes")
    dictionary = chosen_dictionary(options)
    rate = default_rate(parse_link(options.link)) if options.rate is None else options.rate
    with connected(options, dictionary) as station:
        uplink = Uplink(station, options.timeout, rate, EventPrinter(station))
        station.settle(drop)
        uplink.send(content, options.local.name, options.remote)
    print(f"{options.remote}: {len(content)} bytes")
    return 0
