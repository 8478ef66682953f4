"""The two cyclic redundancy checks of the links and files.

CRC-16/CCITT-FALSE guards CCSDS transfer frames (CCSDS 232.0-B-4 and 132.0-B-3, frame error control field); CRC-32 as
in zlib guards F´ frames, sequences and data products.
"""

from __future__ import annotations

from binascii import crc_hqx
from zlib import crc32

CRC16_INITIAL = 0xFFFF
"""What a CRC-16 starts from."""


def crc16(data: bytes, value: int = CRC16_INITIAL) -> int:
    """CRC-16/CCITT-FALSE of `data`, carried on from `value`; over data followed by its own CRC it is 0."""
    return crc_hqx(data, value)


__all__ = ["CRC16_INITIAL", "crc16", "crc32"]
