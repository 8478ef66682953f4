"""The streamed file: it grows as `<path>.part`, in any order of offsets, and gets its name when it is whole."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from kittiwake.storage.copying import copy_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import File, Files

PART = ".part"
_PREVIOUS = ".prev"


class VerificationFailed(ValueError):
    """A streamed file that is not what was announced: `path` and `reason`. Its part is gone."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class FileTooLarge(OSError):
    """A write beyond the limit of its file: errno EFBIG, `end` and `limit` in bytes."""

    def __init__(self, path: str, end: int, limit: int) -> None:
        super().__init__(errno.EFBIG, f"a write up to byte {end} goes over the limit of {limit}", path)
        self.end = end
        self.limit = limit


class StreamedFile:
    """A file that is received or recorded piece by piece, of at most `limit` bytes.

    Until `finish` nothing stands at `path`, or what stood there before.
    """

    def __init__(self, files: Files, path: str, limit: int) -> None:
        self._files = files
        self._path = path
        self._limit = limit
        self._file: File | None = None

    @property
    def is_open(self) -> bool:
        """Whether a part is in progress."""
        return self._file is not None

    def start(self) -> None:
        """Begins an empty part; one that an earlier attempt has left is dropped. Raises `OSError`."""
        self._close()
        file = self._files.open(self._path + PART, "w")
        try:
            file.truncate(0)
        except OSError:
            file.close()
            raise
        self._file = file

    def resume(self) -> int:
        """Goes on with the part that is there, or an empty one, and returns its size in bytes.

        After a power cut only what was written before the last `sync` is certain, whatever the size says; so whoever
        resumes gives `finish` a check. Raises `OSError`.
        """
        self._close()
        file = self._files.open(self._path + PART, "w")
        try:
            size = file.size()
            if size > self._limit:
                file.truncate(0)
                size = 0
        except OSError:
            file.close()
            raise
        self._file = file
        return size

    def write_at(self, offset: int, data: bytes) -> None:
        """Writes `data` at `offset` bytes. Raises `FileTooLarge`, or `OSError`; the part stays in progress."""
        end = offset + len(data)
        if offset < 0 or end > self._limit:
            raise FileTooLarge(self._path, end, self._limit)
        self._part().write_at(offset, data)

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes of the part from `offset`; fewer only at its end."""
        return self._part().read_at(offset, count)

    def size(self) -> int:
        """The size of the part in bytes."""
        return self._part().size()

    def sync(self) -> None:
        """Makes what was written durable: a point to resume from. Raises `OSError`."""
        self._part().sync()
        self._files.sync_folder(posixpath.dirname(self._path))

    def finish(
        self,
        check: Callable[[File], str | None] | None = None,
        *,
        size: int | None = None,
        keep_previous: bool = False,
    ) -> None:
        """Gives the part its name; on return the whole file is durable.

        `check` reads the part and says what is wrong with it, or `None`; `size` is the size in bytes that was
        announced. With `keep_previous` a file that stood at `path` stays as `<path>.prev`. Raises
        `VerificationFailed`, with the part removed, or `OSError`, with the part still in progress or its new name
        perhaps not durable; to call `finish` again is then safe.
        """
        part = self._part()
        reason = None
        if size is not None and part.size() != size:
            reason = f"{part.size()} bytes have come, {size} were announced"
        elif check is not None:
            reason = check(part)
        if reason is not None:
            self.abort()
            raise VerificationFailed(self._path, reason)
        part.sync()
        if self._files.exists(self._path + PART):
            if keep_previous and self._files.exists(self._path):
                copy_file(self._files, self._path, self._path + _PREVIOUS)
            self._files.rename(self._path + PART, self._path)
        self._files.sync_folder(posixpath.dirname(self._path))
        self._close()

    def abort(self) -> None:
        """Drops the part; without one it does nothing. Raises `OSError`."""
        self._close()
        try:
            self._files.remove(self._path + PART)
        except FileNotFoundError:
            return

    def suspend(self) -> None:
        """Closes the part and leaves it for `resume`."""
        self._close()

    def _part(self) -> File:
        if self._file is None:
            raise OSError(errno.EBADF, "no part is in progress: call start or resume first", self._path)
        return self._file

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def clean_parts(files: Files, folder: str) -> list[str]:
    """Removes the parts that earlier runs have left in a folder, and returns their paths. Raises `OSError`."""
    stale = [posixpath.join(folder, name) for name in files.list(folder) if name.endswith(PART)]
    for path in stale:
        files.remove(path)
    return stale
