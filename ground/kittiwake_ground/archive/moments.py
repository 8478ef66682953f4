"""How things stood at a moment that is past: what the archive holds, cut where that moment was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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


# A row is a change if what it says is not what the row before it said; the first row of all is one, too.
_CHANGES = """
WITH told AS (
    SELECT {columns}, coalesce(text, number) AS said FROM samples WHERE channel = :channel AND time_us >= coalesce(
        (SELECT max(time_us) FROM samples WHERE channel = :channel AND time_us < :start), :start
    ) AND time_us < :end
)
SELECT {columns} FROM (
    SELECT *, lag(said) OVER (ORDER BY time_us, position) AS before, row_number() OVER (ORDER BY time_us, position) AS n
    FROM told
) WHERE n = 1 OR said IS NOT before ORDER BY time_us, position LIMIT :limit
"""
_COUNTS = """
SELECT time_us / :width * :width, severity, count(*) FROM events
WHERE deployment = :deployment AND time_us >= :start AND time_us < :end GROUP BY 1, 2 ORDER BY 1, 2
"""


def changes(
    connection: sqlite3.Connection, channel: int, columns: str, start_us: int, end_us: int, limit: int
) -> list[tuple[Any, ...]]:
    """The rows of a channel that say another thing than the one before: how it stood at the start, and each change."""
    bounds = {"channel": channel, "start": start_us, "end": end_us, "limit": limit}
    return connection.execute(_CHANGES.format(columns=columns), bounds).fetchall()


def event_counts(
    connection: sqlite3.Connection, deployment: int, start_us: int, end_us: int, width_us: int
) -> list[tuple[int, str, int]]:
    """How many events of each severity there are in stretches of time, those without any left out."""
    bounds = {"deployment": deployment, "start": start_us, "end": end_us, "width": width_us}
    return connection.execute(_COUNTS, bounds).fetchall()


def cut_life(command: ArchivedCommand, before_us: int) -> ArchivedCommand:
    """A command as it stood just before a moment; the first of its steps stays in any case."""
    steps = tuple([step for step in command.steps if step.at_us < before_us]) or command.steps[:1]
    if len(steps) == len(command.steps):
        return command
    return command._replace(steps=steps, state=steps[-1].state, response=steps[-1].response)
