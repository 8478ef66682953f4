"""Which events pass: by severity and by id. The filters outlive a restart."""

from __future__ import annotations

from struct import Struct

from kittiwake.int_enum import IntEnum
from kittiwake.model.events import Severity
from kittiwake.model.types import U8, wire_enum

ID_FILTERS_MAX = 64
VERSION = 1
RECORD_SIZE_MAX = 4096

ALWAYS_SHOWN = (Severity.FATAL, Severity.COMMAND)
"""What no filter holds back: the worst, and what answers to commands depend on."""

_HEADER = Struct(">BB")
_ID = Struct(">I")


@wire_enum(U8, name="Svc.EventManager.FilterSeverity")
class FilterSeverity(IntEnum):
    """The severities that F´ lets the ground filter; COMMAND stays enabled all the same."""

    WARNING_HI = 0
    WARNING_LO = 1
    COMMAND = 2
    ACTIVITY_HI = 3
    ACTIVITY_LO = 4
    DIAGNOSTIC = 5


class FiltersFault(ValueError):
    """A record that holds no filters."""


class Filters:
    """The severities that pass and the ids that do not."""

    __slots__ = ("ids", "shown")

    def __init__(self, shown: frozenset[Severity] | None = None, ids: frozenset[int] = frozenset()) -> None:
        self.shown = frozenset(Severity) - {Severity.DIAGNOSTIC} if shown is None else shown
        self.ids = ids

    def pack(self) -> bytes:
        """The payload of the record: a bit for each severity that passes, the number of ids, the ids."""
        mask = sum([1 << severity for severity in self.shown])
        return _HEADER.pack(mask, len(self.ids)) + b"".join([_ID.pack(id) for id in sorted(self.ids)])


def unpack_filters(data: bytes) -> Filters:
    """The filters of a record's payload. Raises `FiltersFault`."""
    if len(data) < _HEADER.size:
        raise FiltersFault(f"has {len(data)} bytes")
    mask, count = _HEADER.unpack_from(data)
    if count > ID_FILTERS_MAX or len(data) != _HEADER.size + count * _ID.size:
        raise FiltersFault(f"has {len(data)} bytes for {count} ids")
    shown = frozenset([severity for severity in Severity if mask >> severity & 1 or severity in ALWAYS_SHOWN])
    return Filters(shown, frozenset([id for (id,) in _ID.iter_unpack(data[_HEADER.size :])]))
