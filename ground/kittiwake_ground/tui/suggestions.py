"""What a line with a command may go on with, and what the command takes."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.cli.outcome import Misuse
from kittiwake_ground.commands.dictionary_command import argument_help, find_command
from kittiwake_ground.commands.shell.completer import argument_values, names_like

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_OFFERED = 50


class Line(NamedTuple):
    """A line as far as it is typed: whole words, and the beginning of the last one."""

    words: Sequence[str]
    last: str

    @property
    def head(self) -> str:
        """The whole words as text, to stand before another one."""
        return "".join([f"{shlex.quote(one)} " for one in self.words])


def line_of(text: str) -> Line:
    """Reads a line that may not be finished."""
    try:
        words = shlex.split(text)
    except ValueError:  # a quote is still open
        words = text.split()
    return Line(words, "") if not words or text[-1].isspace() else Line(words[:-1], words[-1])


def offered(dictionary: Mapping[str, Any], text: str) -> list[str]:
    """The words that may stand in place of the last one: names that begin with it, then names that hold it."""
    line = line_of(text)
    if line.words:
        found = [str(one) for one in argument_values(dictionary, line.words[0], len(line.words) - 1)]
        return [one for one in found if one.lower().startswith(line.last.lower())]
    if not line.last:
        return []
    return names_like(dictionary, line.last)[:MAX_OFFERED]


def help_of(dictionary: Mapping[str, Any], text: str) -> str:
    """What the command of a line takes, once its name is whole; what is near otherwise."""
    line = line_of(text)
    name = line.words[0] if line.words else line.last
    try:
        return argument_help(find_command(dictionary, name)) if name else ""
    except Misuse as fault:
        return str(fault) if line.words else ""


class Order(NamedTuple):
    """A command to be sent."""

    shown: Mapping[str, Any]
    arguments: Sequence[str]


def order_of(dictionary: Mapping[str, Any], text: str) -> Order:
    """The command that a line stands for. Raises `ValueError` saying what is wrong."""
    try:
        words = shlex.split(text)
    except ValueError as fault:
        raise ValueError(str(fault).lower()) from None
    if not words:
        raise ValueError("there is no command")
    return Order(find_command(dictionary, words[0]), words[1:])
