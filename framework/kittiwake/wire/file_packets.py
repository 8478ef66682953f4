"""File packets, which carry a file in either direction, and the checksum that ends it.

A file is START, DATA in any number, END; CANCEL gives it up. Each starts with the descriptor U16 (3), the kind U8 and a
sequence index U32 that counts the packets of one file from 0 (F´ `Fw::FilePacket`). The checksum is the modular one of
CFDP (CCSDS 727.0-B-5, 4.2.2).
"""

from __future__ import annotations

import struct

from kittiwake.model.types import WireError
from kittiwake.named_tuple import NamedTuple

MAX_PATH_SIZE = 255
"""Bytes of a path, as its length is a U8."""

MAX_DATA_SIZE = 0xFFFF
"""Bytes in one DATA packet, as their count is a U16."""

DATA_HEADER_SIZE = 13
"""Bytes of a DATA packet before its data."""

_FILE_DESCRIPTOR = 3
_START_KIND, _DATA_KIND, _END_KIND, _CANCEL_KIND = range(4)

_HEADER = struct.Struct(">HBI")
_START = struct.Struct(">HBII")
_DATA = struct.Struct(">HBIIH")
_END = struct.Struct(">HBII")
_SIZE = struct.Struct(">I")
_DATA_FIELDS = struct.Struct(">IH")


class StartPacket(NamedTuple):
    """A file of `file_size` bytes follows; paths are text of at most 255 bytes in UTF-8."""

    sequence_index: int
    file_size: int
    source_path: str
    destination_path: str

    def encode(self) -> bytes:
        """The packet's bytes. Raises `WireError` for a field out of its range."""
        try:
            head = _START.pack(_FILE_DESCRIPTOR, _START_KIND, self.sequence_index, self.file_size)
        except struct.error:
            raise WireError(f"file START: index {self.sequence_index} or size {self.file_size} is no U32") from None
        return head + _pack_path("source", self.source_path) + _pack_path("destination", self.destination_path)


class DataPacket(NamedTuple):
    """`data` belongs at `byte_offset` of the file."""

    sequence_index: int
    byte_offset: int
    data: bytes

    def encode(self) -> bytes:
        """The packet's bytes. Raises `WireError` for a field out of its range."""
        size = len(self.data)
        try:
            head = _DATA.pack(_FILE_DESCRIPTOR, _DATA_KIND, self.sequence_index, self.byte_offset, size)
        except struct.error:
            raise WireError(
                f"file DATA: index {self.sequence_index} or offset {self.byte_offset} is no U32, "
                f"or {size} bytes are more than {MAX_DATA_SIZE}"
            ) from None
        return head + self.data


class EndPacket(NamedTuple):
    """The file is complete; `checksum` is that of all its bytes."""

    sequence_index: int
    checksum: int

    def encode(self) -> bytes:
        """The packet's bytes. Raises `WireError` for a field out of its range."""
        try:
            return _END.pack(_FILE_DESCRIPTOR, _END_KIND, self.sequence_index, self.checksum)
        except struct.error:
            raise WireError(f"file END: index {self.sequence_index} or checksum {self.checksum} is no U32") from None


class CancelPacket(NamedTuple):
    """The sender gives the file up."""

    sequence_index: int

    def encode(self) -> bytes:
        """The packet's bytes. Raises `WireError` for a field out of its range."""
        try:
            return _HEADER.pack(_FILE_DESCRIPTOR, _CANCEL_KIND, self.sequence_index)
        except struct.error:
            raise WireError(f"file CANCEL: index {self.sequence_index} is no U32") from None


FilePacket = StartPacket | DataPacket | EndPacket | CancelPacket


def decode(packet: bytes) -> FilePacket:
    """The file packet in `packet`, descriptor included. Raises `WireError` that says at which byte and why."""
    try:
        descriptor, kind, sequence_index = _HEADER.unpack_from(packet)
    except struct.error:
        raise WireError(f"file packet of {len(packet)} bytes: too short for its header of {_HEADER.size}") from None
    if descriptor != _FILE_DESCRIPTOR:
        raise WireError(f"file packet, byte 0: descriptor is {descriptor:#x}, not {_FILE_DESCRIPTOR:#x}")
    if kind == _DATA_KIND:
        return _decode_data(packet, sequence_index)
    if kind == _START_KIND:
        return _decode_start(packet, sequence_index)
    if kind == _END_KIND:
        checksum, end = _unpack_u32(packet, "END", "checksum")
        _refuse_surplus(packet, end, "END")
        return EndPacket(sequence_index, checksum)
    if kind == _CANCEL_KIND:
        _refuse_surplus(packet, _HEADER.size, "CANCEL")
        return CancelPacket(sequence_index)
    raise WireError(f"file packet, byte 2: kind {kind} is none of START 0, DATA 1, END 2, CANCEL 3")


class FileChecksum:
    """The modular checksum of CFDP over data that comes in pieces, in any order, each byte once.

    It is the sum, modulo 2^32, of the file's 32-bit big-endian words, the last one filled up with zeros.
    """

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def update(self, offset: int, data: bytes) -> None:
        """Adds `data`, which stands at byte `offset` of the file."""
        lead = offset & 3
        if lead:
            data = bytes(lead) + data
        if len(data) & 3:
            data += bytes(-len(data) & 3)
        self.value = self.value + sum(struct.unpack(f">{len(data) >> 2}I", data)) & 0xFFFFFFFF


def _pack_path(which: str, path: str) -> bytes:
    encoded = path.encode()
    if len(encoded) > MAX_PATH_SIZE:
        raise WireError(f"file START: {which} path has {len(encoded)} bytes, at most {MAX_PATH_SIZE} fit")
    return bytes((len(encoded),)) + encoded


def _decode_start(packet: bytes, sequence_index: int) -> StartPacket:
    file_size, offset = _unpack_u32(packet, "START", "file size")
    source_path, offset = _unpack_path(packet, offset, "source")
    destination_path, offset = _unpack_path(packet, offset, "destination")
    _refuse_surplus(packet, offset, "START")
    return StartPacket(sequence_index, file_size, source_path, destination_path)


def _decode_data(packet: bytes, sequence_index: int) -> DataPacket:
    try:
        byte_offset, size = _DATA_FIELDS.unpack_from(packet, _HEADER.size)
    except struct.error:
        raise WireError(f"file DATA of {len(packet)} bytes: too short for its header of {DATA_HEADER_SIZE}") from None
    if len(packet) - DATA_HEADER_SIZE != size:
        raise WireError(
            f"file DATA, byte {DATA_HEADER_SIZE - 2}: {size} bytes announced, {len(packet) - DATA_HEADER_SIZE} follow"
        )
    return DataPacket(sequence_index, byte_offset, packet[DATA_HEADER_SIZE:])


def _unpack_u32(packet: bytes, kind: str, field: str) -> tuple[int, int]:
    offset = _HEADER.size
    if len(packet) < offset + _SIZE.size:
        raise WireError(f"file {kind}, byte {offset}: the {field} needs {_SIZE.size} bytes, data ends before")
    (value,) = _SIZE.unpack_from(packet, offset)
    return value, offset + _SIZE.size


def _unpack_path(packet: bytes, offset: int, which: str) -> tuple[str, int]:
    if offset >= len(packet):
        raise WireError(f"file START, byte {offset}: the length of the {which} path is missing")
    start = offset + 1
    end = start + packet[offset]
    if end > len(packet):
        raise WireError(f"file START, byte {offset}: {which} path of {end - start} bytes, {len(packet) - start} follow")
    try:
        return packet[start:end].decode(), end
    except UnicodeDecodeError as error:
        raise WireError(f"file START, byte {start + error.start}: {which} path is no UTF-8") from None


def _refuse_surplus(packet: bytes, end: int, kind: str) -> None:
    if len(packet) != end:
        raise WireError(f"file {kind}, byte {end}: {len(packet) - end} bytes too many")
