"""`kittiwake ground procedure log`: what a run has done, or what it has printed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kittiwake.dictionary.lines import one_line
from kittiwake_ground.commands.procedure.served import (
    add_run_argument,
    procedure_parser,
    run_line,
    run_of,
    show_entry,
    with_ground,
)

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.asynchronous import AsyncGround


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = procedure_parser("log", "Print a run and its log, as far as it is written.")
    made.add_argument("--output", action="store_true", help="what it has printed by itself instead")
    add_run_argument(made)
    return made


def main(arguments: list[str]) -> int:
    """Prints a log."""
    return with_ground(parser(), arguments, _print)


async def _print(ground: AsyncGround, options: argparse.Namespace) -> int:
    run = await run_of(ground, options)
    if options.output:
        for line in (await ground.procedures.output(run.id)).splitlines():
            print(one_line(line))
        return 0
    if not options.json:
        print(run_line(run), file=sys.stderr)
    for entry in await ground.procedures.log(run.id):
        show_entry(entry, options.json)
    return 0
