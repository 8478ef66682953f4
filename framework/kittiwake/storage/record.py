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

from kittiwake.storage.finding import Finding, NotReadYet, ReadFailed, Reading, move_aside
from kittiwake.storage.payload import PayloadTooLarge

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files

_MAGIC = b"KWAR"
_FIELDS = Struct(">4sHQI")
_CRC = Struct(">I")
_HEADER_SIZE = _FIELDS.size + _CRC.size
_SEQUENCE_MAX = (1 << 64) - 1
_EMPTY = "is empty: its first write did not end"


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
        self._is_owed = False
        self._is_settled = False

    def read(self, *, last_try: bool = False) -> Reading:
        """The newest valid payload, or `None` if nothing valid was ever written.

        A slot that fails its check is renamed to `<slot>.bad.<n>` (at most four are kept) and reported. Raises
        `ReadFailed` where the medium does not give a slot now: all is then left as it is, and nothing is written until
        a read has succeeded. With `last_try` such a slot counts as a bad one.
        """
        contents: list[tuple[str, bytes | OSError]] = []
        for path in (self._path + ".a", self._path + ".b"):
            try:
                contents.append((path, self._content(path)))
            except FileNotFoundError:
                continue
            except OSError as fault:
                contents.append((path, fault))
        judged = [(path, self._judged(path, content)) for path, content in contents]
        newest = max([one for _, one in judged if isinstance(one, _Slot)], key=lambda slot: slot.sequence, default=None)
        failed = [(path, fault) for path, fault in contents if isinstance(fault, OSError)]
        self._is_known = self._is_settled = False
        self._is_owed = bool(failed) and not last_try
        if self._is_owed:
            raise ReadFailed(*failed[0], rest=None if newest is None else newest.payload)
        findings = [
            Finding(path, reason) if reason == _EMPTY else move_aside(self._files, path, reason)
            for path, reason in judged
            if isinstance(reason, str)
        ]
        self._newest, self._is_known = newest, True
        if newest is None:
            return Reading(None, tuple(findings))
        return Reading(newest.payload, tuple(findings), newest.version)

    def _content(self, path: str) -> bytes:
        with self._files.open(path, "r") as file:
            header = file.read_at(0, _HEADER_SIZE)
            return header + file.read_at(_HEADER_SIZE, self._limit)

    def _judged(self, path: str, content: bytes | OSError) -> _Slot | str:
        """The slot, or what is wrong with it."""
        if isinstance(content, OSError):
            return f"cannot be read: {content.strerror}"
        if not content:
            return _EMPTY
        if len(content) < _HEADER_SIZE:
            return f"ends after {len(content)} bytes"
        magic, version, sequence, length = _FIELDS.unpack_from(content)
        if magic != _MAGIC:
            return "is not an atomic record"
        if length > self._limit:
            return f"claims {length} bytes, over the limit of {self._limit}"
        payload = content[_HEADER_SIZE : _HEADER_SIZE + length]
        if _CRC.unpack_from(content, _FIELDS.size)[0] != crc32(payload, crc32(content[: _FIELDS.size])):
            return "fails its checksum"
        if version not in self._readable:
            return f"has version {version}, this software reads {self._readable}"
        return _Slot(path, version, sequence, payload)

    def write(self, payload: bytes, *, supersedes: bool = False) -> tuple[Finding, ...]:
        """Replaces the payload; on return the new one is durable.

        Returns what was found wrong if the record had to be read first. Raises `PayloadTooLarge`, `NotReadYet` after
        a read that failed, or `OSError`: the record then still holds the old payload, or already the new one. What
        `supersedes` all that may stand there is written all the same; what cannot be read is then kept aside.
        """
        if len(payload) > self._limit:
            raise PayloadTooLarge(self._path, len(payload), self._limit)
        if self._is_owed and not supersedes:
            raise NotReadYet(self._path)
        findings = () if self._is_known else self._look(last_try=supersedes).findings
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

    def _look(self, *, last_try: bool) -> Reading:
        """Reads what nobody has asked for: so a failure leaves nobody who owes it a reading."""
        try:
            return self.read(last_try=last_try)
        finally:
            self._is_owed = False

    def _settle(self, newest: _Slot | None) -> None:
        """Makes what was read durable before the other slot is overwritten: a kill may have left it unsynced."""
        if newest is None or self._is_settled:
            return
        with self._files.open(newest.path, "r") as file:
            file.sync()
        self._files.sync_folder(posixpath.dirname(newest.path))
