"""`kittiwake ground actuator get`: reads points."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.actuator.api_option import actuator_parser, with_agent
from kittiwake_ground.commands.actuator.tables import print_table

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.building.agent import Agent


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = actuator_parser("get", "Read points from their devices, or all points of a device.")
    made.add_argument("points", nargs="+", metavar="point", help="paths, as in campus/b1/ahu1/FanSpeed")
    made.add_argument("--all", action="store_true", help="they are devices; read all their points")
    return made


def main(arguments: list[str]) -> int:
    """Reads; 1 if a point cannot be read, 2 if the arguments make no sense."""
    return carry_out(parser(), _get, arguments)


def _get(options: argparse.Namespace) -> int:
    def act(agent: Agent) -> int:
        failed: dict[str, str] = {}
        if options.all:
            values = {
                f"{device}/{name}": value
                for device in options.points
                for name, value in agent.call("scrape_all", topic=device).items()
            }
        else:
            values, failed = agent.call("get_multiple_points", topics=options.points)
        _print(values, options.json)
        for point, why in failed.items():
            print(f"{point}: {why}", file=sys.stderr)
        return 1 if failed else 0

    return with_agent(options, act)


def _print(values: dict[str, object], as_json: bool) -> None:
    if as_json:
        for point, value in values.items():
            print(json.dumps({"point": point, "value": value}, ensure_ascii=False))
    else:
        rows = [(point, json.dumps(value, ensure_ascii=False)) for point, value in values.items()]
        print_table(("point", "value"), rows)
