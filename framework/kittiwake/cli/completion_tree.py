"""What can stand where on `kittiwake`'s command line, read from the tables and parsers of the sub-commands."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kittiwake.cli.dictionary_names import ChannelName, CommandName, EventName, ParameterName

if TYPE_CHECKING:
    from argparse import Action, ArgumentParser
    from collections.abc import Mapping
    from typing import Any

FILE = "file"
COMMAND = "command"
CHANNEL = "channel"
EVENT = "event"
PARAMETER = "parameter"
_KINDS: dict[object, str] = {
    Path: FILE,
    CommandName: COMMAND,
    ChannelName: CHANNEL,
    EventName: EVENT,
    ParameterName: PARAMETER,
}
"""Type of an argument -> what completes it."""


class Option(NamedTuple):
    """One option and its spellings. Its value is `FILE`, one of `choices`, anything else, or there is none."""

    names: tuple[str, ...]
    help: str
    takes_value: bool
    kind: str = ""
    choices: tuple[str, ...] = ()


class Node(NamedTuple):
    """What may follow some words: other words, each with a line of help, options, and arguments.

    The first arguments are of the kinds `kinds`, any further one of the last kind: `FILE`, the names of the
    dictionary that `COMMAND` and the others stand for, or "".
    """

    words: tuple[str, ...]
    follows: tuple[tuple[str, str], ...]
    options: tuple[Option, ...]
    kinds: tuple[str, ...]


def read_tree(commands: Mapping[str, tuple[str, str]]) -> list[Node]:
    """The nodes of a table of sub-commands, the root first."""
    root = Node((), tuple([(name, summary) for name, (_, summary) in commands.items()]), (), ())
    nodes = [root]
    for name, (path, _) in commands.items():
        nodes += _nodes((name,), import_module(path))
    return nodes


def _nodes(words: tuple[str, ...], module: Any) -> list[Node]:
    table = getattr(module, "COMMANDS", None)
    if table is not None:
        follows = tuple([(name, summary) for name, (_, summary) in table.items()])
        below = [_nodes((*words, name), import_module(path)) for name, (path, _) in table.items()]
        return [Node(words, follows, (), ()), *[node for nodes in below for node in nodes]]
    if hasattr(module, "parser"):
        return [_parsed(words, module.parser())]
    return [Node(words, (), _written_options(module.HELP), (FILE,))]


def _parsed(words: tuple[str, ...], parser: ArgumentParser) -> Node:
    options: list[Option] = []
    kinds: list[str] = []
    follows: list[tuple[str, str]] = []
    for action in parser._actions:
        choices = tuple([str(choice) for choice in action.choices or ()])
        if action.option_strings:
            names = tuple(action.option_strings)
            options.append(Option(names, action.help or "", action.nargs != 0, _kind(action), choices))
        else:
            kinds.append(_kind(action))
            follows += [(choice, "") for choice in choices]
    return Node(words, tuple(follows), tuple(options), tuple(kinds))


def _kind(action: Action) -> str:
    return _KINDS.get(action.type, "")


def _written_options(text: str) -> tuple[Option, ...]:
    """The options of a help text whose lines are `--name VALUE   what it is`, for a command without a parser."""
    options = []
    for line in text.splitlines():
        spelled, _, summary = line.strip().partition("  ")
        for part in spelled.split(", ") if spelled.startswith("-") else ():
            name, _, value = part.partition(" ")
            options.append(Option((name,), summary.strip(), bool(value), FILE if value == "DIR" else ""))
    return tuple(options)
