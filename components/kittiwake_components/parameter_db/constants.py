"""The constants of ParameterDb's commands and events, under F´'s names (F´ Svc.PrmDb)."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import I32, U8, wire_enum


@wire_enum(I32, name="Svc.PrmDb.PrmReadError")
class PrmReadError(IntEnum):
    """Where reading a parameter file ended."""

    OPEN = 0
    DELIMITER = 1
    DELIMITER_SIZE = 2
    DELIMITER_VALUE = 3
    RECORD_SIZE = 4
    RECORD_SIZE_SIZE = 5
    RECORD_SIZE_VALUE = 6
    PARAMETER_ID = 7
    PARAMETER_ID_SIZE = 8
    PARAMETER_VALUE = 9
    PARAMETER_VALUE_SIZE = 10
    CRC = 11
    CRC_SIZE = 12


@wire_enum(I32, name="Svc.PrmDb.PrmWriteError")
class PrmWriteError(IntEnum):
    """Where writing a parameter file ended."""

    OPEN = 0
    DELIMITER = 1
    DELIMITER_SIZE = 2
    RECORD_SIZE = 3
    RECORD_SIZE_SIZE = 4
    PARAMETER_ID = 5
    PARAMETER_ID_SIZE = 6
    PARAMETER_VALUE = 7
    PARAMETER_VALUE_SIZE = 8


@wire_enum(U8, name="Svc.PrmDb.Merge")
class Merge(IntEnum):
    """Whether a file's records join those of the database or replace them all."""

    MERGE = 0
    RESET = 1


@wire_enum(U8, name="Svc.PrmDb.PrmDbFileLoadState")
class PrmDbFileLoadState(IntEnum):
    """Whether a file is staged."""

    IDLE = 0
    LOADING_FILE_UPDATES = 1
    FILE_UPDATES_STAGED = 2


@wire_enum(U8, name="Svc.PrmDb.PrmLoadAction")
class PrmLoadAction(IntEnum):
    """What was asked for in the wrong state."""

    SET_PARAMETER = 0
    SAVE_FILE_COMMAND = 1
    LOAD_FILE_COMMAND = 2
    COMMIT_STAGED_COMMAND = 3


@wire_enum(U8, name="Svc.PrmDb.PrmSource")
class PrmSource(IntEnum):
    """How a parameter's running value stands to the database."""

    DEFAULT = 0
    """The value that it has without a record, and there is none."""
    SAVED = 1
    """That of its record."""
    CHANGED = 2
    """Another one: it was set and not saved."""
