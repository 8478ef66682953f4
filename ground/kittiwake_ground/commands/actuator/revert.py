"""`kittiwake ground actuator revert`: takes back what was written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.actuator.api_option import actuator_parser, with_agent

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.building.agent import Agent


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = actuator_parser(
        "revert", "Give a point of a device that you hold its default back, or else the value from before the write."
    )
    made.add_argument("path", help="the point's, as in campus/b1/ahu1/FanSpeed")
    made.add_argument("--device", action="store_true", help="it is a device's; revert all that was written there")
    return made


def main(arguments: list[str]) -> int:
    """Reverts; 1 if it is refused, 2 if the arguments make no sense."""
    return carry_out(parser(), _revert, arguments)


def _revert(options: argparse.Namespace) -> int:
    def act(agent: Agent) -> int:
        agent.call("revert_device" if options.device else "revert_point", requester_id="", topic=options.path)
        print(json.dumps({"reverted": options.path}) if options.json else f"{options.path}: reverted")
        return 0

    return with_agent(options, act)
