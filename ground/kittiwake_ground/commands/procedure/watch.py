"""`kittiwake ground procedure watch`: the log of a run, as it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.procedure.served import add_run_argument, follow, procedure_parser, run_of, with_ground

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.asynchronous import AsyncGround


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = procedure_parser("watch", "Print the log of a run until it has ended; ends with 0 if it has passed.")
    add_run_argument(made)
    return made


def main(arguments: list[str]) -> int:
    """Follows a run; 1 if it does not pass."""
    return with_ground(parser(), arguments, _watch)


async def _watch(ground: AsyncGround, options: argparse.Namespace) -> int:
    run = await run_of(ground, options)
    return await follow(ground.procedures, run.id, options.json)
