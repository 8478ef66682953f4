"""The journal: records appended one after the other, each with its length and checksum.

The file begins with the magic "KWJL", a version U16 and two zero bytes. A record, big-endian:

    marker 0xA54B | length U32 | CRC-32 of the record's offset in the file (U64), the length and the payload | payload

The offset in the checksum keeps stale or nested bytes from passing for a record of this place. What follows the last
valid record is cut off when the journal is opened. If valid records stand beyond a bad one, it was no torn tail but
damage: the file is then also copied to `<path>.bad.<n>`.
"""

from __future__ import annotations

import errno
import posixpath
from struct import Struct
from typing import TYPE_CHECKING
from zlib import crc32

from kittiwake.storage.copying import place_file
from kittiwake.storage.finding import Finding, copy_aside, move_aside
from kittiwake.storage.payload import PayloadTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kittiwake.platform.interface import File, Files

_MAGIC = b"KWJL"
_FILE_HEADER = Struct(">4sHxx")
_MARKER = b"\xa5\x4b"
_RECORD_HEADER = Struct(">2sII")
_CHECKED = Struct(">QI")
_WINDOW_SIZE = 65536


class JournalFull(OSError):
    """A record that would take the journal over its size limit: errno ENOSPC, `size` and `limit` in bytes."""

    def __init__(self, path: str, size: int, limit: int) -> None:
        super().__init__(errno.ENOSPC, f"the journal would grow to {size} bytes, over its limit of {limit}", path)
        self.size = size
        self.limit = limit


def _leave(payload: bytes) -> None:
    """Does nothing with a payload."""


def _packed(offset: int, payload: bytes) -> bytes:
    return _RECORD_HEADER.pack(_MARKER, len(payload), _checksum(offset, payload)) + payload


def _checksum(offset: int, payload: bytes) -> int:
    return crc32(payload, crc32(_CHECKED.pack(offset, len(payload))))


class _Window:
    """Reads ahead, so that small records do not cost two system calls each."""

    __slots__ = ("_data", "_file", "_start")

    def __init__(self, file: File) -> None:
        self._file = file
        self._start = 0
        self._data = b""

    def read(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the end of the file."""
        if offset < self._start or offset + count > self._start + len(self._data):
            self._start = offset
            self._data = self._file.read_at(offset, max(count, _WINDOW_SIZE))
        return self._data[offset - self._start : offset - self._start + count]


class Journal:
    """Records of at most `record_limit` bytes in a file of at most `size_limit` bytes.

    `version` is that of the payloads' format; a journal of another version is kept aside as a fault. Call `open`
    first.
    """

    def __init__(self, files: Files, path: str, version: int, *, record_limit: int, size_limit: int) -> None:
        self._files = files
        self._path = path
        self._version = version
        self._record_limit = record_limit
        self._size_limit = size_limit
        self._file: File | None = None
        self._end = 0
        self._is_settled = False

    @property
    def size(self) -> int:
        """The size of the file in bytes."""
        return self._end

    def open(self, take: Callable[[bytes], object] = _leave) -> tuple[Finding, ...]:
        """Opens the journal, made if absent, cuts what does not check and returns what was wrong. Raises `OSError`.

        `take` is given the payloads that check, oldest first: who wants them all at the start need not read them twice.
        """
        self.close()
        findings = self._check_header()
        self._file = self._files.open(self._path, "w")
        self._is_settled = False
        self._end = _FILE_HEADER.size
        try:
            size = self._file.size()
            if size == 0:
                self._file.write_at(0, self._file_header())
                self.sync()
                return findings
            for offset, payload in self._walk():
                self._end = offset + _RECORD_HEADER.size + len(payload)
                take(payload)
            return findings if self._end == size else (*findings, self._cut(size))
        except OSError:
            self.close()
            raise

    def open_to_read(self) -> str | None:
        """Opens a journal and changes nothing: `records` gives what checks, the result says what is behind it, or "".

        `None` if the file is no journal of this version. Raises `OSError`.
        """
        self.close()
        self._file = self._files.open(self._path, "r")
        if self._file.read_at(0, _FILE_HEADER.size) != self._file_header():
            self.close()
            return None
        self._end = _FILE_HEADER.size
        for offset, payload in self._walk():
            self._end = offset + _RECORD_HEADER.size + len(payload)
        left = self._file.size() - self._end
        return f"a record fails its check at byte {self._end}: {left} bytes are left out" if left else ""

    def _file_header(self) -> bytes:
        return _FILE_HEADER.pack(_MAGIC, self._version)

    def _check_header(self) -> tuple[Finding, ...]:
        """Moves a file that is no journal of this version out of the way."""
        try:
            with self._files.open(self._path, "r") as file:
                header = file.read_at(0, _FILE_HEADER.size)
        except FileNotFoundError:
            return ()
        if header == self._file_header():
            return ()
        if not header:
            return (Finding(self._path, "is empty: its first write did not end"),)
        if len(header) == _FILE_HEADER.size and header.startswith(_MAGIC):
            reason = f"has version {_FILE_HEADER.unpack(header)[1]}, this software reads {self._version}"
        else:
            reason = "is not a journal"
        return (self._moved_aside(reason),)

    def _moved_aside(self, reason: str) -> Finding:
        finding = move_aside(self._files, self._path, reason)
        if finding.kept_as is None:
            raise OSError(errno.EEXIST, f"stands in the way of the journal: {finding.reason}", self._path)
        return finding

    def _cut(self, size: int) -> Finding:
        cut = f"at byte {self._end}: {size - self._end} bytes are cut"
        if self._has_record_after(self._end + 1, size):
            finding = copy_aside(self._files, self._path, f"a record fails its check {cut}")
        else:
            finding = Finding(self._path, f"the last record is torn {cut}")
        self._opened().truncate(self._end)
        return finding

    def _has_record_after(self, start: int, size: int) -> bool:
        blocks, candidates = _Window(self._opened()), _Window(self._opened())
        while start < size:
            block = blocks.read(start, _WINDOW_SIZE)
            at = block.find(_MARKER)
            while at >= 0:
                if self._payload_at(candidates, start + at) is not None:
                    return True
                at = block.find(_MARKER, at + 1)
            start += max(1, len(block) - 1)  # a marker may straddle two blocks
        return False

    def _payload_at(self, window: _Window, offset: int) -> bytes | None:
        header = window.read(offset, _RECORD_HEADER.size)
        if len(header) < _RECORD_HEADER.size:
            return None
        marker, length, checksum = _RECORD_HEADER.unpack(header)
        if marker != _MARKER or length > self._record_limit:
            return None
        payload = window.read(offset + _RECORD_HEADER.size, length)
        return payload if len(payload) == length and _checksum(offset, payload) == checksum else None

    def _walk(self) -> Iterator[tuple[int, bytes]]:
        window = _Window(self._opened())
        offset = _FILE_HEADER.size
        while (payload := self._payload_at(window, offset)) is not None:
            yield offset, payload
            offset += _RECORD_HEADER.size + len(payload)

    def records(self) -> Iterator[bytes]:
        """The payloads, oldest first, up to the last one at the start of the iteration. Raises `OSError`."""
        end = self._end
        for offset, payload in self._walk():
            if offset >= end:
                return
            yield payload

    def peek(self) -> list[bytes]:
        """The payloads that check, of a journal that is not open here and that another process may be writing.

        Nothing is made, cut or moved aside; none are found in a file that is no journal of this version. Raises
        `OSError`.
        """
        with self._files.open(self._path, "r") as file:
            if file.read_at(0, _FILE_HEADER.size) != self._file_header():
                return []
            self._file = file
            try:
                return [payload for _, payload in self._walk()]
            finally:
                self._file = None

    def append(self, payload: bytes, *, sync: bool = True) -> None:
        """Adds a record; with `sync` it is durable on return, and with it all before.

        Raises `PayloadTooLarge`, `JournalFull`, or `OSError`: the record then counts as not written.
        """
        if len(payload) > self._record_limit:
            raise PayloadTooLarge(self._path, len(payload), self._record_limit)
        end = self._end + _RECORD_HEADER.size + len(payload)
        if end > self._size_limit:
            raise JournalFull(self._path, end, self._size_limit)
        file = self._opened()
        try:
            file.write_at(self._end, _packed(self._end, payload))
            if sync:
                self.sync()
        except OSError:
            self._take_back()
            raise
        self._end = end

    def _take_back(self) -> None:
        """Cuts what a failed append has left; where even that fails, the next append overwrites it."""
        try:
            self._opened().truncate(self._end)
        except OSError:
            return

    def sync(self) -> None:
        """Makes all records durable. Raises `OSError`."""
        self._opened().sync()
        if not self._is_settled:
            self._files.sync_folder(posixpath.dirname(self._path))
            self._is_settled = True

    def compact(self, payloads: Iterable[bytes]) -> None:
        """Replaces all records by `payloads` in one step, durable on return.

        `payloads` may be drawn from `records`. Raises as `append` does; the journal is then as it was, or already
        replaced.
        """
        end = place_file(self._files, self._path, self._compacted(payloads))
        self.close()
        self._file = self._files.open(self._path, "w")
        self._end = end
        self._is_settled = False
        self.sync()

    def _compacted(self, payloads: Iterable[bytes]) -> Iterator[bytes]:
        yield self._file_header()
        position = _FILE_HEADER.size
        for payload in payloads:
            if len(payload) > self._record_limit:
                raise PayloadTooLarge(self._path, len(payload), self._record_limit)
            record = _packed(position, payload)
            position += len(record)
            if position > self._size_limit:
                raise JournalFull(self._path, position, self._size_limit)
            yield record

    def close(self) -> None:
        """Closes without a sync; a second close does nothing."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> File:
        if self._file is None:
            raise OSError(errno.EBADF, "the journal is not open", self._path)
        return self._file
