"""`kittiwake ground export`: writes what is archived as CSV."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake_ground.commands.server_option import add_server_options, server_address, through_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground export", description="Write archived samples, channel after channel, or events as CSV."
    )
    made.add_argument("name", nargs="*", help="only these channels: full names or patterns, as in 'CdhCore.*'")
    made.add_argument("--events", action="store_true", help="the events instead, the newest first")
    made.add_argument("--start", metavar="TIME", help="2026-11-21T04:00:00Z, or how long ago: 90s, 10m, 2h, 7d")
    made.add_argument("--end", metavar="TIME", help="likewise; default: now")
    made.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Exports; 1 if there is no server or no archive, 2 if it knows no such channel."""
    return carry_out(parser(), _export, arguments)


def _export(options: argparse.Namespace) -> int:
    if options.events and options.name:
        raise Misuse("events are exported all together: name no channel with --events")

    async def act(station: AsyncDeployment) -> int:
        if options.output is None:
            await _write(station, options, sys.stdout.buffer.write)
            sys.stdout.flush()
            return 0
        partial = options.output.with_name(f"{options.output.name}.part")
        try:
            with partial.open("wb") as file:
                await _write(station, options, file.write)
                size = file.tell()
            partial.replace(options.output)
        finally:
            partial.unlink(missing_ok=True)
        print(f"{options.output}: {size} bytes")
        return 0

    return through_server(options, server_address(options), act)


async def _write(station: AsyncDeployment, options: argparse.Namespace, write: Callable[[bytes], object]) -> None:
    await station.export(write, *options.name, events=options.events, start=options.start, end=options.end)
