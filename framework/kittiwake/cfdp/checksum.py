"""The checksums of whole files, piece by piece in the order of the file."""

from __future__ import annotations

from zlib import crc32

from kittiwake.cfdp.pdu import ChecksumType

_MASK = 0xFFFFFFFF


class Checksum:
    """Adds up a file that is given from its start, in pieces of any length."""

    def __init__(self, kind: ChecksumType) -> None:
        self._kind = kind
        self._value = 0
        self._offset = 0

    def add(self, data: bytes) -> None:
        """Takes the next piece."""
        if self._kind is ChecksumType.CRC_32:
            self._value = crc32(data, self._value)
        elif self._kind is ChecksumType.MODULAR:
            self._add_words(data)
        self._offset += len(data)

    def _add_words(self, data: bytes) -> None:
        """The sum of four-byte words that are aligned with the start of the file (CCSDS 727.0-B-5, 4.2.2)."""
        before = self._offset % 4
        padded = bytes(before) + data
        padded += bytes(-len(padded) % 4)
        total = self._value
        for start in range(0, len(padded), 4):
            total += int.from_bytes(padded[start : start + 4], "big")
        self._value = total & _MASK

    @property
    def value(self) -> int:
        """The checksum of all that was given."""
        return self._value
