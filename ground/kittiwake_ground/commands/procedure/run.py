"""`kittiwake ground procedure run`: starts a procedure and prints its log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse
from kittiwake_ground.commands.confirmation import confirm_hazards
from kittiwake_ground.commands.procedure.served import follow, procedure_parser, run_line, with_ground

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.asynchronous import AsyncGround


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = procedure_parser(
        "run",
        "Start a procedure and print its log until it has ended; ends with 0 if it has passed, 1 if not. Ctrl-C leaves "
        "it running. One that sends hazardous commands asks first.",
    )
    made.add_argument("name", help="which one (`kittiwake ground procedure list`)")
    made.add_argument("arguments", nargs="*", metavar="argument=value", help="those without a default at least")
    made.add_argument("--yes", action="store_true", help="confirm the hazardous commands that it sends")
    made.add_argument("--no-follow", action="store_true", help="start it, and do not wait")
    return made


def main(arguments: list[str]) -> int:
    """Runs a procedure; 1 if it does not pass, 2 if it cannot be started as given."""
    return with_ground(parser(), arguments, _run)


async def _run(ground: AsyncGround, options: argparse.Namespace) -> int:
    given = {}
    for one in options.arguments:
        name, equals, value = one.partition("=")
        if not equals:
            raise Misuse(f"{one!r} should be argument=value")
        given[name] = value
    station = await ground.deployment(options.deployment)
    found = {one.name: one for one in await ground.procedures.all()}
    hazards = found[options.name].hazards.get(station.name, ()) if options.name in found else ()
    if hazards and not options.yes:
        confirm_hazards(f"{options.name} sends hazardous commands: {', '.join(hazards)}", "start")
    run = await ground.procedures.start(options.name, station.name, given, confirm=bool(hazards))
    if options.no_follow:
        print(run_line(run))
        return 0
    return await follow(ground.procedures, run.id, options.json)
