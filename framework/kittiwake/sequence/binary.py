"""The binary sequence file of F´'s CmdSequencer and `fprime-seqgen`: read with every check, and written.

All integers are big-endian. A file is a header (bytes behind the header U32, records U32, time base U16, time
context U8), the records, and a CRC-32 (zlib's) of everything before it. A record is a kind (U8), seconds (U32),
microseconds (U32), and the size (U32) and bytes of a command packet; one of kind `END` is its first byte alone
(F´, Svc/CmdSequencer). `kittiwake.sequence.layout` says the same as a construct description.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING
from zlib import crc32

from kittiwake.int_enum import IntEnum
from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ABSOLUTE = 0
"""Kind of a record whose time counts from 1970-01-01, UTC."""
RELATIVE = 1
"""Kind of a record whose time is a delay after the command before it has completed."""
END = 2
"""Kind of a record that ends the sequence; `fprime-seqgen` never writes it."""

ANY_TIME_BASE = 0xFFFF
ANY_TIME_CONTEXT = 0xFF

MAX_PACKET_SIZE = 1024
"""The longest command packet in a record, in bytes."""

MAX_SECONDS = 0xFFFF_FFFF
"""The longest delay, and the last absolute time, in seconds."""

_RECORD = struct.Struct(">BIII")
_CRC = struct.Struct(">I")


class Form(NamedTuple):
    """The parts of the format whose widths a deployment chooses, and the descriptor of its command packets."""

    header: struct.Struct
    command: struct.Struct
    descriptor: int


DEFAULT_FORM = Form(struct.Struct(">IIHB"), struct.Struct(">HI"), 0)
"""F´'s defaults: time base U16, context U8, packet descriptor U16, opcode U32, FW_PACKET_COMMAND 0."""


class SequenceFault(IntEnum):
    """Why a file is no sequence. The events are those of F´'s CmdSequencer."""

    TOO_LARGE = 0
    """More bytes than the limit: CS_FileSizeError. Numbers: size, limit."""
    TOO_SHORT = 1
    """The header or the CRC is cut off: CS_FileInvalid. Numbers: size, least size."""
    LENGTH = 2
    """The header's length is not that of the file: CS_FileInvalid. Numbers: stated, there."""
    CRC = 3
    """CS_FileCrcFailure. Numbers: stored, computed."""
    TIME_BASE = 4
    """CS_TimeBaseMismatch. Numbers: the clock's, the file's."""
    TIME_CONTEXT = 5
    """CS_TimeContextMismatch. Numbers: the clock's, the file's."""
    NO_RECORDS = 6
    """CS_NoRecords. No numbers."""
    RECORD = 7
    """CS_RecordInvalid. Numbers: the record's number from 0, its offset in the file."""
    SURPLUS = 8
    """Bytes behind the last record: CS_RecordMismatch. Numbers: records, surplus bytes."""


class SequenceError(ValueError):
    """A file that is no usable sequence: `fault` says why, `numbers` are those that `SequenceFault` lists."""

    def __init__(self, fault: SequenceFault, message: str, *numbers: int) -> None:
        self.fault = fault
        self.message = message
        self.numbers = numbers
        super().__init__(fault, message, *numbers)

    def __str__(self) -> str:
        return self.message


class Header(NamedTuple):
    """`size` counts the bytes behind the header, CRC included."""

    size: int
    records: int
    time_base: int
    time_context: int


class Record(NamedTuple):
    """One record. `packet` is the command packet as it goes to the dispatcher; empty for `END`."""

    kind: int
    seconds: int
    microseconds: int
    packet: bytes


class SequenceFile(NamedTuple):
    """A file that passed every check."""

    header: Header
    records: list[Record]


def read_sequence(
    data: bytes,
    limit: int,
    *,
    time_base: int | None = None,
    time_context: int | None = None,
    allow_empty: bool = False,
    form: Form = DEFAULT_FORM,
) -> SequenceFile:
    """The header and the records of a sequence file of at most `limit` bytes.

    `time_base` and `time_context` are the clock's: a file for another one is refused, unless it says "any". A file
    without records is refused unless `allow_empty`. `form` is for deployments with other widths. Raises
    `SequenceError`; nothing is returned of a file with a fault anywhere.
    """
    read = _read_header(data, limit, form.header)
    _check_crc(data)
    if time_base is not None and read.time_base not in (ANY_TIME_BASE, time_base):
        message = f"the file is for time base {read.time_base}, the clock has {time_base}"
        raise SequenceError(SequenceFault.TIME_BASE, message, time_base, read.time_base)
    if time_context is not None and read.time_context not in (ANY_TIME_CONTEXT, time_context):
        message = f"the file is for time context {read.time_context}, the clock has {time_context}"
        raise SequenceError(SequenceFault.TIME_CONTEXT, message, time_context, read.time_context)
    if not read.records and not allow_empty:
        raise SequenceError(SequenceFault.NO_RECORDS, "the file holds no record")
    return SequenceFile(read, list(_records(data, form, read.records)))


def _read_header(data: bytes, limit: int, header: struct.Struct) -> Header:
    size = len(data)
    if size > limit:
        raise SequenceError(SequenceFault.TOO_LARGE, f"{size} bytes are more than the {limit} allowed", size, limit)
    least = header.size + _CRC.size
    if size < least:
        raise SequenceError(SequenceFault.TOO_SHORT, f"{size} bytes are less than the least, {least}", size, least)
    read = Header._make(header.unpack_from(data))
    there = size - header.size
    if read.size != there:
        message = f"the header speaks of {read.size} bytes behind it, {there} are there"
        raise SequenceError(SequenceFault.LENGTH, message, read.size, there)
    return read


def _check_crc(data: bytes) -> None:
    end = len(data) - _CRC.size
    stored: int = _CRC.unpack_from(data, end)[0]
    computed = crc32(memoryview(data)[:end])
    if stored != computed:
        message = f"the file's CRC is {stored:08x}, that of its content {computed:08x}"
        raise SequenceError(SequenceFault.CRC, message, stored, computed)


def _records(data: bytes, form: Form, count: int) -> Iterator[Record]:
    end = len(data) - _CRC.size
    offset = form.header.size
    for number in range(count):
        record = _record(data, form, offset, end, number)
        offset += 1 if record.kind == END else _RECORD.size + len(record.packet)
        yield record
    if offset != end:
        message = f"{end - offset} bytes stand behind the last of {count} records"
        raise SequenceError(SequenceFault.SURPLUS, message, count, end - offset)


def _record(data: bytes, form: Form, offset: int, end: int, number: int) -> Record:
    if offset < end and data[offset] == END:
        return Record(END, 0, 0, b"")
    start = offset + _RECORD.size
    if start > end:
        raise _bad_record(number, offset, "it is cut off")
    kind, seconds, microseconds, size = _RECORD.unpack_from(data, offset)
    if kind not in (ABSOLUTE, RELATIVE):
        raise _bad_record(number, offset, f"{kind} is no kind of record")
    if microseconds >= 1_000_000:
        raise _bad_record(number, offset, f"{microseconds} microseconds are a second or more")
    if not form.command.size <= size <= MAX_PACKET_SIZE:
        message = f"a command of {size} bytes (it has {form.command.size} to {MAX_PACKET_SIZE})"
        raise _bad_record(number, offset, message)
    if start + size > end:
        raise _bad_record(number, offset, f"its command of {size} bytes is cut off")
    descriptor = form.command.unpack_from(data, start)[0]
    if descriptor != form.descriptor:
        raise _bad_record(number, offset, f"a packet with descriptor {descriptor} is no command")
    return Record(kind, seconds, microseconds, bytes(data[start : start + size]))


def _bad_record(number: int, offset: int, what: str) -> SequenceError:
    return SequenceError(SequenceFault.RECORD, f"record {number} at offset {offset}: {what}", number, offset)


def write_sequence(
    records: Iterable[Record],
    *,
    time_base: int = ANY_TIME_BASE,
    time_context: int = ANY_TIME_CONTEXT,
    form: Form = DEFAULT_FORM,
) -> bytes:
    """The file of these records, byte for byte what `fprime-seqgen` writes.

    Raises `struct.error` for a number that does not fit its field.
    """
    parts = [b""]
    count = 0
    pack = _RECORD.pack
    for kind, seconds, microseconds, packet in records:
        parts.append(b"\x02" if kind == END else pack(kind, seconds, microseconds, len(packet)) + packet)
        count += 1
    size = sum(map(len, parts)) + _CRC.size
    parts[0] = form.header.pack(size, count, time_base, time_context)
    content = b"".join(parts)
    return content + _CRC.pack(crc32(content))
