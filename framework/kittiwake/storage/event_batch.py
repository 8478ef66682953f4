"""The batches in which events are kept on the disk: a journal's record each, written by EventLog, read by who explains.

Number of the first event U64, count of events U16, and for each event its severity U8, its length U16 and its packet.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

JOURNAL_VERSION = 1
BATCH_SIZE_MAX = 16_384

_BATCH = Struct(">QH")
_EVENT = Struct(">BH")

Kept = tuple[int, bytes]
"""An event's severity and its packet."""


def pack_batch(first: int, events: Iterable[Kept]) -> tuple[bytes, int]:
    """A batch with as many of the events as it takes, from number `first` on, and how many they are; maybe none."""
    parts: list[bytes] = []
    size = _BATCH.size
    for severity, packet in events:
        size += _EVENT.size + len(packet)
        if size > BATCH_SIZE_MAX:
            break
        parts.append(_EVENT.pack(severity, len(packet)) + packet)
    return _BATCH.pack(first, len(parts)) + b"".join(parts), len(parts)


def batch_span(payload: bytes) -> tuple[int, int]:
    """The number of the first event of a batch, and their count."""
    first, count = _BATCH.unpack_from(payload)
    return first, count


def batch_events(payload: bytes) -> Iterator[Kept]:
    """The events of a batch."""
    offset = _BATCH.size
    while offset < len(payload):
        severity, size = _EVENT.unpack_from(payload, offset)
        offset += _EVENT.size
        yield severity, payload[offset : offset + size]
        offset += size
