"""The atomic record: a small payload in two alternating slots, of which the newest valid one counts.

A slot file (`<path>.a`, `<path>.b`) is a header and the payload, big-endian:

    magic "KWAR" | version U16 | sequence U64 | length U32 | CRC-32 of all before and the payload | payload

Each write goes in place to the slot that does not hold the newest payload, and is synced before it counts, so that a
kill or a power cut at any instruction leaves the other slot valid.
"""

from __future__ import annotations

import posixpath
from struct import Struct
from typing import TYPE_CHECKING
from zlib import crc32

from kittiwake.storage.finding import UNREADABLE, Finding, Reading, move_aside
from kittiwake.storage.payload import PayloadTooLarge

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files

_MAGIC = b"KWAR"
_FIELDS = Struct(">4sHQI")
_CRC = Struct(">I")
_HEADER_SIZE = _FIELDS.size + _CRC.size
_SEQUENCE_MAX = (1 << 64) - 1


class _Slot:
    """One slot that holds a payload."""

    __slots__ = ("path", "payload", "sequence", "version")

    def __init__(self, path: str, version: int, sequence: int, payload: bytes) -> None:
        self.path = path
        self.version = version
        self.sequence = sequence
        self.payload = payload


class AtomicRecord:
    """A payload of at most `limit` bytes that is replaced as a whole.

    `version` is that of the payload's format; slots of the versions in `readable` are read as well, and any other is
    kept aside as a fault.
    """

    def __init__(self, files: Files, path: str, version: int, limit: int, readable: tuple[int, ...] = ()) -> None:
        self._files = files
        self._path = path
        self._version = version
        self._limit = limit
        self._readable = (version, *readable)
        self._newest: _Slot | None = None
        self._is_known = False
        self._is_settled = False

    def read(self) -> Reading:
        """The newest valid payload, or `None` if nothing valid was ever written.

        A slot that fails its check is renamed to `<slot>.bad.<n>` (at most four are kept) and reported. Raises
        `OSError` where the files cannot be reached at all.
        """
        slots: list[_Slot] = []
        findings: list[Finding] = []
        for path in (self._path + ".a", self._path + ".b"):
            found = self._read_slot(path)
            if isinstance(found, _Slot):
                slots.append(found)
            elif found is not None:
                findings.append(found)
        self._newest = max(slots, key=lambda slot: slot.sequence, default=None)
        self._is_known = True
        self._is_settled = False
        if self._newest is None:
            return Reading(None, tuple(findings))
        return Reading(self._newest.payload, tuple(findings), self._newest.version)

    def _read_slot(self, path: str) -> _Slot | Finding | None:
        try:
            with self._files.open(path, "r") as file:
                header = file.read_at(0, _HEADER_SIZE)
                payload = file.read_at(_HEADER_SIZE, self._limit)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno not in UNREADABLE:
                raise
            return move_aside(self._files, path, f"cannot be read: {error.strerror}")
        if not header:
            return Finding(path, "is empty: its first write did not end")
        if len(header) < _HEADER_SIZE:
            return move_aside(self._files, path, f"ends after {len(header)} bytes")
        magic, version, sequence, length = _FIELDS.unpack_from(header)
        if magic != _MAGIC:
            return move_aside(self._files, path, "is not an atomic record")
        if length > self._limit:
            return move_aside(self._files, path, f"claims {length} bytes, over the limit of {self._limit}")
        payload = payload[:length]
        if _CRC.unpack_from(header, _FIELDS.size)[0] != crc32(payload, crc32(header[: _FIELDS.size])):
            return move_aside(self._files, path, "fails its checksum")
        if version not in self._readable:
            return move_aside(self._files, path, f"has version {version}, this software reads {self._readable}")
        return _Slot(path, version, sequence, payload)

    def write(self, payload: bytes) -> tuple[Finding, ...]:
        """Replaces the payload; on return the new one is durable.

        Returns what was found wrong if the record had to be read first. Raises `PayloadTooLarge`, or `OSError`: the
        record then still holds the old payload, or already the new one.
        """
        if len(payload) > self._limit:
            raise PayloadTooLarge(self._path, len(payload), self._limit)
        findings = () if self._is_known else self.read().findings
        newest = self._newest
        self._settle(newest)
        path = self._path + (".b" if newest is not None and newest.path.endswith(".a") else ".a")
        sequence = 1 if newest is None else newest.sequence + 1
        if sequence > _SEQUENCE_MAX:
            raise OverflowError(f"{self._path}: the sequence number is used up")
        fields = _FIELDS.pack(_MAGIC, self._version, sequence, len(payload))
        with self._files.open(path, "w") as file:
            file.write_at(0, fields + _CRC.pack(crc32(payload, crc32(fields))) + payload)
            file.sync()
        if not self._is_settled:
            # Two names come into being, one with each of the first two writes.
            self._files.sync_folder(posixpath.dirname(path))
            self._is_settled = sequence > 1
        self._newest = _Slot(path, self._version, sequence, payload)
        return findings

    def _settle(self, newest: _Slot | None) -> None:
        """Makes what was read durable before the other slot is overwritten: a kill may have left it unsynced."""
        if newest is None or self._is_settled:
            return
        with self._files.open(newest.path, "r") as file:
            file.sync()
        self._files.sync_folder(posixpath.dirname(newest.path))
