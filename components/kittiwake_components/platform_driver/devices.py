"""How devices and points are called, and how a device is; light, as ports and commands need no more of them."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum

NAME_SIZE = 120
PATH_SIZE = 2 * NAME_SIZE + 1
IDENTIFIER_SIZE = 120


@wire_enum(U8, name="Components.DeviceStatus")
class DeviceStatus(IntEnum):
    """How a device is (the upstream's words, and one more)."""

    IDLE = 0
    """It is disabled, or was not polled yet."""
    RUNNING = 1
    """Its last poll has brought values."""
    ERROR = 2
    """Its last poll has failed; it is tried again."""
    STOPPED = 3
    """Its loop has ended."""
    FAILED = 4
    """It cannot work as it is: its driver cannot be made, breaks, or hangs for good. It is tried again, rarely."""


def split_path(path: str) -> tuple[str, str]:
    """Device and point of a path, at its last slash. Raises `ValueError` for a path without one."""
    device, slash, point = path.strip("/").rpartition("/")
    if not slash:
        raise ValueError(f"{path!r} is no path of a point: it has no slash")
    return device.strip("/"), point
