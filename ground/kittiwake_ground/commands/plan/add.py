"""`kittiwake ground plan add`: plans a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cli.dictionary_names import CommandName
from kittiwake_ground.commands.plan.served import add_when_options, plan_line, plan_parser, when_of
from kittiwake_ground.commands.served import show, with_station

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = plan_parser("add", "Plan a command: the server sends it once, at its time. A hazardous one asks first.")
    made.add_argument("command", type=CommandName, help="full name, as in CdhCore.cmdDisp.CMD_NO_OP")
    made.add_argument("arguments", nargs="*", metavar="argument", help="in the command's order")
    made.add_argument("--yes", action="store_true", help="plan a hazardous command without asking")
    add_when_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Plans; 2 for a command or a time that cannot be."""
    return with_station(parser(), arguments, _add)


async def _add(station: AsyncDeployment, options: argparse.Namespace) -> int:
    from kittiwake_ground.commands.dictionary_command import find_command
    from kittiwake_ground.commands.send import confirm

    name = str(options.command)
    shown = find_command(await station.dictionary(), name)
    confirm(shown, options.yes, "plan")
    plan = await station.plans.command(name, *options.arguments, confirm=shown["hazardous"], **when_of(options))
    show(options, plan, plan_line(plan))
    return 0
