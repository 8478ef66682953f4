"""How things stood at a moment that is past: what the archive holds, cut where that moment was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_ground.archive.records import LinkStep

if TYPE_CHECKING:
    import sqlite3

    from kittiwake_ground.archive.records import ArchivedCommand

_BEFORE = """
SELECT at_us, state, reason FROM link_states WHERE deployment = ? AND at_us <= ? ORDER BY at_us DESC, id DESC LIMIT 1
"""
_WITHIN = """
SELECT at_us, state, reason FROM link_states WHERE deployment = ? AND at_us > ? AND at_us < ? ORDER BY at_us, id LIMIT ?
"""


def link_states(
    connection: sqlite3.Connection, deployment: int, start_us: int, end_us: int, limit: int
) -> list[LinkStep]:
    """The state that a link had at `start_us`, if it is known, and those that it went into before `end_us`."""
    before = connection.execute(_BEFORE, (deployment, start_us)).fetchall()
    within = connection.execute(_WITHIN, (deployment, start_us, end_us, limit)).fetchall()
    return [LinkStep(*row) for row in (*before, *within)]


def cut_life(command: ArchivedCommand, before_us: int) -> ArchivedCommand:
    """A command as it stood just before a moment; the first of its steps stays in any case."""
    steps = tuple([step for step in command.steps if step.at_us < before_us]) or command.steps[:1]
    if len(steps) == len(command.steps):
        return command
    return command._replace(steps=steps, state=steps[-1].state, response=steps[-1].response)
