"""The way that a shell goes, and how it hands that to the sub-commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake.cli.completion_tree import read_tree
from kittiwake_ground.commands.server_option import STRAIGHT, server_of, through_server
from kittiwake_ground.commands.session import link_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from kittiwake.cli.completion_tree import Node
    from kittiwake_ground.client.deployment import AsyncDeployment

_STRAIGHT_OPTIONS = {"-d", *["--" + name.replace("_", "-") for name in STRAIGHT]}
_SERVER_OPTIONS = {"--server", "--deployment"}


class Way(NamedTuple):
    """Through `server`, or straight if that is `None`; `options` are what a sub-command is given."""

    server: str | None
    options: tuple[tuple[str, str], ...]
    chosen: argparse.Namespace

    def added(self, words: Sequence[str], commands: Mapping[str, tuple[str, str]]) -> list[str]:
        """The words of a sub-command with the options of the way that it knows, unless they name one themselves."""
        node = deepest(read_tree({words[0]: commands[words[0]]}), words)
        known = {name for option in node.options for name in option.names}
        given = {word.partition("=")[0] for word in words}
        if "--server" not in known or given & _STRAIGHT_OPTIONS or (self.server is None and given & _SERVER_OPTIONS):
            return list(words)
        depth = len(node.words)
        more = [part for option in self.options if option[0] in known - given for part in option]
        return [*words[:depth], *more, *words[depth:]]

    def dictionary(self) -> tuple[str, Mapping[str, Any]]:
        """The deployment's name and its dictionary as the API shows it. Raises as `through_server`, and `Misuse`."""
        if self.server is None:
            return _straight_dictionary(self.chosen)
        found = []

        async def ask(station: AsyncDeployment) -> int:
            found.append((station.name, await station.dictionary()))
            return 0

        through_server(self.chosen, self.server, ask)
        return found[0]


def way_of(chosen: argparse.Namespace) -> Way:
    """The way that the options stand for. Raises `Misuse`."""
    server = server_of(chosen)
    if server is not None:
        deployment = (("--deployment", chosen.deployment),) if chosen.deployment else ()
        return Way(server, (("--server", server), *deployment), chosen)
    names = {"link": link_of(chosen), **{name: getattr(chosen, name) for name in STRAIGHT if name != "link"}}
    options = [("--" + name.replace("_", "-"), str(value)) for name, value in names.items() if value is not None]
    return Way(None, tuple(options), chosen)


def deepest(nodes: Iterable[Node], words: Sequence[str]) -> Node:
    """The node of the tree that the first words lead to."""
    return max((one for one in nodes if one.words == tuple(words[: len(one.words)])), key=lambda one: len(one.words))


def _straight_dictionary(chosen: argparse.Namespace) -> tuple[str, Mapping[str, Any]]:
    from kittiwake.cli.dictionary_option import chosen_dictionary
    from kittiwake_ground.commands.dictionary_command import command_object_of

    dictionary = chosen_dictionary(chosen)
    kinds: dict[str, Iterable[str]] = {
        "channels": dictionary.channels, "events": dictionary.events, "parameters": dictionary.parameters,
    }  # fmt: skip
    found: dict[str, Any] = {kind: [{"name": name} for name in names] for kind, names in kinds.items()}
    found["commands"] = [command_object_of(dictionary, name) for name in dictionary.commands]
    return dictionary.deployment, found
