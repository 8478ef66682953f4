"""What sub-commands share that go through the server: their parser, the way there, and how a record is printed."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import carry_out
from kittiwake.dictionary.lines import clock_text, one_line
from kittiwake_ground.commands.server_option import add_server_options, server_address, through_server

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kittiwake_ground.client.deployment import AsyncDeployment


def served_parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser with the options that all have."""
    made = argparse.ArgumentParser(f"kittiwake ground {name}", description=description)
    made.add_argument("--json", action="store_true", help="one JSON object a line")
    add_server_options(made)
    return made


def with_station(
    parser: argparse.ArgumentParser,
    arguments: list[str],
    action: Callable[[AsyncDeployment, argparse.Namespace], Awaitable[int]],
) -> int:
    """Does something with the deployment that the options name, and gives the exit status."""

    def act(options: argparse.Namespace) -> int:
        return through_server(options, server_address(options), lambda station: action(station, options))

    return carry_out(parser, act, arguments)


def show(options: argparse.Namespace, record: Any, line: str) -> None:
    """Prints a record, as JSON or as a line."""
    shown = record if isinstance(record, dict) else asdict(record)
    print(json.dumps(shown, ensure_ascii=False) if options.json else one_line(line), flush=True)


def time_text(time_us: int) -> str:
    """A time of the ground's clock, to the second; a dash for none."""
    return clock_text("TB_WORKSTATION_TIME", time_us).partition(".")[0] if time_us else "-"
