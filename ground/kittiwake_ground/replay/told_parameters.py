"""What the archive tells of parameters: dumped values, commands, lost links, in the order of their times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.archive import ArchivedCommand, ArchivedEvent
from kittiwake_ground.archive.moments import cut_life
from kittiwake_ground.replay.retyped import command_record, told_event
from kittiwake_ground.server.links import UP
from kittiwake_ground.server.parameters import CHANGING_COMMANDS, SAVE, SET, VALUE_EVENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.dictionary.entries import Dictionary
    from kittiwake_ground.archive import History, LinkStep
    from kittiwake_ground.server.parameters import Parameters

    Telling = ArchivedEvent | ArchivedCommand | LinkStep

MAX_VALUES = 5_000
"""The most dumped values that are read back from a time: of a parameter that was told before them nothing is known."""

MAX_COMMANDS = 1_000
MAX_LINK_STEPS = 100_000


def read_tellings(archive: History, deployment: str, before_us: int) -> list[Telling]:
    """What was told before a time, the oldest first. It reads the archive: not for an event loop."""
    values = archive.events(deployment, name=f"*.{VALUE_EVENT}", end_us=before_us, limit=MAX_VALUES)
    told: list[tuple[int, Telling]] = [(one.time_us, one) for one in values]
    for ending in (f"*{SET}", f"*{SAVE}", *(f"*.{name}" for name in CHANGING_COMMANDS)):
        commands = archive.commands(
            deployment, name=ending, states=("completed",), end_us=before_us, limit=MAX_COMMANDS
        )
        for command in (cut_life(one, before_us) for one in commands):
            if command.state == "completed":
                told.append((command.steps[-1].at_us, command))
    if told:
        first_us = min(at_us for at_us, _ in told)
        links = archive.link_states(deployment, first_us, before_us, MAX_LINK_STEPS)
        told += [(one.at_us, one) for one in links if one.state != UP]
    return [one for _, one in sorted(told, key=lambda pair: pair[0])]


def tell(parameters: Parameters, tellings: Iterable[Telling], dictionary: Dictionary) -> None:
    """Tells a past deployment's parameters what was told."""
    for one in tellings:
        if isinstance(one, ArchivedEvent):
            parameters.take_event(told_event(one, dictionary), one.time_us)
        elif isinstance(one, ArchivedCommand):
            parameters.take_command(command_record(one, dictionary))
        else:
            parameters.forget()
