"""Writes the file of a partition: whole under its name, or not at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake_ground.longterm.partitions import FILE, KINDS, moment_text, require
from kittiwake_ground.longterm.rows import COLUMNS, batches

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from kittiwake_ground.longterm.partitions import Partition

PARTIAL = f".{FILE}.unfinished"
"""A file that is being written: its name ends as none that readers look for."""

ROW_GROUP = 500_000
_EXPORTED = b"kittiwake.exported_us"


class Written(NamedTuple):
    """What a file says of itself: how many rows, and when they were read from the archive, in microseconds."""

    rows: int
    exported_us: int


def read_written(path: Path) -> Written | None:
    """What a partition's file says of itself; `None` if there is none, or none that can be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        footer = pq.read_metadata(path)
    except (OSError, pa.ArrowException):
        return None
    said = (footer.metadata or {}).get(_EXPORTED, b"")
    return Written(footer.num_rows, int(said) if said.isdigit() else 0)


def write_partition(
    connection: sqlite3.Connection, partition: Partition, deployment: int, folder: Path, now_us: int
) -> int:
    """Writes the rows that the archive has of a partition, and gives their number. Raises `OSError`.

    A kill leaves the file of before, or the new one.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = partition.path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(PARTIAL)
    said = {_EXPORTED: str(now_us).encode(), b"kittiwake.exported": moment_text(now_us).encode()}
    types: dict[str, Any] = {
        "string": pa.string(), "timestamp": pa.timestamp("us"), "double": pa.float64(), "int64": pa.int64(),
        "int32": pa.int32(),
    }  # fmt: skip
    schema = pa.schema([(name, types[kind]) for name, kind in COLUMNS[partition.kind]], said)
    count = 0
    try:
        with partial.open("wb") as file:
            with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                for rows in batches(connection, partition, deployment):
                    columns = [
                        pa.array(column, field.type)
                        for column, field in zip(zip(*rows, strict=True), schema, strict=True)
                    ]
                    writer.write_table(pa.Table.from_arrays(columns, schema=schema), ROW_GROUP)
                    count += len(rows)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    _sync_folder(path.parent)
    return count


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_unfinished(folder: Path) -> int:
    """Removes what a kill left unfinished, and gives how many files that were."""
    require("pyarrow")
    found = [path for kind in KINDS for path in (folder / kind).glob(f"*/*/{PARTIAL}")]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)
