"""Questions in SQL over the Parquet files: read-only, and with limits on time, memory and rows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from kittiwake_ground.longterm.partitions import FILE, KINDS, require
from kittiwake_ground.longterm.rows import COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

MAX_ROWS = 100_000
MAX_SQL = 20_000
DEFAULT_ROWS = 1_000
TIMEOUT_S = 30.0
MEMORY_MB = 512
_SQL_TYPES = {"string": "VARCHAR", "timestamp": "TIMESTAMP", "double": "DOUBLE", "int64": "BIGINT", "int32": "INTEGER"}


class QueryRefused(ValueError):
    """A question that is not answered; the message says why."""


class Answer(NamedTuple):
    """The columns, and the rows in JSON's terms; `cut` says that there are more."""

    columns: list[str]
    rows: list[list[Any]]
    cut: bool


def ask(
    folder: Path, sql: str, limit: int = DEFAULT_ROWS, timeout_s: float = TIMEOUT_S, memory_mb: int = MEMORY_MB
) -> Answer:
    """The answer to one SELECT over the views `samples`, `events` and `commands` of the files in `folder`.

    The question reaches no other file, no network and no setting. Raises `ExtraMissing`, and `QueryRefused` for
    anything but one SELECT, for one that DuckDB does not understand, and for one that takes too long or too much.
    """
    require("duckdb")
    import duckdb

    if not 1 <= limit <= MAX_ROWS:
        raise QueryRefused(f"1 to {MAX_ROWS} rows can be asked for, not {limit}")
    if not folder.is_dir():
        raise QueryRefused(
            f"{folder} is no folder with an export: `kittiwake ground export --parquet {folder}` makes one"
        )
    try:
        _check(sql)
        with duckdb.connect(":memory:") as connection:
            _prepare(connection, folder.absolute(), memory_mb)
            timer = threading.Timer(timeout_s, connection.interrupt)
            timer.start()
            try:
                # Rows come as they are made: no more of them than are shown are.
                found = connection.execute(sql)
                columns = [str(one[0]) for one in found.description or ()]
                rows = found.fetchmany(limit + 1)
            finally:
                timer.cancel()
    except duckdb.InterruptException:
        raise QueryRefused(f"the question took longer than {timeout_s:g} s") from None
    except duckdb.Error as fault:
        raise QueryRefused(str(fault).strip()) from None
    return Answer(columns, [[_plain(value) for value in row] for row in rows[:limit]], len(rows) > limit)


def _check(sql: str) -> None:
    import duckdb

    if len(sql) > MAX_SQL:
        raise QueryRefused(f"a question has at most {MAX_SQL} characters")
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        raise QueryRefused("a question is one SELECT: nothing can be written here")


def _prepare(connection: Any, folder: Path, memory_mb: int) -> None:
    """Makes the views, and closes everything else."""
    place = str(folder).replace("'", "''")
    for setting in (
        "autoinstall_known_extensions = false", "autoload_known_extensions = false", "threads = 1",
        f"memory_limit = '{int(memory_mb)}MB'", "temp_directory = ''", f"allowed_directories = ['{place}/']",
        "enable_external_access = false",
    ):  # fmt: skip
        connection.execute(f"SET {setting}")
    for kind in KINDS:
        connection.execute(f"CREATE VIEW {kind} AS {_view(folder, place, kind)}")
    connection.execute("SET lock_configuration = true")


def _view(folder: Path, place: str, kind: str) -> str:
    if next((folder / kind).glob(f"*/*/{FILE}"), None) is None:
        columns = [f'NULL::{_SQL_TYPES[form]} AS "{name}"' for name, form in COLUMNS[kind]]
        return f"SELECT {', '.join(columns)}, NULL::VARCHAR AS deployment, NULL::DATE AS day WHERE false"
    return (
        f"SELECT * FROM read_parquet('{place}/{kind}/*/*/{FILE}', hive_partitioning = true, union_by_name = true, "
        "hive_types = {'deployment': VARCHAR, 'day': DATE})"
    )


def _plain(value: Any) -> Any:
    """A value of DuckDB's for JSON: times and what else it does not have become text."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
