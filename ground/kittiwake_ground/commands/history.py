"""`kittiwake ground history`: prints the values of a channel over time."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from kittiwake.cli.dictionary_names import ChannelName
from kittiwake_ground.commands.printing import Printer, add_format_options
from kittiwake_ground.commands.served import with_station
from kittiwake_ground.commands.server_option import add_server_options

if TYPE_CHECKING:
    from kittiwake_ground.client.deployment import AsyncDeployment

VALUE_COLUMNS = ("time", "time_us", "received_us", "value")
BUCKET_COLUMNS = ("start", "start_us", "count", "min", "avg", "max")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground history",
        description="Print the values of a channel, or their least, mean and greatest in stretches of time. Without a "
        "start: the newest that the server holds, or the last hour.",
    )
    made.add_argument("channel", type=ChannelName, help="full name, as in ComCcsds.link.BytesDown")
    made.add_argument("--start", metavar="TIME", help="2026-11-21T04:00:00Z, or how long ago: 90s, 10m, 2h, 7d")
    made.add_argument("--end", metavar="TIME", help="likewise; default: now")
    made.add_argument("--buckets", type=int, metavar="N", help="least, mean and greatest in N stretches (2 to 10000)")
    add_format_options(made)
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Prints values; 1 if there is no server, 2 if it knows no such channel."""
    return with_station(parser(), arguments, _print)


async def _print(station: AsyncDeployment, options: argparse.Namespace) -> int:
    from kittiwake_ground.client import Buckets
    from kittiwake_ground.commands.session import complain
    from kittiwake_ground.server.views import iso_time

    found = await station.history(options.channel, options.start, options.end, options.buckets)
    show = Printer(options, BUCKET_COLUMNS if isinstance(found, Buckets) else VALUE_COLUMNS)
    if isinstance(found, Buckets):
        columns = [_plain(one) for one in (found.start_us, found.count, found.min, found.avg, found.max)]
        for start_us, count, least, mean, most in zip(*columns, strict=True):
            row = {"start": iso_time(start_us), "start_us": start_us, "count": count}
            line = f"{iso_time(start_us)}  {count} x  {least:g} .. {mean:g} .. {most:g}"
            show({**row, "min": least, "avg": mean, "max": most}, line)
        return 0
    rows = zip(_plain(found.time_us), _plain(found.received_us), _plain(found.values), strict=True)
    for time_us, received_us, value in rows:
        shown = {"time": iso_time(time_us), "time_us": time_us, "received_us": received_us, "value": value}
        show(shown, f"{shown['time']}  {value}")
    if found.cut:
        complain("There are more; say --start and --end for less at once.")
    return 0


def _plain(array: Any) -> list[Any]:
    """The items of an array or list as Python's own."""
    return list(array.tolist()) if hasattr(array, "tolist") else list(array)
