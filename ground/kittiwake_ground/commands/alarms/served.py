"""What the sub-commands of `kittiwake ground alarms` share: their parser, and the way to the server."""

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

    from kittiwake_ground.client.alarms import AsyncAlarms
    from kittiwake_ground.client.records import Alarm

OPEN_STATUS = 3
"""What `list` ends with where an alarm is open that is not shelved."""


def alarms_parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser with the options that all have."""
    made = argparse.ArgumentParser(f"kittiwake ground alarms {name}", description=description)
    made.add_argument("--json", action="store_true", help="one JSON object a line")
    add_server_options(made)
    return made


def with_alarms(
    parser: argparse.ArgumentParser,
    arguments: list[str],
    action: Callable[[AsyncAlarms, argparse.Namespace], Awaitable[int]],
) -> int:
    """Does something with the alarms of the deployment that the options name, and gives the exit status."""

    def act(options: argparse.Namespace) -> int:
        return through_server(options, server_address(options), lambda station: action(station.alarms, options))

    return carry_out(parser, act, arguments)


def show(options: argparse.Namespace, record: Any, line: str) -> None:
    """Prints a record, as JSON or as a line."""
    print(json.dumps(asdict(record), ensure_ascii=False) if options.json else one_line(line), flush=True)


def time_text(time_us: int) -> str:
    """A time of the ground's clock, to the second."""
    return clock_text("TB_WORKSTATION_TIME", time_us).partition(".")[0]


def alarm_line(alarm: Alarm) -> str:
    """An alarm in a line: its number, level, state, source and what was seen."""
    shelved = f"  (shelved until {time_text(alarm.shelved_until_us)})" if alarm.shelved_until_us else ""
    note = f"  # {alarm.comment}" if alarm.comment else ""
    stands = f"{alarm.id:>5}  {alarm.level:<6}  {alarm.state:<12}  {time_text(alarm.raised_us)}"
    return f"{stands}  {alarm.source}: {alarm.text}{shelved}{note}"
