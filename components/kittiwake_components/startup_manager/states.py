"""The enums of the startup manager: its state, that of the startup sequence, and how the last start ended."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum


@wire_enum(U8, name="Components.StartupState")
class StartupState(IntEnum):
    """Where the start stands."""

    UNINITIALIZED = 0
    """The first run call has not come."""
    INITIALIZED = 1
    """The first run call is at work: files are read and written."""
    WAITING_FOR_QUIESCENCE = 2
    """A WAIT_FOR_QUIESCENCE is not answered yet."""
    RUNNING = 3
    """Normal operation."""


@wire_enum(U8, name="Components.StartupSequenceState")
class SequenceState(IntEnum):
    """What became of the startup sequence in this start."""

    NONE = 0
    """Not looked for yet."""
    DISPATCHED = 1
    """Handed to the sequencer, or waiting to be handed over again."""
    STARTED = 2
    """The sequencer has accepted it and runs it."""
    FINISHED = 3
    """Every command of it was answered OK."""
    FAILED = 4
    """It was refused, a command of it failed, or it was cancelled."""
    ABSENT = 5
    """There is no file."""
    SKIPPED = 6
    """Left out because of a boot loop."""


@wire_enum(U8, name="Components.ResetReason")
class ResetReason(IntEnum):
    """How the start before this one ended."""

    UNKNOWN = 0
    """There is no record of it."""
    ORDERLY = 1
    """It was asked to stop, and did."""
    UNEXPECTED = 2
    """It was killed, it crashed, or it lost its power."""
