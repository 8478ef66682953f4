"""`kittiwake ground actuator follow`: prints what the actuator publishes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.actuator.api_option import actuator_parser, api_of
from kittiwake_ground.commands.session import complain

if TYPE_CHECKING:
    import argparse

PREFIX = "devices/actuators/"
PAUSE_S = 2.0
"""Between tries to connect again."""


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = actuator_parser(
        "follow",
        "Print what the actuator publishes from now on, until interrupted: who holds which device, results, values, "
        "errors. If the connection is lost, it is made again; what was published meanwhile is not heard.",
    )
    made.add_argument(
        "prefixes", nargs="*", default=[PREFIX], metavar="prefix",
        help=f"how topics begin, as in {PREFIX}schedule/announce/campus/b1 (default: {PREFIX})",
    )  # fmt: skip
    return made


def main(arguments: list[str]) -> int:
    """Follows; 1 if there is no API, 2 if the arguments make no sense."""
    return carry_out(parser(), _follow, arguments)


def _follow(options: argparse.Namespace) -> int:
    from kittiwake_ground.building.access import ApiUnreachable
    from kittiwake_ground.building.agent import connected_agent

    address, token = api_of(options)
    was_connected = False
    while True:
        try:
            with connected_agent(address, token) as agent:
                if was_connected:
                    complain("connected again")
                was_connected = True
                for message in agent.follow(tuple(options.prefixes or [PREFIX])):
                    line = json.dumps(message, ensure_ascii=False) if options.json else message_line(message)
                    print(line, flush=True)
        except ApiUnreachable as lost:
            if not was_connected:
                raise
            complain(f"{lost}; connecting again")
        time.sleep(PAUSE_S)


def message_line(message: dict[str, Any]) -> str:
    """A message in one line: topic, what its headers say, body."""
    headers = {name: value for name, value in message.get("headers", {}).items() if value is not None}
    words = [f"{headers.pop('time', '')[11:23]:<12}", str(message.get("topic", ""))]
    words += [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in headers.items()]
    if "body" in message:
        words.append(json.dumps(message["body"], ensure_ascii=False))
    line = "  ".join(words[:2]) + "  " + " ".join(words[2:])
    return line if line.isprintable() else ascii(line)[1:-1]
