"""Time tags: when an event or a sample was made, and by which clock.

On the device a tag is one integer, `time_base << 64 | microseconds`, so that tags of one base compare as numbers. On
the wire it has 11 bytes: time base U16, context U8, seconds U32, microseconds U32 (F´ `Fw::Time`). The context is sent
as 0 and ignored on receipt.
"""

from __future__ import annotations

import struct

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import WireError

TAG_SIZE = 11
"""Bytes of a tag on the wire."""

BASE_SHIFT = 64
"""Bits of a tag below its time base."""

MICROSECONDS_MASK = (1 << BASE_SHIFT) - 1
"""The bits of a tag that count microseconds."""

US_PER_S = 1_000_000

_TAG = struct.Struct(">HBII")


class TimeBase(IntEnum):
    """The clocks that a time may come from (F´ `TimeBase`)."""

    NONE = 0
    PROC_TIME = 1
    WORKSTATION_TIME = 2
    SC_TIME = 3
    FPGA_TIME = 4
    DONT_CARE = 0xFFFF


def pack_tag(tag: int) -> bytes:
    """The 11 bytes of `tag`. Raises `WireError` when the base exceeds 16 bits or the seconds 32."""
    try:
        return _TAG.pack(tag >> BASE_SHIFT, 0, *divmod(tag & MICROSECONDS_MASK, US_PER_S))
    except struct.error:
        raise unpackable_tag(tag) from None


def unpack_tag(data: bytes, offset: int = 0) -> int:
    """The tag at `offset`. Raises `WireError` for too few bytes and for a million or more microseconds."""
    try:
        base, _context, seconds, useconds = _TAG.unpack_from(data, offset)
    except struct.error:
        raise WireError(f"time tag at byte {offset}: needs {TAG_SIZE} bytes, data has {len(data)}") from None
    return join_tag(base, seconds, useconds, offset)


def join_tag(base: int, seconds: int, useconds: int, offset: int) -> int:
    """The tag of three fields read at `offset`. Raises `WireError` for a million or more microseconds."""
    if useconds >= US_PER_S:
        raise WireError(f"time tag at byte {offset}: {useconds} microseconds, at most {US_PER_S - 1} make sense")
    return int(base << BASE_SHIFT | seconds * US_PER_S + useconds)


def unpackable_tag(tag: int) -> WireError:
    """The error for a tag that has no wire form."""
    return WireError(f"time tag {tag:#x}: base {tag >> BASE_SHIFT} or its seconds do not fit U16 and U32")
