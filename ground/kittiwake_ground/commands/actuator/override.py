"""`kittiwake ground actuator override`: keeps everybody from writing to devices for a time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kittiwake.cli.outcome import Misuse, carry_out
from kittiwake_ground.commands.actuator.api_option import actuator_parser, with_agent
from kittiwake_ground.commands.actuator.tables import print_table
from kittiwake_ground.commands.session import seconds

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.building.agent import Agent

ACTIONS = ("list", "on", "off", "clear")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = actuator_parser(
        "override",
        "Keep everybody, whoever holds them, from writing to the devices that a pattern matches; list or end that. "
        "What was written there is reverted, unless --keep.",
    )
    made.add_argument("action", choices=ACTIONS)
    made.add_argument("pattern", nargs="?", default="", help="as in 'campus/b1/*'; for off, exactly as it was given")
    made.add_argument(
        "--duration", type=seconds, default=0.0, metavar="S", help="for so long (default: until it is ended)"
    )
    made.add_argument("--keep", action="store_true", help="leave what was written as it is")
    made.add_argument("--staggered", action="store_true", help="revert one device after the other")
    return made


def main(arguments: list[str]) -> int:
    """Lists or changes; 1 if it is refused, 2 if the arguments make no sense."""
    return carry_out(parser(), _override, arguments)


def _override(options: argparse.Namespace) -> int:
    if options.action in ("on", "off") and not options.pattern:
        raise Misuse(f"which devices? Name a pattern, as in: override {options.action} 'campus/b1/*'")
    return with_agent(options, lambda agent: _act(agent, options))


def _act(agent: Agent, options: argparse.Namespace) -> int:
    if options.action == "on":
        agent.call(
            "set_override_on", pattern=options.pattern, duration=options.duration, failsafe_revert=not options.keep,
            staggered_revert=options.staggered,
        )  # fmt: skip
    elif options.action == "off":
        agent.call("set_override_off", pattern=options.pattern)
    elif options.action == "clear":
        agent.call("clear_overrides")
    patterns, devices = agent.call("get_override_patterns"), agent.call("get_override_devices")
    if options.json:
        print(json.dumps({"patterns": patterns, "devices": devices}, ensure_ascii=False))
        return 0
    rows = [("pattern", one) for one in patterns] + [("device", one) for one in devices]
    print_table(("overridden", "name"), rows, "Nothing is overridden.")
    return 0
