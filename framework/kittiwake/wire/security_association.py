"""One security association of the uplink: how the data of a frame is protected under one key (CCSDS 355.0-B-2).

What is protected is the data of an uplink frame, a space packet in CCSDS framing and an F´ packet in F´ framing. With
HMAC, as PROVES does it:

    SPI U16 | sequence number U32 | data | the first 16 bytes of HMAC-SHA256(key, all before)

With AES-GCM, which hides the data too, and needs the package cryptography:

    SPI U16 | salt, 8 bytes | sequence number U32 | data, encrypted | tag, 16 bytes

There salt and sequence number are the initialisation vector, 12 bytes that never repeat under a key; header and vector
are authenticated with the data. All integers are big-endian.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.wire.uplink_keys import UplinkKey

MAC_SIZE = 16
"""Bytes of a frame's authentication code, or tag."""

SPI_SIZE = 2
SALT_SIZE = 8

_HEADER = Struct(">HI")
_GCM_HEADER = Struct(f">H{SALT_SIZE}sI")
_SEQUENCE = Struct(">I")

MIN_PROTECTED_SIZE = _HEADER.size + MAC_SIZE
"""The smallest protected frame data, in bytes: one that holds nothing."""


class SecurityAssociation(Protocol):
    """One key in use. `overhead` is how many bytes protection adds."""

    spi: int
    overhead: int

    def protect(self, sequence: int, salt: bytes, data: bytes) -> bytes:
        """`data` protected under sequence number `sequence`, 0 to 2^32 - 1; `salt` counts for AES-GCM alone."""

    def sequence_of(self, protected: bytes) -> int:
        """The sequence number in protected data that `verify` accepted."""

    def verify(self, protected: bytes) -> bytes | None:
        """The data, or `None` if the key did not protect just this."""


class MissingCipher(RuntimeError):
    """A key is for AES-GCM, and the package cryptography is not there."""

    def __init__(self, spi: int) -> None:
        super().__init__(f"key {spi} is for AES-GCM: install kittiwake[security]")
        self.spi = spi


def make_association(key: UplinkKey) -> SecurityAssociation:
    """The association of a key. Raises `MissingCipher`."""
    return _MAKERS[key.algorithm](key.id, key.secret)


class HmacAssociation:
    """Protection by HMAC-SHA256, cut to 16 bytes (FIPS 198-1)."""

    overhead = MIN_PROTECTED_SIZE

    def __init__(self, spi: int, secret: bytes) -> None:
        # The two cost three milliseconds of a boot, which only a deployment with keys is to pay.
        from hmac import compare_digest, digest

        self.spi = spi
        self._secret = secret
        self._digest = digest
        self._are_equal = compare_digest

    def protect(self, sequence: int, salt: bytes, data: bytes) -> bytes:
        signed = _HEADER.pack(self.spi, sequence) + data
        return signed + self._digest(self._secret, signed, "sha256")[:MAC_SIZE]

    def sequence_of(self, protected: bytes) -> int:
        sequence: int = _SEQUENCE.unpack_from(protected, SPI_SIZE)[0]
        return sequence

    def verify(self, protected: bytes) -> bytes | None:
        if len(protected) < MIN_PROTECTED_SIZE:
            return None
        signed = protected[:-MAC_SIZE]
        wanted = self._digest(self._secret, signed, "sha256")[:MAC_SIZE]
        return signed[_HEADER.size :] if self._are_equal(wanted, protected[-MAC_SIZE:]) else None


class GcmAssociation:
    """Protection by AES-128-GCM (NIST SP 800-38D)."""

    overhead = _GCM_HEADER.size + MAC_SIZE

    def __init__(self, spi: int, secret: bytes) -> None:
        try:
            from cryptography.exceptions import InvalidTag
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        except ImportError:
            raise MissingCipher(spi) from None
        self.spi = spi
        self._cipher = AESGCM(secret)
        self._refused = InvalidTag

    def protect(self, sequence: int, salt: bytes, data: bytes) -> bytes:
        header = _GCM_HEADER.pack(self.spi, salt, sequence)
        return header + self._cipher.encrypt(header[SPI_SIZE:], data, header)

    def sequence_of(self, protected: bytes) -> int:
        sequence: int = _SEQUENCE.unpack_from(protected, SPI_SIZE + SALT_SIZE)[0]
        return sequence

    def verify(self, protected: bytes) -> bytes | None:
        if len(protected) < self.overhead:
            return None
        header = protected[: _GCM_HEADER.size]
        try:
            return self._cipher.decrypt(header[SPI_SIZE:], protected[_GCM_HEADER.size :], header)
        except self._refused:
            return None


_MAKERS: dict[str, Callable[[int, bytes], SecurityAssociation]] = {
    "hmac-sha256": HmacAssociation,
    "aes-gcm": GcmAssociation,
}


def unverified_data(field: bytes) -> bytes | None:
    """What a frame's data would hold if an HMAC were around it that nobody has looked at, or `None` if it is too short.

    For a packet that may come in unsigned: some grounds wrap those as well.
    """
    return field[_HEADER.size : -MAC_SIZE] if len(field) > MIN_PROTECTED_SIZE else None
