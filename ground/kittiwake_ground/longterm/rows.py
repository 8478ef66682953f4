"""The rows of a day, read from the archive in batches of columns, and how each kind of rows is laid out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kittiwake_ground.archive.values import BOOLEAN, CONSTANT, JSON, NOT_A_NUMBER, NUMBER, WIDE
from kittiwake_ground.longterm.partitions import Partition, day_bounds

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

BATCH_ROWS = 50_000
COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "samples": (
        ("channel", "string"), ("time", "timestamp"), ("value", "double"), ("whole", "int64"), ("text", "string"),
        ("kind", "string"), ("position", "int32"), ("base", "int32"), ("device_us", "int64"),
        ("received", "timestamp"),
    ),
    "events": (
        ("name", "string"), ("time", "timestamp"), ("severity", "string"), ("text", "string"),
        ("arguments", "string"), ("base", "int32"), ("device_us", "int64"), ("received", "timestamp"),
    ),
    "commands": (
        ("name", "string"), ("time", "timestamp"), ("opcode", "int64"), ("arguments", "string"), ("sent_by", "string"),
        ("state", "string"), ("response", "string"), ("steps", "string"),
    ),
}  # fmt: skip
"""Of each kind its columns with their types. Times are UTC; `value` is the number, `whole` the same if it is whole."""

KIND_NAMES = {
    NUMBER: "number", BOOLEAN: "boolean", CONSTANT: "constant", JSON: "json", WIDE: "wide", NOT_A_NUMBER: "nan",
}  # fmt: skip

_SOURCES = {
    "samples": (
        """SELECT channels.name, time_us, number, text, kind, position, base, device_us, received_us
        FROM channels CROSS JOIN samples ON samples.channel = channels.id""",
        "time_us",
    ),
    "events": ("SELECT name, time_us, severity, text, arguments, base, device_us, received_us FROM events", "time_us"),
    "commands": (
        """SELECT name, created_us, opcode, arguments, by, state, response, (
            SELECT json_group_array(json_object('state', state, 'at_us', at_us)) FROM command_states
            WHERE command = commands.id
        ) FROM commands""",
        "created_us",
    ),
}
_FIRST = {
    "samples": "SELECT min((SELECT min(time_us) FROM samples WHERE channel = channels.id AND time_us >= ?2))"
    " FROM channels WHERE deployment = ?1",
    "events": "SELECT min(time_us) FROM events WHERE deployment = ?1 AND time_us >= ?2",
    "commands": "SELECT min(created_us) FROM commands WHERE deployment = ?1 AND created_us >= ?2",
}


def _where(partition: Partition, deployment: int) -> tuple[str, tuple[int, int, int]]:
    column = _SOURCES[partition.kind][1]
    start_us, end_us = day_bounds(partition.day)
    return f" WHERE deployment = ? AND {column} >= ? AND {column} < ?", (deployment, start_us, end_us)


def first_time(connection: sqlite3.Connection, kind: str, deployment: int, from_us: int) -> int | None:
    """The first time of rows of a kind at or after `from_us`; `None` if there are no more."""
    found = connection.execute(_FIRST[kind], (deployment, from_us)).fetchone()[0]
    return None if found is None else int(found)


def count_rows(connection: sqlite3.Connection, partition: Partition, deployment: int) -> int:
    """How many rows the archive has of a partition."""
    where, bounds = _where(partition, deployment)
    source = "channels CROSS JOIN samples ON samples.channel = channels.id"
    if partition.kind != "samples":
        source = partition.kind
    return int(connection.execute(f"SELECT count(*) FROM {source}{where}", bounds).fetchone()[0])


def batches(connection: sqlite3.Connection, partition: Partition, deployment: int) -> Iterator[list[tuple[Any, ...]]]:
    """The rows of a partition in the order of `COLUMNS`, so many at a time."""
    where, bounds = _where(partition, deployment)
    cursor = connection.execute(_SOURCES[partition.kind][0] + where, bounds)
    shape = _sample_row if partition.kind == "samples" else tuple
    while rows := cursor.fetchmany(BATCH_ROWS):
        yield [shape(row) for row in rows]


def _sample_row(row: tuple[Any, ...]) -> tuple[Any, ...]:
    name, time_us, number, text, kind, *rest = row
    whole = number if isinstance(number, int) else None
    value = float("nan") if kind == NOT_A_NUMBER else None if number is None else float(number)
    return (name, time_us, value, whole, text, KIND_NAMES.get(kind, str(kind)), *rest)


def plain_value(value: float | None, whole: int | None, text: str | None, kind: str) -> Any:
    """The value that a row of samples was made from, as the archive gives it."""
    if kind == "json":
        return json.loads(text or "null")
    if kind == "wide":
        return int(text or 0)
    if kind == "boolean":
        return bool(whole)
    return whole if whole is not None else value
