"""The ports by which a supervisor learns what is to be done before the device may sleep, and for how long."""

from __future__ import annotations

from typing import Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model.ports import port
from kittiwake.model.types import F64, U8, U32, U64, Bool, Size, wire_enum

STEP_REASON_SIZE = 120


@port("Components.NextWake")
def NextWake() -> U64:
    """When the next work is due, in microseconds since the Unix epoch; 0 if there is none."""
    return 0


@port("Components.DueWork")
def DueWork() -> U32:
    """How many pieces of work are under way, or due now."""
    return 0


@wire_enum(U8, name="Components.CycleStep")
class CycleStep(IntEnum):
    """What a supervisor has others do in its cycle."""

    ENROLL = 0
    """See to it that the device is enrolled; OK if it is."""
    COMMANDS = 1
    """Fetch what the administration wants and do it."""
    REPORT = 2
    """Report how the device is."""


@port("Components.StepBegin")
def StepBegin(step: CycleStep, token: U32) -> None:
    """Do your part of the cycle; the answer carries `token`. It is not waited for longer than the step may last."""


@port("Components.StepDone")
def StepDone(token: U32, ok: Bool, reason: Annotated[str, Size(STEP_REASON_SIZE)]) -> None:
    """A step of the cycle has ended; where it failed, `reason` says why."""


@port("Components.EnergyGet")
def EnergyGet() -> F64:
    """The energy consumed since the last reset, in milliwatt-hours."""
    return 0.0
