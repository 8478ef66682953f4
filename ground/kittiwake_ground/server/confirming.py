"""Hazardous commands within a sequence: they are meant, or it is neither brought up nor run.

They are known of a file that was brought up from here, or came down; `sequence_files` says when. Of a file that came
another way nothing is known, and nothing is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from kittiwake.sequence.timeline import Step

MAX_NAMED = 20
"""The most commands that a message names."""


class NotConfirmed(ValueError):
    """A sequence holds hazardous commands, and nobody has confirmed that they are meant."""

    def __init__(self, remote: str, hazards: list[str]) -> None:
        super().__init__(f"{hazards_text(remote, hazards)}; confirm that they are meant")
        self.hazards = hazards


def hazards_text(remote: str, hazards: list[str]) -> str:
    """What is to be confirmed, in words."""
    more = f" and {len(hazards) - MAX_NAMED} more" if len(hazards) > MAX_NAMED else ""
    return f"{remote} sends hazardous commands: {', '.join(hazards[:MAX_NAMED])}{more}"


def command_names(steps: Iterable[Step]) -> list[str]:
    """The commands of a sequence, each once, in their order."""
    return list(dict.fromkeys(step.command.partition(" ")[0] for step in steps))


def hazards_of(commands: Iterable[str], hazardous: Collection[str]) -> list[str]:
    """The hazardous ones among the commands of a sequence."""
    return [name for name in commands if name in hazardous]
