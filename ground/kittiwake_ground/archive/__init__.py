"""The archive of the ground station: samples, events, commands, files and raw frames in SQLite.

`Archive` writes and reads, `History` only reads. The modules say more: `sampling` what a duplicate is, `tags` by which
time a row is found, `rollups` and `buckets` how statistics are made, `retention` what is kept how long.
"""

from kittiwake_ground.archive.archive import Archive, ArchiveFault
from kittiwake_ground.archive.history import History, UnknownChannel
from kittiwake_ground.archive.opening import ArchiveInUse
from kittiwake_ground.archive.readers import QueryTooLong
from kittiwake_ground.archive.records import (
    COMMAND_STATES,
    FINAL_COMMAND_STATES,
    MAX_SEQUENCE_FILES,
    ArchivedChannel,
    ArchivedCommand,
    ArchivedEvent,
    ArchivedFile,
    Buckets,
    ChannelDeclaration,
    CommandStep,
    Frame,
    LinkStep,
    Loss,
    NewEvent,
    Sample,
    SequenceFile,
    Statistics,
)
from kittiwake_ground.archive.retention import Retention
from kittiwake_ground.archive.schema import ArchiveTooNew, NotAnArchive

__all__ = [
    "Archive",
    "History",
    "Retention",
    "NewEvent",
    "ChannelDeclaration",
    "Frame",
    "Sample",
    "Buckets",
    "ArchivedChannel",
    "ArchivedEvent",
    "ArchivedCommand",
    "CommandStep",
    "ArchivedFile",
    "SequenceFile",
    "MAX_SEQUENCE_FILES",
    "LinkStep",
    "Loss",
    "Statistics",
    "COMMAND_STATES",
    "FINAL_COMMAND_STATES",
    "ArchiveFault",
    "ArchiveInUse",
    "ArchiveTooNew",
    "NotAnArchive",
    "QueryTooLong",
    "UnknownChannel",
]
