"""`kittiwake ground plot`: draws channels over time in the terminal, or as a picture."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.cli.dictionary_names import ChannelName
from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake_ground.commands.server_option import add_server_options, server_address, through_server

if TYPE_CHECKING:
    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.commands.plot.panel import Panel

HOUR_US = 3_600_000_000
MOST_CHANNELS = 16


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground plot",
        description="Draw channels over time: what their values were between, and the limits that count. Without a "
        "start: the last hour.",
    )
    made.add_argument("channels", nargs="+", type=ChannelName, metavar="channel", help="full names")
    made.add_argument(
        "--from", "--start", dest="start", metavar="TIME", help="2026-11-21T04:00:00Z, or how long ago: 90s, 10m, 2h"
    )
    made.add_argument("--to", "--end", dest="end", metavar="TIME", help="likewise; default: now")
    made.add_argument("--width", type=int, metavar="N", help="columns (default: the terminal's)")
    made.add_argument("--height", type=int, metavar="N", help="lines (default: the terminal's)")
    made.add_argument("--svg", type=Path, metavar="FILE", help="write a picture instead")
    made.add_argument("--png", type=Path, metavar="FILE", help="likewise, by Pillow (the extra display)")
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Draws; 1 if there is no server, 2 if it knows no such channel."""
    return carry_out(parser(), _plot, arguments)


def _plot(options: argparse.Namespace) -> int:
    from kittiwake_ground.client.times import when_us

    if len(options.channels) > MOST_CHANNELS:
        raise Misuse(f"at most {MOST_CHANNELS} channels at a time")
    now_us = time.time_ns() // 1000
    end_us = now_us if options.end is None else when_us(options.end) or 0
    start_us = end_us - HOUR_US if options.start is None else when_us(options.start) or 0
    if start_us >= end_us:
        raise Misuse("--from is before --to")

    async def act(station: AsyncDeployment) -> int:
        await _show(station, options, start_us, end_us)
        return 0

    return through_server(options, server_address(options), act)


async def _show(station: AsyncDeployment, options: argparse.Namespace, start_us: int, end_us: int) -> None:
    from kittiwake.cli.output import write_whole
    from kittiwake_ground.commands.plot.picture import PLOT_PIXELS, plot_png, plot_svg
    from kittiwake_ground.commands.plot.text import plot_columns, plot_text

    terminal = shutil.get_terminal_size()
    columns, rows = options.width or terminal.columns, options.height or terminal.lines
    pictured = options.svg or options.png
    buckets = PLOT_PIXELS if pictured else 2 * plot_columns(columns)
    panels = [await read_panel(station, name, start_us, end_us, buckets) for name in options.channels]
    if options.svg:
        write_whole(options.svg, plot_svg(panels).encode())
        print(options.svg)
    if options.png:
        try:
            write_whole(options.png, plot_png(panels))
        except ImportError:
            raise Misuse("--png needs Pillow: pip install 'kittiwake[display]'") from None
        print(options.png)
    if not pictured:
        print(plot_text(panels, columns, rows, _shows_braille()), end="")


async def read_panel(station: AsyncDeployment, name: str, start_us: int, end_us: int, buckets: int) -> Panel:
    """A channel over a time, with the limits that count. Raises `ServerUnreachable` and `RequestRefused`."""
    from kittiwake_ground.client.history import Buckets
    from kittiwake_ground.commands.plot.panel import Limit, Panel, Point

    found: Any = await station.history(name, start_us, end_us, buckets)
    assert isinstance(found, Buckets)
    rows = zip(found.start_us, found.min, found.avg, found.max, strict=True)
    points = [Point(int(at), float(low), float(mean), float(high)) for at, low, mean, high in rows]
    counted = await station.alarms.limits(name)
    limits = [Limit(float(value), colour) for side in (counted.low, counted.high) for colour, value in side.items()]
    channels = (await station.dictionary())["channels"]
    unit = next((str(one["unit"] or "") for one in channels if one["name"] == name), "")
    return Panel(name, unit, start_us, end_us, found.width_us, points, limits)


def _shows_braille() -> bool:
    try:
        "⣿┤╌".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
