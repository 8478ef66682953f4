"""The protocol data units of CFDP and their wire forms (CCSDS 727.0-B-5, section 5).

    version and flags U8 | data length U16 | lengths U8 | source id | transaction number | destination id | data field

The data field is a piece of the file, or a directive: its code U8 and its parameters. Ids and transaction numbers are
written in as few bytes as the entity is configured for. With the CRC flag the data field ends with a CRC-16.
"""

from __future__ import annotations

from struct import Struct
from typing import TypeVar

from kittiwake.int_enum import IntEnum
from kittiwake.named_tuple import NamedTuple
from kittiwake.wire.crc import crc16

MAX_PDU_SIZE = 65_535
MAX_NAME_SIZE = 255
MAX_ID_SIZE = 8
MAX_SEGMENT_REQUESTS = 64
"""The most gaps that one NAK asks for; what is left is asked for in another."""

_FIXED = Struct(">BHB")
_VERSION = 1
_SIZE, _LARGE_SIZE = Struct(">I"), Struct(">Q")
_CHECKSUM = Struct(">I")
_CRC_SIZE = 2

TO_RECEIVER, TO_SENDER = 0, 1

E = TypeVar("E", bound=IntEnum)


class PduFault(ValueError):
    """Bytes that are no PDU, or none that this software knows; the message says why."""


class Directive(IntEnum):
    """What a directive says (table 5-4)."""

    EOF = 4
    FINISHED = 5
    ACK = 6
    METADATA = 7
    NAK = 8
    PROMPT = 9
    KEEP_ALIVE = 12


class Condition(IntEnum):
    """How a transaction stands, or why it ended (table 5-5)."""

    NO_ERROR = 0
    ACK_LIMIT = 1
    KEEP_ALIVE_LIMIT = 2
    INVALID_MODE = 3
    FILESTORE_REJECTED = 4
    CHECKSUM_FAILURE = 5
    SIZE_ERROR = 6
    NAK_LIMIT = 7
    INACTIVE = 8
    INVALID_STRUCTURE = 9
    CHECK_LIMIT = 10
    UNSUPPORTED_CHECKSUM = 11
    SUSPENDED = 14
    CANCELLED = 15


class FileStatus(IntEnum):
    """What the receiver did with the file."""

    DISCARDED = 0
    REJECTED = 1
    RETAINED = 2
    UNREPORTED = 3


class ChecksumType(IntEnum):
    """How the whole file is checked (SANA's registry)."""

    MODULAR = 0
    CRC_32 = 3
    NULL = 15


class Header(NamedTuple):
    """What is common to the PDUs of a transaction."""

    source: int
    number: int
    destination: int
    direction: int
    entity_size: int = 2
    number_size: int = 4
    has_crc: bool = False
    is_large: bool = False
    acknowledged: bool = True

    @property
    def transaction(self) -> tuple[int, int]:
        """What identifies the transaction: who sends the file, and the number he gave it."""
        return self.source, self.number


class Metadata(NamedTuple):
    """What is about to come."""

    size: int
    source_name: str
    destination_name: str
    checksum_type: ChecksumType = ChecksumType.CRC_32
    closure_requested: bool = False


class FileData(NamedTuple):
    """A piece of the file."""

    offset: int
    data: bytes


class Eof(NamedTuple):
    """All of the file was sent once, or the sender has given up."""

    condition: Condition
    checksum: int
    size: int


class Finished(NamedTuple):
    """The receiver has the file, or has given up."""

    condition: Condition
    is_complete: bool
    file_status: FileStatus


class Ack(NamedTuple):
    """A directive has come."""

    directive: Directive
    condition: Condition
    transaction_status: int = 1


class Nak(NamedTuple):
    """What is missing of the file from `start` to before `end`; (0, 0) is the metadata."""

    start: int
    end: int
    gaps: tuple[tuple[int, int], ...]


Pdu = Metadata | FileData | Eof | Finished | Ack | Nak


# Encoding


def encode(header: Header, pdu: Pdu) -> bytes:
    """The bytes of a PDU. Raises `PduFault` for what does not fit."""
    if not (1 <= header.entity_size <= MAX_ID_SIZE and 1 <= header.number_size <= MAX_ID_SIZE):
        raise PduFault(f"ids and transaction numbers have 1 to {MAX_ID_SIZE} bytes")
    is_data = isinstance(pdu, FileData)
    field = _encode_field(pdu, _LARGE_SIZE if header.is_large else _SIZE)
    length = len(field) + (_CRC_SIZE if header.has_crc else 0)
    if length > MAX_PDU_SIZE:
        raise PduFault(f"a data field of {length} bytes is too long")
    flags = (
        _VERSION << 5 | is_data << 4 | header.direction << 3 | (not header.acknowledged) << 2 | header.has_crc << 1
        | header.is_large
    )  # fmt: skip
    lengths = (header.entity_size - 1) << 4 | (header.number_size - 1)
    try:
        ids = (
            header.source.to_bytes(header.entity_size, "big")
            + header.number.to_bytes(header.number_size, "big")
            + header.destination.to_bytes(header.entity_size, "big")
        )
    except OverflowError:
        raise PduFault("an id or a transaction number does not fit its bytes") from None
    whole = _FIXED.pack(flags, length, lengths) + ids + field
    return whole + crc16(whole).to_bytes(_CRC_SIZE, "big") if header.has_crc else whole


def _encode_field(pdu: Pdu, size: Struct) -> bytes:
    match pdu:
        case FileData(offset, data):
            return size.pack(offset) + data
        case Metadata(file_size, source, destination, checksum_type, closure):
            start = bytes((Directive.METADATA, closure << 6 | checksum_type))
            return start + size.pack(file_size) + _encode_name(source) + _encode_name(destination)
        case Eof(condition, checksum, file_size):
            return bytes((Directive.EOF, condition << 4)) + _CHECKSUM.pack(checksum) + size.pack(file_size)
        case Finished(condition, is_complete, status):
            return bytes((Directive.FINISHED, condition << 4 | (not is_complete) << 2 | status))
        case Ack(directive, condition, status):
            subtype = int(directive is Directive.FINISHED)
            return bytes((Directive.ACK, directive << 4 | subtype, condition << 4 | status))
        case Nak(start_of, end_of, gaps):
            pairs = b"".join([size.pack(edge) for gap in ((start_of, end_of), *gaps) for edge in gap])
            return bytes((Directive.NAK,)) + pairs


def _encode_name(name: str) -> bytes:
    data = name.encode()
    if len(data) > MAX_NAME_SIZE:
        raise PduFault(f"a file name has at most {MAX_NAME_SIZE} bytes, not {len(data)}")
    return bytes((len(data),)) + data


# Decoding


def decode(data: bytes) -> tuple[Header, Pdu]:
    """The PDU in `data`, which is all of it. Raises `PduFault`."""
    header, start, end, is_data = decode_header(data)
    if header.has_crc and crc16(data[: end + _CRC_SIZE]) != 0:
        raise PduFault("the CRC is wrong")
    field = data[start:end]
    size = _LARGE_SIZE if header.is_large else _SIZE
    if is_data:
        if len(field) < size.size:
            raise PduFault("file data without an offset")
        return header, FileData(size.unpack_from(field)[0], field[size.size :])
    if not field:
        raise PduFault("a directive without a code")
    return header, _decode_directive(field, size)


def decode_header(data: bytes) -> tuple[Header, int, int, bool]:
    """The header, where the data field starts and ends (its CRC left out), and whether it is file data."""
    if len(data) < _FIXED.size:
        raise PduFault("shorter than a header")
    flags, length, lengths = _FIXED.unpack_from(data)
    if flags >> 5 != _VERSION:
        raise PduFault(f"version {flags >> 5} is not known")
    if lengths & 0x88:
        raise PduFault("segment metadata and record boundaries are not known")
    entity_size, number_size = (lengths >> 4 & 7) + 1, (lengths & 7) + 1
    start = _FIXED.size + 2 * entity_size + number_size
    if len(data) != start + length:
        raise PduFault(f"{len(data)} bytes instead of {start + length}")
    number_at = _FIXED.size + entity_size
    header = Header(
        int.from_bytes(data[_FIXED.size : number_at], "big"),
        int.from_bytes(data[number_at : number_at + number_size], "big"),
        int.from_bytes(data[number_at + number_size : start], "big"),
        flags >> 3 & 1, entity_size, number_size, bool(flags & 2), bool(flags & 1), not flags & 4,
    )  # fmt: skip
    end = len(data) - (_CRC_SIZE if header.has_crc else 0)
    if end < start:
        raise PduFault("too short for its CRC")
    return header, start, end, bool(flags & 0x10)


def _decode_directive(field: bytes, size: Struct) -> Pdu:
    code, rest = field[0], field[1:]
    reader = _Reader(rest)
    if code == Directive.METADATA:
        flags = reader.byte()
        file_size = reader.number(size)
        source, destination = reader.name(), reader.name()
        return Metadata(file_size, source, destination, _constant(ChecksumType, flags & 0xF), bool(flags & 0x40))
    if code == Directive.EOF:
        condition = _constant(Condition, reader.byte() >> 4)
        return Eof(condition, reader.number(_CHECKSUM), reader.number(size))
    if code == Directive.FINISHED:
        flags = reader.byte()
        return Finished(_constant(Condition, flags >> 4), not flags & 4, _constant(FileStatus, flags & 3))
    if code == Directive.ACK:
        acknowledged, flags = reader.byte(), reader.byte()
        return Ack(_constant(Directive, acknowledged >> 4), _constant(Condition, flags >> 4), flags & 3)
    if code == Directive.NAK:
        edges = [reader.number(size) for _ in range(len(rest) // size.size)]
        if len(edges) < 2 or len(edges) % 2 or not reader.is_at_end():
            raise PduFault("a NAK with half a gap")
        return Nak(edges[0], edges[1], tuple(zip(edges[2::2], edges[3::2], strict=True)))
    raise PduFault(f"directive {code} is not known")


class _Reader:
    """Reads the parameters of a directive; options that follow them are left alone."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, count: int) -> bytes:
        found = self._data[self._at : self._at + count]
        if len(found) < count:
            raise PduFault("a directive ends too early")
        self._at += count
        return found

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self, form: Struct) -> int:
        value: int = form.unpack(self.take(form.size))[0]
        return value

    def name(self) -> str:
        try:
            return self.take(self.byte()).decode()
        except UnicodeDecodeError:
            raise PduFault("a file name is no UTF-8") from None

    def is_at_end(self) -> bool:
        return self._at == len(self._data)


def _constant(kind: type[E], value: int) -> E:
    try:
        return kind(value)
    except ValueError:
        raise PduFault(f"{value} is no {kind.__name__}") from None
