"""How often a PIN was told to the SIM without being taken, over restarts: the third refusal locks the SIM for good."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.storage.record import AtomicRecord

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1
TRIES_MAX = 2
"""One more than a wrong PIN needs to be known as such: the power may go before the SIM has answered."""

_DIGEST_SIZE = 8
_LAYOUT = Struct(f">{_DIGEST_SIZE}sB")
_NONE = bytes(_DIGEST_SIZE)


def _digest(pin: str) -> bytes:
    from hashlib import sha256

    return sha256(pin.encode()).digest()[:_DIGEST_SIZE]


class PinTries:
    """The record at `path`; methods raise `OSError`. Of the PIN it keeps a digest, which tells it from another one."""

    def __init__(self, files: Files, path: str) -> None:
        self._record = AtomicRecord(files, path, VERSION, _LAYOUT.size)

    def _read(self) -> tuple[bytes, int, tuple[Finding, ...]]:
        reading = self._record.read()
        if reading.payload is None or len(reading.payload) != _LAYOUT.size:
            # What is damaged may have counted a try of any PIN.
            return _NONE, 1 if reading.findings else 0, reading.findings
        digest, tries = _LAYOUT.unpack(reading.payload)
        return digest, tries, reading.findings

    def is_spent(self, pin: str) -> tuple[bool, tuple[Finding, ...]]:
        """Whether a PIN is not to be tried any more, and what was found wrong in the record."""
        digest, tries, findings = self._read()
        return self._tries_of(pin, digest, tries) >= TRIES_MAX, findings

    def _tries_of(self, pin: str, digest: bytes, tries: int) -> int:
        return tries if digest in (_NONE, _digest(pin)) else 0

    def count(self, pin: str, *, is_refused: bool = False) -> None:
        """Counts a try before it is made, or that it was refused; durable on return."""
        digest, tries, _ = self._read()
        tries = TRIES_MAX if is_refused else self._tries_of(pin, digest, tries) + 1
        self._record.write(_LAYOUT.pack(_digest(pin), tries))

    def forget(self) -> None:
        """A PIN was taken, or may be tried again; durable on return."""
        self._record.write(_LAYOUT.pack(_NONE, 0), supersedes=True)
