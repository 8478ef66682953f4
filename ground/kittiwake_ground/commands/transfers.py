"""`kittiwake ground transfers`: the files that go up and down, and saving one that has come by itself."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake_ground.commands.served import with_station
from kittiwake_ground.commands.server_option import add_server_options

if TYPE_CHECKING:
    from kittiwake_ground.client import TransferResult
    from kittiwake_ground.client.deployment import AsyncDeployment

ARROWS = {"up": "^", "down": "v"}


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground transfers",
        description="Print the last files that went up or came down, the oldest first, or save one that has come.",
    )
    either = made.add_mutually_exclusive_group()
    either.add_argument("--follow", action="store_true", help="go on with what becomes of them, until interrupted")
    either.add_argument(
        "--save", nargs=2, metavar=("ID", "LOCAL"), help="write the file that came by this transfer to LOCAL"
    )
    made.add_argument("--json", action="store_true", help="one JSON object a line")
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Prints or saves; 1 if there is no server, 2 if there is no such file."""
    return with_station(parser(), arguments, _act)


async def _act(station: AsyncDeployment, options: argparse.Namespace) -> int:
    if options.save:
        return await _save(station, *options.save)
    return await _print(station, options)


async def _save(station: AsyncDeployment, id: str, local: str) -> int:
    from kittiwake.cli.outcome import Misuse

    if not id.isdecimal():
        raise Misuse(f"{id!r} is no id of a transfer: `kittiwake ground transfers` has them")
    result = await station.save(int(id), Path(local).absolute())
    print(f"{local}: {result.size} bytes")
    return 0


async def _print(station: AsyncDeployment, options: argparse.Namespace) -> int:
    from kittiwake_ground.commands.news import follow_news

    def show(transfer: TransferResult) -> None:
        print(_line(transfer, as_json=options.json), flush=options.follow)

    for transfer in reversed(await station.transfers()):
        show(transfer)
    if options.follow:
        await follow_news(station, "transfers", (), 0, lambda update: show(update.subject))
    return 0


def _line(transfer: TransferResult, *, as_json: bool) -> str:
    from dataclasses import asdict

    if as_json:
        return json.dumps(asdict(transfer))
    done = f"{transfer.done_bytes} of {transfer.size}" if not transfer.final else f"{transfer.size}"
    note = f"  ({transfer.reason})" if transfer.reason else ""
    name = f"{ARROWS[transfer.direction]} {transfer.remote}"
    return f"{transfer.id} {transfer.state:<9} {transfer.way:<7} {name}  {done} bytes  by {transfer.by}{note}"
