"""Commands are found by their words, grouped by instance."""

from __future__ import annotations

from kittiwake.dictionary.entries import Command
from kittiwake_ground.dashboard.command_search import matching_commands

COMMANDS = [
    Command("core.dispatcher.NO_OP", 1, (), annotation="Does nothing."),
    Command("core.dispatcher.CLEAR", 2, (), annotation="Forgets everything."),
    Command("files.manager.ListFolder", 3, (), annotation="Says what is in a folder."),
]


def names(query: str) -> dict[str, list[str]]:
    return {instance: [one.name for one in group] for instance, group in matching_commands(COMMANDS, query).items()}


def test_without_a_query_all_commands_are_there_by_instance() -> None:
    assert list(names("")) == ["core.dispatcher", "files.manager"]
    assert sum(map(len, names("").values())) == 3


def test_every_word_must_be_in_the_name_in_any_case_and_order() -> None:
    assert names("no_op CORE") == {"core.dispatcher": ["core.dispatcher.NO_OP"]}
    assert names("no_op files") == {}


def test_annotations_count_only_where_no_name_fits() -> None:
    assert names("forgets") == {"core.dispatcher": ["core.dispatcher.CLEAR"]}
    assert names("folder") == {"files.manager": ["files.manager.ListFolder"]}
