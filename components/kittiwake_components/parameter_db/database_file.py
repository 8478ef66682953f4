"""F´'s parameter file (.dat): a checksum and records, each a parameter's id and its packed value.

    CRC U32 | records of: 0xA5 | size U32 = 4 + bytes of the value | id U32 | value

The CRC-32 covers all behind it, without the final inversion that zlib does (F´ Svc.PrmDb, fprime-prm-write).
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING
from zlib import crc32

from kittiwake_components.parameter_db.constants import PrmReadError
from kittiwake_components.ports.value import PARAMETER_SIZE_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping

DELIMITER = 0xA5

_CRC = Struct(">I")
_RECORD = Struct(">BII")
_ID_SIZE = 4
RECORD_HEADER_SIZE = _RECORD.size


class DatabaseFault(ValueError):
    """A file that is no parameter file: `stage` at which reading ended, `record` counted from 0, `error` a number."""

    def __init__(self, stage: PrmReadError, record: int, error: int, text: str) -> None:
        super().__init__(text)
        self.stage = stage
        self.record = record
        self.error = error


class BadChecksum(DatabaseFault):
    """A file whose checksum is wrong: `read` stands in it, `computed` should."""

    def __init__(self, read: int, computed: int) -> None:
        super().__init__(PrmReadError.CRC, 0, 0, f"fails its checksum: {read:#010x} is not {computed:#010x}")
        self.read = read
        self.computed = computed


def size_limit(records: int) -> int:
    """The size in bytes of a file of so many records at most."""
    return _CRC.size + records * (_RECORD.size + PARAMETER_SIZE_MAX)


def pack_database(values: Mapping[int, bytes]) -> bytes:
    """The file of packed values by id, in ascending order of the ids."""
    records = [_RECORD.pack(DELIMITER, _ID_SIZE + len(value), id) + value for id, value in sorted(values.items())]
    body = b"".join(records)
    return _CRC.pack(_checksum(body)) + body


def _checksum(body: bytes) -> int:
    return crc32(body) ^ 0xFFFFFFFF


def parse_database(data: bytes) -> list[tuple[int, bytes]]:
    """Ids and packed values in the order of the file. Raises `DatabaseFault`.

    Whether there are such parameters, and whether the values fit them, is not looked at.
    """
    if len(data) < _CRC.size:
        raise DatabaseFault(PrmReadError.CRC_SIZE, 0, len(data), f"has {len(data)} bytes, too few for its checksum")
    (read,) = _CRC.unpack_from(data)
    body = data[_CRC.size :]
    if read != _checksum(body):
        raise BadChecksum(read, _checksum(body))
    found: list[tuple[int, bytes]] = []
    offset = 0
    while offset < len(body):
        id, value = _record(body, offset, len(found))
        found.append((id, value))
        offset += _RECORD.size + len(value)
    return found


def _record(body: bytes, offset: int, record: int) -> tuple[int, bytes]:
    where = f"record {record} at byte {_CRC.size + offset}"
    if body[offset] != DELIMITER:
        raise DatabaseFault(
            PrmReadError.DELIMITER_VALUE, record, body[offset], f"{where} begins with {body[offset]:#04x}, not 0xa5"
        )
    left = len(body) - offset
    if left < _RECORD.size:
        raise DatabaseFault(PrmReadError.RECORD_SIZE_SIZE, record, left, f"{where} ends after {left} bytes")
    _, size, id = _RECORD.unpack_from(body, offset)
    if not _ID_SIZE <= size <= _ID_SIZE + PARAMETER_SIZE_MAX:
        raise DatabaseFault(
            PrmReadError.RECORD_SIZE_VALUE, record, min(size, 0x7FFFFFFF), f"{where} claims a size of {size} bytes"
        )
    start = offset + _RECORD.size
    value = body[start : start + size - _ID_SIZE]
    if len(value) < size - _ID_SIZE:
        raise DatabaseFault(
            PrmReadError.PARAMETER_VALUE_SIZE, record, len(value),
            f"{where} ends after {len(value)} of the {size - _ID_SIZE} bytes of its value",
        )  # fmt: skip
    return id, value
