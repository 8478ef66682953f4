"""`kittiwake ground plan cancel`: takes plans back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.plan.served import plan_line, plan_parser
from kittiwake_ground.commands.served import show, with_station

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = plan_parser("cancel", "Take plans back that were not sent.")
    made.add_argument("plans", nargs="+", type=int, metavar="plan", help="their numbers")
    return made


def main(arguments: list[str]) -> int:
    """Takes plans back; 1 if one was sent or has ended, 2 for one that there is not."""
    return with_station(parser(), arguments, _cancel)


async def _cancel(station: AsyncDeployment, options: argparse.Namespace) -> int:
    for id in options.plans:
        plan = await station.plans.cancel(id)
        show(options, plan, plan_line(plan))
    return 0
