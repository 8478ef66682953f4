"""What the panel shows, kept over restarts: so that a picture that is there already is not drawn again."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.record import AtomicRecord

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1
DIGEST_SIZE = 16
UNKNOWN = bytes(DIGEST_SIZE)
"""The panel may show anything: a refresh was begun and not seen to its end."""
_LAYOUT = Struct(f">{DIGEST_SIZE}sHQ")
U16_MAX = 0xFFFF


class Shown(NamedTuple):
    """The digest of the picture on the panel, partial refreshes since a whole one, the last contact in us (0: none)."""

    digest: bytes = UNKNOWN
    partials: int = 0
    contact_us: int = 0


class FrameRecord:
    """An atomic record. Methods raise `OSError`."""

    def __init__(self, files: Files, path: str) -> None:
        self._record = AtomicRecord(files, path, VERSION, _LAYOUT.size)

    def read(self) -> tuple[Shown, tuple[Finding, ...]]:
        """What the panel shows, and what was found wrong with the record."""
        reading = self._record.read()
        payload = reading.payload
        if payload is None or len(payload) != _LAYOUT.size:
            return Shown(), reading.findings
        return Shown(*_LAYOUT.unpack(payload)), reading.findings

    def write(self, shown: Shown) -> None:
        """Keeps it."""
        self._record.write(_LAYOUT.pack(shown.digest, min(shown.partials, U16_MAX), shown.contact_us), supersedes=True)


def digest_of(mode: str, size: tuple[int, int], points: bytes) -> bytes:
    """The digest of a frame (BLAKE2b of 16 bytes)."""
    from hashlib import blake2b

    return blake2b(f"{mode} {size[0]}x{size[1]} ".encode() + points, digest_size=DIGEST_SIZE).digest()
