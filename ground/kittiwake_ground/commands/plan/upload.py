"""`kittiwake ground plan upload`: plans that a file goes up."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kittiwake_ground.commands.plan.served import add_when_options, plan_line, plan_parser, when_of
from kittiwake_ground.commands.served import show, with_station

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.client.deployment import AsyncDeployment


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = plan_parser("upload", "Plan that a file goes up, as it is now: the server keeps a copy.")
    made.add_argument("file", type=Path)
    made.add_argument("remote", help="its name on the deployment")
    made.add_argument("--cfdp", action="store_true", help="by CFDP, to the inbox, over lost links")
    add_when_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Plans; 2 for a time that cannot be."""
    return with_station(parser(), arguments, _upload)


async def _upload(station: AsyncDeployment, options: argparse.Namespace) -> int:
    way = "cfdp" if options.cfdp else "packets"
    plan = await station.plans.upload(options.file, options.remote, way, **when_of(options))
    show(options, plan, plan_line(plan))
    return 0
