"""What a shell offers for the word at its cursor: sub-commands, options, and names out of the dictionary."""

from __future__ import annotations

import shlex
from glob import escape, glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.cli.completion_tree import CHANNEL, COMMAND, EVENT, FILE, PARAMETER, read_tree
from kittiwake_ground.commands.shell.way import deepest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from kittiwake.cli.completion_tree import Node, Option

_NAMED = {COMMAND: "commands", CHANNEL: "channels", EVENT: "events", PARAMETER: "parameters"}
"""Kind of an argument -> where the dictionary has its names."""


class Completer:
    """Completes by a table of sub-commands and a dictionary as the API shows it."""

    def __init__(
        self,
        commands: Mapping[str, tuple[str, str]],
        own: Sequence[str],
        dictionary: Mapping[str, Any],
    ) -> None:
        self._commands = commands
        self._own = own
        self._dictionary = dictionary

    def __call__(self, before: str, word: str) -> list[str]:
        """What may stand for `word` after the text `before`; a blank follows where there is but one.

        Where nothing begins as it is written, large and small letters are the same.
        """
        offers = set(self._offers(_words(before), word))
        found = sorted([one for one in offers if one.startswith(word)])
        found = found or sorted([one for one in offers if one.lower().startswith(word.lower())])
        return [f"{found[0]} "] if len(found) == 1 and not found[0].endswith("/") else found

    def _offers(self, words: list[str], word: str) -> Iterable[str]:
        if not words or words == ["help"]:
            return [*self._commands, *self._own, *(self._names("commands") if word else ())]
        if words[0] not in self._commands:
            words = ["send", *words]
        node = deepest(read_tree({words[0]: self._commands[words[0]]}), words)
        options = {name: option for option in node.options for name in option.names}
        rest = words[len(node.words) :]
        last = options.get(rest[-1]) if rest and "--" not in rest[:-1] else None
        if last is not None and last.takes_value:
            return last.choices or (_files(word) if last.kind == FILE else ())
        if word.startswith("-") and "--" not in rest:
            return options
        return self._argument(node, _positional(rest, options), word)

    def _argument(self, node: Node, before: Sequence[str], word: str) -> Iterable[str]:
        """What completes an argument that these come before."""
        if node.follows and not before:
            return [name for name, _ in node.follows]
        kind = node.kinds[min(len(before), len(node.kinds) - 1)] if node.kinds else ""
        if kind == FILE:
            return _files(word)
        if kind in _NAMED:
            return self._names(_NAMED[kind])
        if COMMAND in node.kinds and before:
            return argument_values(self._dictionary, before[0], len(before) - 1)
        return ()

    def _names(self, what: str) -> list[str]:
        return [str(one["name"]) for one in self._dictionary.get(what, ())]


def names_like(dictionary: Mapping[str, Any], part: str) -> list[str]:
    """The commands whose names begin with a part, and then those that hold it; large and small letters are the same."""
    names, part = [str(one["name"]) for one in dictionary["commands"]], part.lower()
    first = [name for name in names if name.lower().startswith(part)]
    return [*first, *[name for name in names if part in name.lower() and name not in first]]


def argument_values(dictionary: Mapping[str, Any], command: str, number: int) -> Iterable[str]:
    """The values of a command's argument, counted from 0, where they can be listed."""
    found = next((one for one in dictionary.get("commands", ()) if one["name"] == command), None)
    if found is None or number >= len(found["arguments"]):
        return ()
    form = found["arguments"][number]["type"]
    constants: dict[str, Iterable[str]] = {"enum": form.get("constants", ()), "boolean": ("true", "false")}
    return constants.get(form["kind"], ())


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quote is still open
        return text.split()


def _positional(words: Sequence[str], options: Mapping[str, Option]) -> list[str]:
    """The words that are neither options nor their values."""
    found: list[str] = []
    rest = iter(words)
    for word in rest:
        if word == "--":
            return [*found, *rest]
        option = options.get(word)
        if option is not None and option.takes_value:
            next(rest, None)
        elif option is None:
            found.append(word)
    return found


def _files(word: str) -> list[str]:
    start = str(Path(word).expanduser()) + ("/" if word.endswith("/") else "") if word.startswith("~") else word
    found = [f"{path}/" if Path(path).is_dir() else path for path in glob(f"{escape(start)}*")]
    return [word + path[len(start) :] for path in found]
