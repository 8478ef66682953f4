"""The ports between those who use a building's devices and the driver that reaches them.

A device is a path as `campus/b1/ahu1`, a point one as `campus/b1/ahu1/Fan`, split at the last slash. A device has no
other name here: whoever decides who may write does so by path, and a second name would be a way around that.

Devices answer in their own time, so that a request and its answer are two messages, joined by a token. Values and
errors are JSON, as in VOLTTRON, whose ActuatorAgent and PlatformDriverAgent speak to each other so.
"""

from __future__ import annotations

from typing import Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model.ports import port
from kittiwake.model.types import U8, U32, Size, wire_enum

BODY_SIZE = 65_000
"""The longest request or answer, in bytes."""


@wire_enum(U8, name="Components.DeviceAction")
class DeviceAction(IntEnum):
    """What is wanted of a driver, with the members of the JSON object that goes with it and the result that comes."""

    GET_POINT = 0
    """`point`: its value, read now."""
    SET_POINT = 1
    """`point`, `value`, `priority` (or null): the value that the device took. A null value releases the priority."""
    REVERT_POINT = 2
    """`point`: null. Its declared default, or else its last clean value, is written; without either nothing is."""
    REVERT_DEVICE = 3
    """`device`: null. Every point that was written, or has a default, is reverted."""
    SCRAPE_ALL = 4
    """`device`: an object of all its points' values."""
    GET_MULTIPLE = 5
    """`points`: a list of two objects, values and errors, both by point."""
    SET_MULTIPLE = 6
    """`values` (pairs of point and value), `priority` (or null): an object of what failed, with the errors."""
    HEARTBEAT = 7
    """`point`, `value`: the value that the device took. It is written though the device is overridden."""
    OVERRIDE_ON = 8
    """`pattern`, `duration_s`, `failsafe_revert`, `staggered_revert`: null."""
    OVERRIDE_OFF = 9
    """`pattern`: null."""
    CLEAR_OVERRIDES = 10
    """Null."""
    OVERRIDE_DEVICES = 11
    """A list of the devices that are overridden."""
    OVERRIDE_PATTERNS = 12
    """A list of the patterns in force."""


@port("Components.DeviceRequest")
def DeviceRequest(token: U32, action: DeviceAction, body: Annotated[bytes, Size(BODY_SIZE)]) -> None:
    """Asks for an action; `body` is a JSON object with the members that the action names. Each gets one answer."""


@port("Components.DeviceAnswer")
def DeviceAnswer(token: U32, reply: Annotated[bytes, Size(BODY_SIZE)]) -> None:
    """The answer to the request of that token: a JSON object with the `result`, or with an `error`.

    An error is an object of `type` and `value`, as DriverInterfaceError (unknown point), KeyError (unknown device),
    RuntimeError (read only), ValueError or TypeError (bad value), OverrideError, TimeoutError.
    """
