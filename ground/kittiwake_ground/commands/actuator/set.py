"""`kittiwake ground actuator set`: writes a point of a device that one holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.actuator.api_option import actuator_parser, with_agent

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.building.agent import Agent

MAX_PRIORITY = 16


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = actuator_parser("set", "Write a value to a point of a device that you hold, and print what the device took.")
    made.add_argument("point", help="its path, as in campus/b1/ahu1/FanSpeed")
    made.add_argument("value", help="JSON, as 21.5, true or null; anything else is a text")
    made.add_argument(
        "--priority", type=int, choices=range(1, MAX_PRIORITY + 1), metavar=f"1..{MAX_PRIORITY}",
        help="BACnet's (default: the driver's own)",
    )  # fmt: skip
    return made


def main(arguments: list[str]) -> int:
    """Writes; 1 if it is refused, 2 if the arguments make no sense."""
    return carry_out(parser(), _set, arguments)


def _set(options: argparse.Namespace) -> int:
    def act(agent: Agent) -> int:
        given = {} if options.priority is None else {"priority": options.priority}
        taken = agent.call("set_point", requester_id="", topic=options.point, value=_value(options.value), **given)
        if options.json:
            print(json.dumps({"point": options.point, "value": taken}, ensure_ascii=False))
        else:
            print(f"{options.point} = {json.dumps(taken, ensure_ascii=False)}")
        return 0

    return with_agent(options, act)


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda name: name)
    except ValueError:
        return text
