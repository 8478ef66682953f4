"""The ports of the platform driver beside those of `building`: its service, and the values as they come.

The service answers what the upstream's REST API answers (easy-aso, `/api/v1`): a REST server packs a request's path,
query and body into the arguments of a method, and gives back status, ETag and body as they come. The methods, their
arguments and their answers are listed in the design sheet of PlatformDriver.
"""

from __future__ import annotations

from typing import Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model.ports import port
from kittiwake.model.types import U8, U16, U32, U64, Size, wire_enum

NAME_SIZE = 120
PATH_SIZE = 2 * NAME_SIZE + 1
VALUE_SIZE = 1024
"""The longest value of a point in JSON, in bytes."""

METHOD_SIZE = 40
CALL_SIZE = 4_194_304
REPLY_SIZE = 4_194_304
"""The longest arguments and the longest answer of a call, in bytes. Longer lists are asked for in pages."""

ETAG_SIZE = 24
REASON_SIZE = 160


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


@wire_enum(U8, name="Components.Quality")
class Quality(IntEnum):
    """What can be said of a point's value."""

    GOOD = 0
    """It was read, and lately."""
    STALE = 1
    """It was read, but STALE_FACTOR intervals ago or longer."""
    ERROR = 2
    """The last try to read it has failed; the value is the last good one, if there is any."""
    NEVER = 3
    """It was never read."""


@port("Components.DriverCall")
def DriverCall(
    token: U32, method: Annotated[str, Size(METHOD_SIZE)], arguments: Annotated[bytes, Size(CALL_SIZE)]
) -> None:
    """Calls a method of the platform driver. `arguments` is a JSON object. Each call gets one reply with its token."""


@port("Components.DriverReply")
def DriverReply(
    token: U32, status: U16, etag: Annotated[str, Size(ETAG_SIZE)], body: Annotated[bytes, Size(REPLY_SIZE)]
) -> None:
    """The answer to a call: a status of HTTP, the version of what is shown as an ETag (or empty), and JSON."""


@port("Components.PointValue")
def PointValue(
    point: Annotated[str, Size(PATH_SIZE)], value: Annotated[str, Size(VALUE_SIZE)], quality: Quality, time_us: U64
) -> None:
    """A reading of a point: its path, its last good value as JSON, how good that is, and when it was looked at.

    It comes for each reading, also for one that failed, and once more when a value gets stale. Microseconds since 1970.
    """


@port("Components.DeviceHealth")
def DeviceHealth(
    device: Annotated[str, Size(NAME_SIZE)], status: DeviceStatus, reason: Annotated[str, Size(REASON_SIZE)]
) -> None:
    """A device is in another state: its path, the state, and why if it is a bad one."""
