"""Replaces what was decoded from some raw frames by what another dictionary makes of them, in one transaction.

Which rows came from those frames is told by the time of their reception, which frames and rows share. Rows of channels
that the other dictionary does not have stay, for they may be the ground's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake_ground.archive.rollups import CHUNK_US, WIDTHS_US, roll, runs

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from kittiwake_ground.archive.recorder import Recorder
    from kittiwake_ground.archive.records import NewEvent
    from kittiwake_ground.archive.sampling import NewSample

_SAMPLES = """
SELECT channels.id, name, time_us, position, received_us, base, device_us, kind, number, text
FROM channels CROSS JOIN samples ON samples.channel = channels.id
WHERE deployment = ? AND time_us >= ? AND time_us <= ?
"""
_EVENTS = """
SELECT id, received_us, name, severity, base, device_us, time_us, text FROM events
WHERE deployment = ? AND received_us >= ? AND received_us <= ?
"""


class Replacement(NamedTuple):
    """What takes the place of all that was received at the times `received`, of the channels named.

    The rows that go have times from `low_us` to `high_us`.
    """

    received: frozenset[int]
    channels: frozenset[str]
    low_us: int
    high_us: int
    samples: Sequence[NewSample]
    events: Sequence[NewEvent]


def sample_rows(connection: sqlite3.Connection, deployment: int, old: Replacement) -> list[tuple[Any, ...]]:
    """The rows of samples that a replacement is for, also of channels that it does not name."""
    rows = connection.execute(_SAMPLES, (deployment, old.low_us, old.high_us))
    return [row for row in rows if row[4] in old.received]


def event_rows(connection: sqlite3.Connection, deployment: int, old: Replacement) -> list[tuple[Any, ...]]:
    """The rows of events that a replacement is for."""
    if not old.received:
        return []
    rows = connection.execute(_EVENTS, (deployment, min(old.received), max(old.received)))
    return [row for row in rows if row[1] in old.received]


def replace(recorder: Recorder, deployment: str, new: Replacement) -> None:
    """Takes the old rows out and puts the new ones in, with their roll-ups; the caller's transaction has it all."""
    connection, sampling = recorder.connection, recorder.sampling
    sampling.write()
    id = recorder.deployment(deployment)
    horizon_us = sampling.horizon(id)
    chunks: dict[int, set[int]] = {}
    gone = []
    for channel, name, time_us, position, *_ in sample_rows(connection, id, new):
        if name in new.channels and time_us >= horizon_us:
            gone.append((channel, time_us, position))
            chunks.setdefault(channel, set()).add(time_us // CHUNK_US)
    connection.executemany("DELETE FROM samples WHERE channel = ? AND time_us = ? AND position = ?", gone)
    connection.executemany("DELETE FROM events WHERE id = ?", [row[:1] for row in event_rows(connection, id, new)])
    sampling.forget()
    sampling.add(id, new.samples)
    sampling.write()
    for channel, touched in chunks.items():
        for first, end in runs(touched):
            _roll_anew(connection, channel, first * CHUNK_US, end * CHUNK_US)
    if new.events:
        recorder.events(deployment, new.events)


def _roll_anew(connection: sqlite3.Connection, channel: int, start_us: int, end_us: int) -> None:
    """Makes the roll-ups of chunks anew, also where they have no samples left."""
    for level, width_us in enumerate(WIDTHS_US):
        connection.execute(
            "DELETE FROM rollups WHERE channel = ? AND level = ? AND start_us >= ? AND start_us < ?",
            (channel, level, start_us // width_us * width_us, -(-end_us // width_us) * width_us),
        )
    roll(connection, channel, start_us, end_us)
