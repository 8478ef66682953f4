"""What the server tells the process of a run: one JSON object on its standard input, which then stays open.

That it closes says that the server has gone.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

MAX_ORDER = 60_000
"""The longest order in bytes; it must go into a pipe without anybody reading."""

PASSED, FAILED, ABORTED, LOST = 0, 1, 3, 4
"""How the process of a run ends: LOST says that the server has gone."""

STOP_GRACE_S = 5.0
"""How long a run may take to end by itself, in seconds."""


class OrderTooLong(ValueError):
    """The arguments of a run do not go into an order."""


@dataclass(frozen=True)
class Order:
    """A run: its file, the server with a token for it, the deployment, the arguments, and what its log begins with."""

    run: int
    procedure: str
    file: str
    url: str
    token: str
    deployment: str
    arguments: dict[str, Any]
    by: str

    def encoded(self) -> bytes:
        """The line. Raises `OrderTooLong`."""
        line = json.dumps(asdict(self)).encode() + b"\n"
        if len(line) > MAX_ORDER:
            raise OrderTooLong(f"the arguments are longer than {MAX_ORDER} bytes")
        return line


def read_order(line: bytes) -> Order:
    """The order of a line that `encoded` has made."""
    return Order(**json.loads(line))
