"""`kittiwake ground actuator cancel`: takes a task back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.actuator.api_option import actuator_parser, with_agent
from kittiwake_ground.commands.actuator.new import print_result

if TYPE_CHECKING:
    import argparse

    from kittiwake_ground.building.agent import Agent


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = actuator_parser("cancel", "Take a task of your own back, with all its slots.")
    made.add_argument("task")
    return made


def main(arguments: list[str]) -> int:
    """Cancels; 1 if it is refused, 2 if the arguments make no sense."""
    return carry_out(parser(), _cancel, arguments)


def _cancel(options: argparse.Namespace) -> int:
    def act(agent: Agent) -> int:
        result = agent.call("request_cancel_schedule", requester_id="", task_id=options.task)
        return print_result({"task": options.task, **result}, options.json)

    return with_agent(options, act)
