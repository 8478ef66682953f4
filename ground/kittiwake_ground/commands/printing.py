"""How events and channels are printed: as lines, JSON or CSV."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence

EVENT_COLUMNS = ("time", "name", "severity", "text", "arguments")
CHANNEL_COLUMNS = ("time", "name", "value", "unit", "alarm")


def add_format_options(parser: argparse.ArgumentParser) -> None:
    """Adds `--json` and `--csv`."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--json", action="store_true", help="one JSON object a line")
    either.add_argument("--csv", action="store_true", help="comma-separated values, with a head")


class Printer:
    """Prints objects in the form that the options ask for; `columns` are those of CSV."""

    def __init__(self, options: argparse.Namespace, columns: Sequence[str]) -> None:
        import csv

        self._json: bool = options.json
        self._columns = columns
        self._rows = csv.writer(sys.stdout, lineterminator="\n") if options.csv else None
        if self._rows is not None:
            self._rows.writerow(columns)
            sys.stdout.flush()

    def __call__(self, shown: Mapping[str, Any], line: str) -> None:
        """Prints an object, or `line` for people."""
        if self._json:
            print(json.dumps(shown, ensure_ascii=False), flush=True)
        elif self._rows is not None:
            self._rows.writerow([_cell(shown.get(column, "")) for column in self._columns])
            sys.stdout.flush()
        else:
            print(line, flush=True)


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict, bool)) else value
