"""The states of a supervisor's cycle, and what moves it on."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum


@wire_enum(U8, name="Components.CycleState")
class CycleState(IntEnum):
    """Where the cycle stands."""

    BOOT = 0
    """The first cycle of this start has not begun."""
    ENROLL = 1
    """Whether the device is enrolled, and if not, its enrolment."""
    POWER = 2
    """The power unit: whether it is there, and its mode."""
    COMMANDS = 3
    """What the administration wants done."""
    JOBS = 4
    """The jobs that are due."""
    REPORT = 5
    """The report to the administration."""
    PLAN_WAKE = 6
    """When the next cycle is to begin."""
    POWERDOWN = 7
    """The power unit is asked to cut the power."""
    POWERED_IDLE = 8
    """The device stays on, and pauses before its next cycle."""
    FAULT = 9
    """No powerdown was to be had: the watchdog is left to expire, and cuts the power."""


class CycleSignal(IntEnum):
    """What moves a cycle on."""

    BEGIN = 0
    DONE = 1
    FAILED = 2
    SKIPPED = 3
    REFUSED = 4


WORK = (CycleState.ENROLL, CycleState.POWER, CycleState.COMMANDS, CycleState.JOBS, CycleState.REPORT)
"""The steps that a restart goes on with."""
