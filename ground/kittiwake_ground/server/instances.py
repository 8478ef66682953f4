"""Finds a deployment's instances by what they can do: C++ deployments name theirs as they like."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake.dictionary.entries import Command, Dictionary


def channels_called(dictionary: Dictionary, *endings: str) -> list[str]:
    """The channels whose name ends in a dot and one of these, in the order of the endings."""
    return [name for ending in endings for name in dictionary.channels if name.endswith(f".{ending}")]


class NoSuchAbility(LookupError):
    """The deployment has no instance that can do what was asked, or several and none was named."""


def commands_called(dictionary: Dictionary, mnemonic: str, formals: int) -> list[Command]:
    """The commands of a mnemonic with so many parameters, one for each instance."""
    return [
        one
        for one in dictionary.commands.values()
        if one.name.rpartition(".")[2] == mnemonic and len(one.formals) == formals
    ]


def command_called(dictionary: Dictionary, mnemonic: str, formals: int, instance: str = "") -> Command:
    """The command of a mnemonic, of the only instance that has it or the named one. Raises `NoSuchAbility`."""
    found = commands_called(dictionary, mnemonic, formals)
    if instance:
        found = [one for one in found if one.name.rpartition(".")[0] == instance]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NoSuchAbility(f"the deployment has no command {instance + '.' if instance else ''}{mnemonic}")
    names = ", ".join(one.name.rpartition(".")[0] for one in found)
    raise NoSuchAbility(f"several instances have a command {mnemonic}: {names}; name one")
