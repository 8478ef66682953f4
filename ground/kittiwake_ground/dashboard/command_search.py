"""Finds commands by some of their letters, grouped by the instance that they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.dictionary.entries import Command


def matching_commands(commands: Iterable[Command], query: str) -> dict[str, list[Command]]:
    """The commands whose names hold every word of the query, else those whose annotations do, by instance."""
    words = query.lower().split()
    listed = list(commands)
    found = [one for one in listed if all(word in one.name.lower() for word in words)]
    if not found:
        found = [one for one in listed if all(word in f"{one.name} {one.annotation}".lower() for word in words)]
    groups: dict[str, list[Command]] = {}
    for one in found:
        groups.setdefault(one.name.rpartition(".")[0], []).append(one)
    return groups
