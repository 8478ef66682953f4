"""The ports of a hive's station: between the orchestrator of its sensors, the uploader, and whoever shows them."""

from __future__ import annotations

from typing import Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model.fw import TimeValue
from kittiwake.model.ports import port
from kittiwake.model.types import F64, U8, U32, U64, Size, wire_enum, wire_struct
from kittiwake_components.ports.file import FileName

SENSOR_SIZE = 40
"""The longest name of a sensor, or of one of its readings, in bytes."""

MAX_SENSORS = 32
"""The most sensors of a hive."""

STATUS_SIZE = 1000
"""The longest text about a target, in bytes."""

SensorName = Annotated[str, Size(SENSOR_SIZE)]


@wire_enum(U8, name="Components.SensorState")
class SensorState(IntEnum):
    """What a sensor is at, as its orchestrator sees it."""

    STOPPED = 0
    """Not started, or stopped by a command."""

    STARTING = 1
    """Its process was started and has not said that it is ready."""

    WAITING = 2
    """Until its next start."""

    BEGINNING = 3
    """Told to record; it has not said yet that it does."""

    RECORDING = 4

    STOPPING = 5
    """Told to stop; it ends what it does."""

    ENDING = 6
    """It hangs, and was asked to end."""

    KILLING = 7
    """It did not heed that, and is killed."""

    BACKING_OFF = 8
    """Its process has failed, and is started again after a pause."""

    QUARANTINED = 9
    """It has failed too often, or can be ended by no safe means: only a command starts it again."""


@wire_struct(name="Components.SensorReport")
class SensorReport:
    """How a sensor is: what its channels show."""

    sensor: SensorName
    state: SensorState
    next_start: TimeValue
    """Zero without one ahead."""
    captures: U32
    misses: U32
    restarts: U32


@port("Components.CaptureDone")
def CaptureDone(sensor: SensorName, file: FileName, size: U64) -> None:
    """A recording was published whole; `file` is relative to the folder of the recordings, `size` in bytes."""


@port("Components.HiveConfigured")
def HiveConfigured(output: FileName) -> None:
    """A configuration has come into force; recordings go to `output`, a folder named from the root."""


@port("Components.SensorStatus")
def SensorStatus(target: SensorName, place: U8) -> Annotated[str, Size(STATUS_SIZE)]:
    """How a target (a sensor, or `uploader`) is, in a line for people; an empty one means all of the callee's.

    Of those that are meant it tells of the one at `place`, from 0; an empty text says that there is none.
    """
    return ""


@port("Components.SensorReported")
def SensorReported(report: SensorReport) -> None:
    """Something about a sensor has changed."""


@port("Components.SensorReading")
def SensorReading(sensor: SensorName, reading: SensorName, value: F64) -> None:
    """A sensor has read one of its channels, or tried to: NaN for a failed read."""
