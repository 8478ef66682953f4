"""`kittiwake ground plan change`: gives a plan another time or other arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.plan.served import add_when_options, plan_line, plan_parser, when_of
from kittiwake_ground.commands.served import show, with_station

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = plan_parser("change", "Give a plan that waits another time, and a command other arguments.")
    made.add_argument("plan", type=int, help="its number")
    made.add_argument("arguments", nargs="*", metavar="argument", help="all of them anew; without any they stay")
    made.add_argument("--yes", action="store_true", help="confirm a hazardous command with other arguments")
    add_when_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Changes a plan; 1 if it does not wait any more, 2 for one that there is not."""
    return with_station(parser(), arguments, _change)


async def _change(station: AsyncDeployment, options: argparse.Namespace) -> int:
    seen = await station.plans.get(options.plan)
    changed = await station.plans.change(seen, options.arguments or None, confirm=options.yes, **when_of(options))
    show(options, changed, plan_line(changed))
    return 0
