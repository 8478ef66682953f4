"""`kittiwake ground plan run`: plans the run of a sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.confirmation import confirm_hazards
from kittiwake_ground.commands.plan.served import add_when_options, plan_line, plan_parser, when_of
from kittiwake_ground.commands.served import show, with_station

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.deployment import AsyncDeployment
    from kittiwake_ground.client.records import Plan


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = plan_parser("run", "Plan the run of a sequence that is on board by then. One with hazards asks first.")
    made.add_argument("remote", help="its file on the deployment, as in /startup.bin")
    made.add_argument("--sequencer", default="", metavar="NAME", help="which instance runs it (default: the first)")
    made.add_argument("--yes", action="store_true", help="plan hazardous commands without asking")
    add_when_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Plans; 2 for a time that cannot be, and for hazardous commands that nobody confirms."""
    return with_station(parser(), arguments, _run)


async def _run(station: AsyncDeployment, options: argparse.Namespace) -> int:
    from kittiwake_ground.client import RequestRefused

    async def planned(confirm: bool) -> Plan:
        return await station.plans.sequence(options.remote, options.sequencer, confirm=confirm, **when_of(options))

    try:
        plan = await planned(options.yes)
    except RequestRefused as fault:
        if not fault.hazards:
            raise
        confirm_hazards(fault.detail.partition(":")[0], "plan")
        plan = await planned(True)
    show(options, plan, plan_line(plan))
    return 0
