"""Takes in what a stream has, and no more than one turn of the loop should."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Stream

READS_A_TURN = 4


def read_portions(stream_now: Callable[[], Stream | None], limit: int, take: Callable[[bytes], None], end: str) -> str:
    """Gives `take` at most four portions of `limit` bytes; why there will be no more, or "".

    `stream_now` is asked before each, as `take` may have closed the stream; `end` says that the other side closed.
    """
    for _ in range(READS_A_TURN):
        stream = stream_now()
        if stream is None:
            return ""
        try:
            data = stream.receive(limit)
        except OSError as fault:
            return str(fault)
        if data is None:
            return ""
        if not data:
            return end
        take(data)
    return ""
