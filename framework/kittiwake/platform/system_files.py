"""Files of the machine: unbuffered descriptors and POSIX calls (open, pread, pwrite, fdatasync, rename)."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

_COMMON_FLAGS = os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK  # the last so that opening a FIFO cannot hang the loop
_FLAGS = {
    "r": os.O_RDONLY | _COMMON_FLAGS,
    "w": os.O_RDWR | os.O_CREAT | _COMMON_FLAGS,
    "x": os.O_RDWR | os.O_CREAT | os.O_EXCL | _COMMON_FLAGS,
}
_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PERMISSIONS = 0o644
_READ_AHEAD = 65536


class SystemFile:
    """An open descriptor. Python restarts calls that a signal interrupts, so that EINTR is never seen (PEP 475)."""

    __slots__ = ("_fd",)

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the end of the file."""
        data = os.pread(self._fd, count, offset)
        if not data or len(data) == count:
            return data
        chunks = [data]
        got = len(data)
        while got < count and (data := os.pread(self._fd, count - got, offset + got)):
            chunks.append(data)
            got += len(data)
        return b"".join(chunks)

    def write_at(self, offset: int, data: bytes) -> None:
        """Writes all of `data` at `offset`. Raises `OSError`; a part may then be written."""
        done = os.pwrite(self._fd, data, offset)
        while done < len(data):
            done += os.pwrite(self._fd, memoryview(data)[done:], offset + done)

    def size(self) -> int:
        """The size in bytes."""
        return os.fstat(self._fd).st_size

    def truncate(self, size: int) -> None:
        """Cuts or extends the file to `size` bytes."""
        os.ftruncate(self._fd, size)

    def sync(self) -> None:
        """Returns once the data and the size are on the medium."""
        os.fdatasync(self._fd)

    def close(self) -> None:
        """Closes; a second close does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class SystemFiles:
    """The file system. Paths are absolute; every method raises `OSError` as the system does."""

    __slots__ = ()

    def open(self, path: str, mode: str) -> SystemFile:
        """Opens with mode `r`, `w` (made if absent, never truncated) or `x` (made anew), never a folder."""
        fd = os.open(path, _FLAGS[mode], _PERMISSIONS)
        if mode == "r" and os.path.isdir(fd):
            os.close(fd)
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return SystemFile(fd)

    def read(self, path: str, limit: int) -> bytes:
        """The whole file. Raises `OSError` (EFBIG) if it is larger than `limit` bytes."""
        with self.open(path, "r") as file:
            if file.size() > limit:
                raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
            # Files of /proc and /sys do not know their size: read until the end.
            chunks: list[bytes] = []
            got = 0
            while data := file.read_at(got, min(_READ_AHEAD, limit + 1 - got)):
                chunks.append(data)
                got += len(data)
                if got > limit:
                    raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), path)
            return b"".join(chunks)

    def rename(self, old: str, new: str) -> None:
        """Moves in one step, replacing what stands at `new`."""
        os.rename(old, new)

    def remove(self, path: str) -> None:
        """Removes a file."""
        os.unlink(path)

    def make_folder(self, path: str) -> None:
        """Makes a folder; its parent must exist."""
        os.mkdir(path)

    def make_folders(self, path: str) -> None:
        """Makes a folder and the parents that are missing; an existing folder is fine."""
        os.makedirs(path, exist_ok=True)

    def remove_folder(self, path: str) -> None:
        """Removes an empty folder."""
        os.rmdir(path)

    def list(self, path: str) -> list[str]:
        """The names in a folder, sorted."""
        return sorted(os.listdir(path))

    def sync_folder(self, path: str) -> None:
        """Returns once renames and removals in the folder are on the medium."""
        fd = os.open(path, _FOLDER_FLAGS)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return os.path.exists(path)

    def is_folder(self, path: str) -> bool:
        """Whether a folder is there."""
        return os.path.isdir(path)

    def size(self, path: str) -> int:
        """The size of a file in bytes."""
        return os.stat(path).st_size

    def modified_ns(self, path: str) -> int:
        """The wall time at which a file was last written, in nanoseconds."""
        return os.stat(path).st_mtime_ns

    def real_path(self, path: str) -> str:
        """The path with every symbolic link followed, whether or not the end of it exists."""
        return os.path.realpath(path)

    def space(self, path: str) -> tuple[int, int]:
        """Free (to this process) and total bytes of the file system that holds `path`."""
        of = os.statvfs(path)
        return of.f_bavail * of.f_frsize, of.f_blocks * of.f_frsize
