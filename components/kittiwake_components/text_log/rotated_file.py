"""A file that lines are appended to, rotated by size and age into numbered archives: a larger number is an older one.

A rotation renames the file to `<path>.0`; from there it is archived, beside the loop where there are threads:
compressed in place, then every archive up to the first free number moves one on. Each step is one rename that is
durable before the next, so whoever finds a `.0` after a kill goes on where it was: no line stands twice, no archive
is lost. Only the oldest goes, once all `keep` numbers are taken.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.platform.interface import NS_PER_S
from kittiwake.storage.copying import place_file
from kittiwake.wire.calendar import S_PER_DAY, days_before

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kittiwake.platform.interface import File, Platform, Thread

_GZIP, _GZIP_BITS = b"\x1f\x8b", 31
_SLICE = 65_536
"""Bytes that are compressed at a time: a stop waits for no more."""

KEEP_HIGH = 100
"""The most archives that are kept."""

_STAMP = "0000-00-00T00:00:00.000000Z"


class Rotation(NamedTuple):
    """When a file is rotated, whichever comes first, and what is kept. An age of 0 is none."""

    limit_bytes: int
    limit_age_ns: int
    keep: int
    is_compressed: bool


class RotatedFile:
    """The file at `path` and its archives. Everything raises `OSError`.

    `rotation` may change at any time. While it `is_held` nothing is rotated or archived.
    """

    def __init__(self, platform: Platform, path: str, rotation: Rotation) -> None:
        self._files = platform.files
        self._platform = platform
        self._clock = platform.clock
        self._path = path
        self._folder = posixpath.dirname(path)
        self.rotation = rotation
        self.is_held = False
        self._output: File | None = None
        self._size = self._begun_ns = 0
        self._archiver: Thread | None = None
        self._is_ending = self._is_torn = self._owes_archive = False

    def write(self, line: bytes, utc_s: int | None) -> None:
        """Appends a line, of the time `utc_s` where that is known; rotates first where that is due."""
        if self._output is None:
            self._open(utc_s)
            self._owes_archive = True
        if not self.is_held and self._owes_archive:
            self._owes_archive = False
            self._archive()
        if not self.is_held and self._is_due(len(line)):
            self._rotate()
            self._open(utc_s)
            self._archive()
        assert self._output is not None, "an open that fails raises"
        if self._is_torn:
            line = b"\n" + line
            self._is_torn = False
        self._output.write_at(self._size, line)
        self._size += len(line)

    def close(self) -> None:
        """Closes; archiving that is under way stops at its next slice, and goes on after the next start."""
        if self._archiver is not None:
            self._is_ending = True
            self._archiver.join()
            self._archiver = None
        if self._output is not None:
            self._output.close()
            self._output = None

    def _open(self, utc_s: int | None) -> None:
        self._output = self._files.open(self._path, "w")
        self._size = self._output.size()
        self._begun_ns = self._clock.now_ns()
        # A power cut may have left half a line: the next one begins on its own.
        self._is_torn = self._size > 0 and self._output.read_at(self._size - 1, 1) != b"\n"
        if self._size and utc_s is not None:
            begun_s = utc_s_of(self._output.read_at(0, len(_STAMP)))
            if begun_s is not None:  # else, as before the clock was set, its age counts from this start
                self._begun_ns -= max(0, utc_s - begun_s) * NS_PER_S

    def _is_due(self, more: int) -> bool:
        """Whether the file has to be rotated before `more` bytes come; not while the one before is being archived."""
        if not self._size:
            return False
        limit_bytes, limit_age_ns, *_ = self.rotation
        is_due = self._size + more > limit_bytes
        is_due = is_due or 0 < limit_age_ns <= self._clock.now_ns() - self._begun_ns
        is_patient = self._size + more <= 2 * limit_bytes
        return is_due and not (is_patient and self._archiver is not None and self._archiver.is_alive())

    def _rotate(self) -> None:
        if self._archiver is not None:
            self._archiver.join()
            self._archiver = None
        if self._output is not None:
            self._output.close()
            self._output = None
        if not self.rotation.keep:
            self._files.remove(self._path)
            self._forget_beyond(0)
            return
        self._make_way()
        self._files.rename(self._path, f"{self._path}.0")
        self._files.sync_folder(self._folder)

    # Archiving

    def _archive(self) -> None:
        """Has the file at `.0` archived, if there is one."""
        if not self._files.exists(f"{self._path}.0"):
            return
        if not (self._platform.has_threads and self.rotation.is_compressed):
            self._make_way()
            return
        self._archiver = self._platform.start_thread("text-log", self._make_way_beside)

    def _make_way_beside(self) -> None:
        try:
            self._make_way()
        except OSError:
            return  # the next rotation tries again, and says so

    def _make_way(self) -> None:
        """Archives the file at `.0`, if there is one."""
        files, path = self._files, self._path
        if not files.exists(f"{path}.0"):
            return
        *_, keep, is_compressed = self.rotation
        if is_compressed:
            try:
                self._compress(f"{path}.0")
            except InterruptedError:
                return
            except OSError:
                pass  # no room for both: it is archived as it is
        free = next((number for number in range(1, keep + 1) if not files.exists(f"{path}.{number}")), keep)
        for number in range(free, 0, -1):
            files.rename(f"{path}.{number - 1}", f"{path}.{number}")
            files.sync_folder(self._folder)
        self._forget_beyond(keep)

    def _forget_beyond(self, keep: int) -> None:
        """Removes what is left of a time when more archives were kept."""
        for number in range(keep + 1, KEEP_HIGH + 1):
            if self._files.exists(f"{self._path}.{number}"):
                self._files.remove(f"{self._path}.{number}")

    def _compress(self, path: str) -> None:
        with self._files.open(path, "r") as source:
            if source.read_at(0, len(_GZIP)) == _GZIP:
                return  # that was done before a restart; no line begins so
            place_file(self._files, path, self._compressed(source))
        self._files.sync_folder(self._folder)

    def _compressed(self, source: File) -> Iterator[bytes]:
        from zlib import compressobj

        packer, position = compressobj(wbits=_GZIP_BITS), 0
        while data := source.read_at(position, _SLICE):
            if self._is_ending:
                raise InterruptedError("the log is being closed")
            position += len(data)
            yield packer.compress(data)
        yield packer.flush()


def utc_s_of(line: bytes) -> int | None:
    """The seconds since 1970 of a line that begins with a UTC time as `time_text` writes it; `None` for any other."""
    text = line[: len(_STAMP)].decode("ascii", "replace")
    if len(text) < len(_STAMP) or not text.endswith("Z"):
        return None
    fields = [text[:4], text[5:7], text[8:10], text[11:13], text[14:16], text[17:19]]
    if not all(field.isascii() and field.isdecimal() for field in fields):
        return None
    year, month, day, hour, minute, second = [int(field) for field in fields]
    if not (year >= 1970 and 1 <= month <= 12):
        return None
    return (days_before(year, month) + day - 1) * S_PER_DAY + hour * 3600 + minute * 60 + second
