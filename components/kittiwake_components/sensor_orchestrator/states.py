"""What the supervision of a sensor heeds, and how a command says what it wants."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum


class SensorSignal(IntEnum):
    """What the supervision of one sensor heeds."""

    START = 0
    STOP = 1
    READY = 2
    """Its process has said that it is ready."""
    CAPTURE = 3
    """A capture is to begin now."""
    BEGUN = 4
    """The capture has begun, says the process."""
    OVER = 5
    """The capture has ended, one way or another, says the process."""
    ENDED = 6
    """The process has ended."""
    HUNG = 7
    """It has not done in time what it was to do."""
    GIVEN_UP = 8
    """There is no safe way to end the process."""


@wire_enum(U8, name="Components.StopPolicy")
class StopPolicy(IntEnum):
    """What a stop does to the capture that runs."""

    CONFIGURED = 0
    """What the configuration says of the sensor."""
    FINISH = 1
    """It goes on to its end and is published."""
    TRUNCATE = 2
    """It ends, and what there is of it is published."""
    DISCARD = 3
    """It ends and is thrown away."""


@wire_enum(U8, name="Components.ElapsedStarts")
class ElapsedStarts(IntEnum):
    """What becomes of today's starts that are past when a sensor is started."""

    CONFIGURED = 0
    """What the configuration says of the sensor."""
    LEAVE_OUT = 1
    """The next start is the first."""
    INCLUDE = 2
    """The latest one is made up for at once if there is time for it, and those before it are missed."""
