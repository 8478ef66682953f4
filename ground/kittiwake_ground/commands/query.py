"""`kittiwake ground query`: asks the Parquet files in SQL, read-only."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kittiwake.cli.outcome import carry_out
from kittiwake_ground.commands.printing import add_format_options
from kittiwake_ground.commands.server_option import add_server_options, server_address, through_ground

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kittiwake_ground.client.asynchronous import AsyncGround


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        "kittiwake ground query",
        description="Ask the Parquet files of long history one SELECT, over the views samples, events and commands.",
    )
    made.add_argument(
        "sql", help="as in \"SELECT day, avg(value) FROM samples WHERE channel LIKE '%%.CPU' GROUP BY day\""
    )
    made.add_argument("--parquet", type=Path, metavar="DIR", help="files on this machine; default: those of the server")
    made.add_argument("--limit", type=int, default=1000, metavar="N", help="rows at most (default: 1000)")
    add_format_options(made)
    add_server_options(made)
    return made


def main(arguments: list[str]) -> int:
    """Asks; 1 if it cannot be answered, 2 if the server takes it for no question."""
    return carry_out(parser(), _query, arguments)


def _query(options: argparse.Namespace) -> int:
    if options.parquet is not None:
        from kittiwake_ground.longterm.asking import ask

        found = ask(options.parquet, options.sql, options.limit)
        _print(options, found.columns, found.rows, found.cut)
        return 0

    async def act(ground: AsyncGround) -> int:
        answer = await ground.query(options.sql, options.limit)
        _print(options, answer["columns"], answer["rows"], bool(answer["cut"]))
        return 0

    return through_ground(server_address(options), act)


def _print(options: argparse.Namespace, columns: Sequence[str], rows: Sequence[Sequence[Any]], cut: bool) -> None:
    import csv

    from kittiwake_ground.commands.session import complain

    if options.json:
        for row in rows:
            print(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False))
    elif options.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows([columns, *rows])
    else:
        _print_table(columns, rows)
    if cut:
        complain(f"These are the first {len(rows)} rows; --limit gives more.")


def _print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from kittiwake.dictionary.lines import one_line

    table = [list(columns), *[["" if one is None else one_line(str(one)) for one in row] for row in rows]]
    widths = [max(len(row[index]) for row in table) for index in range(len(columns))]
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
