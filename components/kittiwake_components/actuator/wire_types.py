"""What the commands of the actuator carry."""

from __future__ import annotations

from typing import Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model import U8, U32, Size, wire_array, wire_enum, wire_struct

COMMAND_DEVICE_SIZE = 80
COMMAND_POINT_SIZE = 120
COMMAND_VALUE_SIZE = 80
TIME_SIZE = 40
SLOTS_A_COMMAND = 8
SHOWN_HOLDERS = 8
HOLDER_DEVICE_SIZE = 60
HOLDER_OWNER_SIZE = 30

TaskName = Annotated[str, Size(80)]
DeviceName = Annotated[str, Size(COMMAND_DEVICE_SIZE)]
PointPath = Annotated[str, Size(COMMAND_POINT_SIZE)]
JsonValue = Annotated[str, Size(COMMAND_VALUE_SIZE)]
"""A value in JSON: `21.5`, `true`, `null`, `"auto"`."""


@wire_enum(U8, name="Components.SchedulePriority")
class Priority(IntEnum):
    """What a task may do to others, and others to it."""

    HIGH = 0
    """It is never preempted, and preempts what may be."""
    LOW = 1
    """It is preempted only before it has started."""
    LOW_PREEMPT = 2
    """It is preempted at any time; what is open has a grace time."""


@wire_enum(U8, name="Components.OnRelease")
class OnRelease(IntEnum):
    """What becomes of the points that a task has written, when it loses the device."""

    DEFAULT = 0
    """What the parameter ON_RELEASE says when the task is accepted."""
    HOLD = 1
    """They stay as they are."""
    REVERT = 2
    """They are reverted: to their defaults, or else to their last clean values."""


@wire_struct(name="Components.CommandSlot")
class CommandSlot:
    """The use of a device from `start` to before `end`; one without times is left out."""

    device: Annotated[str, Size(COMMAND_DEVICE_SIZE)] = ""
    start: Annotated[str, Size(TIME_SIZE)] = ""
    end: Annotated[str, Size(TIME_SIZE)] = ""


@wire_struct(name="Components.PointWrite")
class PointWrite:
    """A value, in JSON, for a point; one without a point is left out."""

    point: Annotated[str, Size(COMMAND_POINT_SIZE)] = ""
    value: Annotated[str, Size(COMMAND_VALUE_SIZE)] = ""


CommandSlots = wire_array("Components.CommandSlots", CommandSlot, SLOTS_A_COMMAND)
PointWrites = wire_array("Components.PointWrites", PointWrite, SLOTS_A_COMMAND)
PointPaths = wire_array("Components.PointPaths", PointPath, SLOTS_A_COMMAND)


@wire_struct(name="Components.DeviceHolder")
class DeviceHolder:
    """Who holds a device, and until when, in seconds since the Unix epoch. Names are cut to their sizes."""

    device: Annotated[str, Size(HOLDER_DEVICE_SIZE)] = ""
    owner: Annotated[str, Size(HOLDER_OWNER_SIZE)] = ""
    until_s: U32 = 0


DeviceHolders = wire_array("Components.DeviceHolders", DeviceHolder, SHOWN_HOLDERS)
