"""A slow, obvious receiver of protected frames, which says what the fast one must accept.

It shares no code with `kittiwake.wire`: HMAC is written out by its definition (FIPS 198-1), and the numbers that a
window allows are counted off one by one where that is quick enough.
"""

from __future__ import annotations

from hashlib import sha256

ROUND = 1 << 32


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    padded = key + bytes(64 - len(key))
    inner = sha256(bytes(byte ^ 0x36 for byte in padded) + message).digest()
    return sha256(bytes(byte ^ 0x5C for byte in padded) + inner).digest()


def protect(key: bytes, spi: int, sequence: int, data: bytes) -> bytes:
    signed = bytes.fromhex(f"{spi:04x}{sequence:08x}") + data
    return signed + hmac_sha256(key, signed)[:16]


class ReferenceAuthenticator:
    """`keys` by SPI, the last accepted number of each in `last`."""

    def __init__(self, keys: dict[int, bytes], last: dict[int, int], window: int) -> None:
        self.keys = keys
        self.last = dict(last)
        self.window = window

    def open(self, frame: bytes) -> bytes | None:
        if len(frame) < 2 + 4 + 16:
            return None
        spi = int(frame[0:2].hex(), 16)
        sequence = int(frame[2:6].hex(), 16)
        data = frame[6 : len(frame) - 16]
        if spi not in self.keys or protect(self.keys[spi], spi, sequence, data) != frame:
            return None
        if sequence not in {(self.last[spi] + step) % ROUND for step in range(1, self.window + 1)}:
            return None
        self.last[spi] = sequence
        return data
