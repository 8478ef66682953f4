"""Reads the log of a run while it is written, from any place on: entries that are whole, whatever else is there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

MAX_READ = 512 << 10
"""The most bytes that are read at once; longer than the longest entry."""


class Piece(NamedTuple):
    """Entries of a log, and the place in the file behind them: the next piece begins there."""

    entries: list[dict[str, Any]]
    next: int


def read_log(path: Path | None, start: int = 0) -> Piece:
    """The entries from a place on, up to `MAX_READ` bytes of them; a line that is still being written is left out.

    A line that is no entry is told as one of the kind `unreadable`. Raises `OSError`.
    """
    if path is None:
        return Piece([], 0)
    with path.open("rb") as file:
        file.seek(max(0, start))
        data = file.read(MAX_READ)
    end = data.rfind(b"\n") + 1
    if not end and len(data) == MAX_READ:
        end = MAX_READ  # no entry is so long: this is no log
    lines = data[:end].split(b"\n")
    return Piece([_entry(line) for line in lines if line.strip()], max(0, start) + end)


def last_entry(path: Path | None) -> dict[str, Any]:
    """The last whole entry, or an empty one. Raises `OSError`."""
    if path is None:
        return {}
    size = path.stat().st_size
    entries = read_log(path, max(0, size - MAX_READ // 2)).entries
    return entries[-1] if entries else {}


def _entry(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if isinstance(found, dict) and isinstance(found.get("kind"), str):
        return found
    return {"time": "", "elapsed_s": 0.0, "kind": "unreadable", "text": line[:200].decode(errors="replace")}
