"""What the ground is told of the counters, so that it need not guess, as by COP-1's CLCW (CCSDS 232.1-B-2)."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model import U8, U16, U32, wire_array, wire_enum, wire_struct

MAX_KEYS_IN_USE = 4
"""The most keys that one link accepts at a time: two while one follows another, and two to spare."""


@wire_enum(U8, name="Svc.KeyState")
class KeyState(IntEnum):
    """What becomes of frames under a key."""

    NONE = 0
    """There is no key in this place of the report."""
    ACCEPTING = 1
    COUNTER_UNKNOWN = 2
    """Its counter cannot be read or saved: its frames are refused."""
    NOT_SELECTED = 3
    """Another key was selected: its frames are refused."""


@wire_struct(name="Svc.KeyAcceptance")
class KeyAcceptance:
    """One key: frames that count from `last` + 1 on, within the window, are accepted."""

    spi: U16
    state: KeyState
    last: U32


AcceptanceReport = wire_array("Svc.AcceptanceReport", KeyAcceptance, MAX_KEYS_IN_USE)
