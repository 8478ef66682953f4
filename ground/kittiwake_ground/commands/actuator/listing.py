"""`kittiwake ground actuator list`: the tasks of a building's actuator, or who holds which device."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.actuator.api_option import actuator_parser, with_agent
from kittiwake_ground.commands.actuator.tables import print_table

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from kittiwake_ground.building.agent import Agent

PAGE = 1000
HEADS = ("task", "owner", "priority", "state", "device", "start", "end")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = actuator_parser("list", "List the tasks that are scheduled with their slots, or who holds which device now.")
    made.add_argument("--holders", action="store_true", help="who holds a device, and for how much longer")
    return made


def main(arguments: list[str]) -> int:
    """Lists; 1 if there is no API, 2 if the arguments make no sense."""
    return carry_out(parser(), _list, arguments)


def _list(options: argparse.Namespace) -> int:
    return with_agent(options, lambda agent: (_holders if options.holders else _tasks)(agent, options.json))


def _tasks(agent: Agent, as_json: bool) -> int:
    tasks = list(all_tasks(agent))
    if as_json:
        for task in tasks:
            print(json.dumps(task, ensure_ascii=False))
        return 0
    rows = []
    for task in tasks:
        first = (task["task"], task["owner"], task["priority"], task["state"])
        for place, slot in enumerate(task["slots"]):
            rows.append((*(first if place == 0 else [""] * len(first)), *slot))
        more = task["slot_count"] - len(task["slots"])
        if more > 0:
            rows.append((*[""] * len(first), f"... and {more} more", "", ""))
    print_table(HEADS, rows, "Nothing is scheduled.")
    return 0


def all_tasks(agent: Agent) -> Iterator[dict[str, Any]]:
    """The tasks in the order in which they were accepted; a reply has as many as it takes."""
    offset = 0
    while True:
        found = agent.call("list_schedules", offset=offset, limit=PAGE)
        yield from found["tasks"]
        offset += len(found["tasks"])
        if not found["tasks"] or offset >= found["total"]:
            return


def _holders(agent: Agent, as_json: bool) -> int:
    found = agent.call("list_holders")
    if as_json:
        for device, holder in found.items():
            print(json.dumps({"device": device, **holder}, ensure_ascii=False))
        return 0
    rows = [(device, one["owner"], one["task"], f"{one['window']:.0f} s") for device, one in found.items()]
    print_table(("device", "owner", "task", "left"), rows, "Nobody holds a device.")
    return 0
