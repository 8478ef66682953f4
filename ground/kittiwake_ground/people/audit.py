"""The audit trail: who did what and when, one JSON object a line, appended and never rewritten."""

from __future__ import annotations

import json
from collections import deque
from os import SEEK_END
from typing import IO, TYPE_CHECKING, Any

from kittiwake_ground.server.session import now_us

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

MAX_HELD = 1000
"""The most entries that can be asked for; the file has all of them."""

MAX_DETAIL = 2000


class AuditTrail:
    """Appends to a file, and tells `also` (the archive) of every entry."""

    def __init__(self, path: Path, also: Callable[[Mapping[str, Any]], None]) -> None:
        self.path = path
        self.entries: deque[dict[str, Any]] = deque(maxlen=MAX_HELD)
        """The last entries since the start, the oldest first."""
        self._also = also
        self._file: IO[str] | None = None

    def open(self) -> None:
        """Opens the file, and ends a line that a crash has cut off. Raises `OSError`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        cut = False
        if self.path.exists() and self.path.stat().st_size:
            with self.path.open("rb") as before:
                before.seek(-1, SEEK_END)
                cut = before.read(1) != b"\n"
        self._file = self.path.open("a", encoding="utf-8")
        self.path.chmod(0o600)
        if cut:
            self._file.write("\n")

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def add(self, who: str, action: str, deployment: str = "", detail: str = "", source: str = "") -> None:
        """Notes that somebody did something. `source` is the address that it came from. Raises `OSError`."""
        entry = {
            "time_us": now_us(),
            "who": who,
            "action": action,
            "deployment": deployment,
            "detail": detail[:MAX_DETAIL],
            "source": source,
        }
        self.entries.append(entry)
        if self._file is not None:
            self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
            self._file.flush()
        self._also(entry)
