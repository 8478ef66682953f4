"""`kittiwake ground layouts`: lists saved chart layouts, saves and removes them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake_ground.commands.printing import Printer, add_format_options
from kittiwake_ground.commands.server_option import add_server_options, server_address, through_server

if TYPE_CHECKING:
    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.looking_back import ChartLayout

COLUMNS = ("name", "owner", "channels", "span_s", "live", "stacked", "over_s", "version")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground layouts",
        description="List the chart layouts that are yours or for all; or save one, or remove it.",
    )
    either = made.add_mutually_exclusive_group()
    either.add_argument("--save", metavar="NAME", help="save a layout of the channels that --channels names")
    either.add_argument("--remove", metavar="NAME", help="remove a layout")
    made.add_argument("--channels", default="", metavar="NAME,...", help="with --save: 1 to 8 channels")
    made.add_argument("--span", type=int, default=3600, metavar="S", help="with --save: seconds shown (default: 3600)")
    made.add_argument("--over", type=int, default=0, metavar="S", help="with --save: over the time so much earlier")
    made.add_argument("--live", action="store_true", help="with --save: a chart that ends now and moves on")
    made.add_argument("--overlaid", action="store_true", help="with --save: all channels on the same axes")
    made.add_argument("--shared", action="store_true", help="one that is for all, instead of your own")
    add_format_options(made)
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Lists, saves or removes; 1 if there is no server, or somebody changed it meanwhile, 2 for what makes no sense."""
    return carry_out(parser(), _layouts, arguments)


def _layouts(options: argparse.Namespace) -> int:
    if bool(options.save) != bool(options.channels):
        raise Misuse("--save and --channels go together")

    async def act(station: AsyncDeployment) -> int:
        known = await station.past.layouts()
        if options.save:
            await _save(station, options, _found(known, options.save, options.shared))
        elif options.remove:
            there = _found(known, options.remove, options.shared)
            if there is None:
                raise Misuse(f"no layout is called {options.remove!r}")
            await station.past.remove_layout(there)
        else:
            _list(options, known)
        return 0

    return through_server(options, server_address(options), act)


def _found(known: list[ChartLayout], name: str, shared: bool) -> ChartLayout | None:
    return next((one for one in known if one.name == name and one.shared == shared), None)


async def _save(station: AsyncDeployment, options: argparse.Namespace, there: ChartLayout | None) -> None:
    from kittiwake_ground.client.looking_back import ChartLayout

    made = ChartLayout(
        options.save, tuple(options.channels.split(",")), options.span, options.live, not options.overlaid,
        options.over, version=0 if there is None else there.version,
    )  # fmt: skip
    saved = await station.past.save_layout(made, options.shared)
    print(f"{saved.name}: version {saved.version}")


def _list(options: argparse.Namespace, known: list[ChartLayout]) -> None:
    from dataclasses import asdict

    from kittiwake.dictionary.lines import one_line

    show = Printer(options, COLUMNS)
    for one in known:
        whose = "for all" if one.shared else one.owner
        how = f"{one.span_s} s{' live' if one.live else ''}{f' over {one.over_s} s earlier' if one.over_s else ''}"
        show(asdict(one), one_line(f"{one.name}  ({whose})  {how}  {', '.join(one.channels)}"))
