"""`kittiwake ground plan run`: plans the run of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.plan.served import add_when_options, plan_line, plan_parser, when_of
from kittiwake_ground.commands.served import show, with_station

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = plan_parser("run", "Plan the run of a sequence that is on board by then.")
    made.add_argument("remote", help="its file on the deployment, as in /startup.bin")
    made.add_argument("--sequencer", default="", metavar="NAME", help="which instance runs it (default: the first)")
    made.add_argument("--yes", action="store_true", help="confirm it where running sequences is hazardous")
    add_when_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Plans; 2 for a time that cannot be."""
    return with_station(parser(), arguments, _run)


async def _run(station: AsyncDeployment, options: argparse.Namespace) -> int:
    plan = await station.plans.sequence(
        options.remote, options.sequencer, confirm=options.yes, **when_of(options)
    )  # fmt: skip
    show(options, plan, plan_line(plan))
    return 0
