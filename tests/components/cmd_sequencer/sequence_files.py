"""Sequence files for the tests of the command sequencer."""

from __future__ import annotations

from kittiwake.sequence.binary import ABSOLUTE, RELATIVE, Record, write_sequence
from kittiwake.wire.packets import command_packet


def relative(seconds: float, opcode: int, arguments: bytes = b"") -> Record:
    """A command some seconds after the one before it has ended."""
    whole, microseconds = divmod(round(seconds * 1_000_000), 1_000_000)
    return Record(RELATIVE, whole, microseconds, command_packet(opcode, arguments))


def absolute(seconds: int, opcode: int) -> Record:
    """A command at a time."""
    return Record(ABSOLUTE, seconds, 0, command_packet(opcode, b""))


def sequence(*records: Record) -> bytes:
    """The file of these records, for any clock."""
    return write_sequence(records)
