"""The enums of the command sequencer: F´'s own, and its state and error policy."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum


@wire_enum(U8, name="Svc.BlockState")
class BlockState(IntEnum):
    """When CS_RUN is answered: at the end of the run, or once the sequence is loaded."""

    BLOCK = 0
    NO_BLOCK = 1


@wire_enum(U8, name="Svc.CmdSequencer.SeqMode")
class SeqMode(IntEnum):
    """Whether each record waits for a command of the ground (STEP) or follows the one before (AUTO)."""

    STEP = 0
    AUTO = 1


@wire_enum(U8, name="Svc.CmdSequencer.FileReadStage")
class FileReadStage(IntEnum):
    """Where a file turned out to be no sequence."""

    READ_HEADER = 0
    READ_HEADER_SIZE = 1
    DESER_SIZE = 2
    DESER_NUM_RECORDS = 3
    DESER_TIME_BASE = 4
    DESER_TIME_CONTEXT = 5
    READ_SEQ_CRC = 6
    READ_SEQ_DATA = 7
    READ_SEQ_DATA_SIZE = 8


@wire_enum(U8, name="Svc.CmdSequencer.ErrorPolicy")
class ErrorPolicy(IntEnum):
    """What a command that fails or times out does to its sequence: it ends, or the next record follows."""

    ABORT = 0
    CONTINUE = 1


@wire_enum(U8, name="Svc.CmdSequencer.State")
class State(IntEnum):
    """What the sequencer does."""

    IDLE = 0
    """No sequence is loaded."""
    LOADED = 1
    """A sequence is loaded and waits for CS_START."""
    WAITING = 2
    """The next record's time has not come."""
    EXECUTING = 3
    """A command was sent and is not answered."""
    STEPPING = 4
    """The next record waits for CS_STEP."""
    PAUSED = 5
    """The next record waits for CS_RESUME."""
