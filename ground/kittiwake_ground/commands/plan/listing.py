"""`kittiwake ground plan list`: what waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.plan.served import plan_line, plan_parser
from kittiwake_ground.commands.served import show, with_station
from kittiwake_ground.commands.session import complain

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = plan_parser("list", "List what waits, in the order in which it is due; or all plans that are kept.")
    made.add_argument("--all", action="store_true", help="those that have ended, too, the oldest first")
    return made


def main(arguments: list[str]) -> int:
    """Lists plans."""
    return with_station(parser(), arguments, _list)


async def _list(station: AsyncDeployment, options: argparse.Namespace) -> int:
    found = await station.plans.all(waiting=not options.all)
    if options.all:
        found.reverse()
    else:
        found.sort(key=lambda one: (one.due_us is None, one.due_us or 0, one.id))
    for one in found:
        show(options, one, plan_line(one))
    if not found and not options.json:
        complain("Nothing is planned.")
    return 0
