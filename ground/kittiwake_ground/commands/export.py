"""`kittiwake ground export`: writes what is archived as CSV, or as Parquet files by day."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake.cli.output import naming
from kittiwake_ground.commands.server_option import add_server_options, server_address, through_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground export",
        description="Write archived samples, channel after channel, or events as CSV; or all as Parquet files by day.",
    )
    made.add_argument("name", nargs="*", help="only these channels: full names or patterns, as in 'CdhCore.*'")
    made.add_argument("--events", action="store_true", help="the events instead, the newest first")
    made.add_argument("--start", metavar="TIME", help="2026-11-21T04:00:00Z, or how long ago: 90s, 10m, 2h, 7d")
    made.add_argument("--end", metavar="TIME", help="likewise; default: now")
    made.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: standard output")
    made.add_argument(
        "--parquet", type=Path, metavar="DIR",
        help="bring the Parquet files in DIR up to date with an archive on this machine: what is missing is written",
    )  # fmt: skip
    made.add_argument(
        "--archive", type=Path, default=Path("var/ground/archive"), metavar="DIR",
        help="with --parquet: the archive to read (default: %(default)s), which may be in use",
    )  # fmt: skip
    made.add_argument("--again", action="store_true", help="with --parquet: write days anew that are there already")
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Exports; 1 if there is no server or no archive, 2 if it knows no such channel."""
    return carry_out(parser(), _export, arguments)


def _export(options: argparse.Namespace) -> int:
    if options.events and options.name:
        raise Misuse("events are exported all together: name no channel with --events")
    if options.parquet is not None:
        return _export_parquet(options)

    async def act(station: AsyncDeployment) -> int:
        if options.output is None:
            await _write(station, options, sys.stdout.buffer.write)
            sys.stdout.flush()
            return 0
        partial = options.output.with_name(f"{options.output.name}.part")
        try:
            with naming(options.output), partial.open("wb") as file:
                await _write(station, options, file.write)
                size = file.tell()
            partial.replace(options.output)
        finally:
            partial.unlink(missing_ok=True)
        print(f"{options.output}: {size} bytes")
        return 0

    return through_server(options, server_address(options), act)


def _export_parquet(options: argparse.Namespace) -> int:
    import sqlite3
    import time

    from kittiwake_ground.client.times import when_us
    from kittiwake_ground.longterm.exporting import LAST_US, SAME, Exported, export_parquet

    if options.events or options.name or options.output or options.server:
        raise Misuse("--parquet exports everything of an archive on this machine, and goes with none of the others")
    if not options.archive.is_dir():
        raise FileNotFoundError(f"{options.archive} is no archive: name it with --archive")

    def tell(one: Exported) -> None:
        if one.outcome != SAME:
            print(one, flush=True)

    start_us, end_us = when_us(options.start), when_us(options.end)
    try:
        done = export_parquet(
            options.archive, options.parquet, time.time_ns() // 1000,
            deployments=[options.deployment] if options.deployment else (), start_us=start_us or 0,
            end_us=LAST_US if end_us is None else end_us, again=options.again, told=tell,
        )  # fmt: skip
    except sqlite3.Error as fault:
        raise OSError(f"{options.archive} cannot be read: {fault}") from None
    print(f"{options.parquet}: {len(done)} days of samples, events and commands, all up to date")
    return 0


async def _write(station: AsyncDeployment, options: argparse.Namespace, write: Callable[[bytes], object]) -> None:
    await station.export(write, *options.name, events=options.events, start=options.start, end=options.end)
