"""What the sub-commands of `kittiwake ground alarms` share: their parser, and the way to the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.commands.served import served_parser, time_text, with_station

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable

    from kittiwake_ground.client.alarms import AsyncAlarms
    from kittiwake_ground.client.records import Alarm

OPEN_STATUS = 3
"""What `list` ends with where an alarm is open that is not shelved."""


def alarms_parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser with the options that all have."""
    return served_parser(f"alarms {name}", description)


def with_alarms(
    parser: argparse.ArgumentParser,
    arguments: list[str],
    action: Callable[[AsyncAlarms, argparse.Namespace], Awaitable[int]],
) -> int:
    """Does something with the alarms of the deployment that the options name, and gives the exit status."""
    return with_station(parser, arguments, lambda station, options: action(station.alarms, options))


def alarm_line(alarm: Alarm) -> str:
    """An alarm in a line: its number, level, state, source and what was seen."""
    shelved = f"  (shelved until {time_text(alarm.shelved_until_us)})" if alarm.shelved_until_us else ""
    note = f"  # {alarm.comment}" if alarm.comment else ""
    stands = f"{alarm.id:>5}  {alarm.level:<6}  {alarm.state:<12}  {time_text(alarm.raised_us)}"
    return f"{stands}  {alarm.source}: {alarm.text}{shelved}{note}"
