"""Files over a simulated disk: each operation is counted and can be made to fail, or be the last before the dark."""

from __future__ import annotations

import errno
import posixpath
from collections import deque
from typing import TYPE_CHECKING

from kittiwake.platform.simulated_disk import Disk, Inode, system_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, TypeVar

    from kittiwake.platform.interface import Clock

    Result = TypeVar("Result")

_LOG_LIMIT = 10_000


class PowerCut(BaseException):
    """The power went (or the process was killed) at an `operation` of a `kind`; no `except Exception` may hold it."""

    def __init__(self, operation: int, kind: str = "file operation") -> None:
        super().__init__(f"power cut at {kind} {operation}")
        self.operation = operation
        self.kind = kind


class SimulatedFile:
    """An open file of a simulated disk."""

    __slots__ = ("_files", "_inode", "_open", "_path", "_writable")

    def __init__(self, files: SimulatedFiles, path: str, inode: Inode, writable: bool) -> None:
        self._files = files
        self._path = path
        self._inode = inode
        self._writable = writable
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _step(self, operation: str, body: Callable[[], Result], writes: bool = False) -> Result:
        if not self._open or (writes and not self._writable):
            raise system_error(errno.EBADF, self._path)
        return self._files.step(operation, self._path, body)

    def read_at(self, offset: int, count: int) -> bytes:
        """At most `count` bytes from `offset`; fewer only at the end of the file."""
        return self._step("read_at", lambda: bytes(self._inode.data[offset : offset + count]))

    def write_at(self, offset: int, data: bytes) -> None:
        """Writes all of `data` at `offset`. Raises `OSError`; on a full disk a part is then written."""
        self._step("write_at", lambda: self._files.write(self._inode, offset, data, self._path), writes=True)

    def size(self) -> int:
        """The size in bytes."""
        return self._step("size", lambda: len(self._inode.data))

    def truncate(self, size: int) -> None:
        """Cuts or extends the file to `size` bytes."""
        self._step("truncate", lambda: self._inode.truncate(size), writes=True)

    def sync(self) -> None:
        """Makes data and size durable."""
        self._step("sync", self._inode.settle)

    def close(self) -> None:
        """Closes; a second close does nothing."""
        self._open = False


class SimulatedFiles:
    """The file system of a simulated machine.

    `operations` counts the operations so far, `log` has the last of them as (operation, path). A test lets a scenario
    run once, reads the count, and then repeats it with `cut_at` on each number in turn.
    """

    def __init__(self, disk: Disk, clock: Clock) -> None:
        self.disk = disk
        self.operations = 0
        self.log: deque[tuple[str, str]] = deque(maxlen=_LOG_LIMIT)
        self._clock = clock
        self.is_stopped = False
        """Whether the process that holds these files has come to its end."""
        self._cuts: dict[int, bool] = {}
        self._faults: dict[int, int] = {}
        self._standing_faults: dict[str, int] = {}

    def cut_at(self, operation: int, *, after: bool = False) -> None:
        """Raises `PowerCut` before (or just after) the operation with this number, counted from 1, and ever after."""
        self._cuts[operation] = after

    def fail_at(self, operation: int, code: int) -> None:
        """Lets the operation with this number, counted from 1, fail with an errno, without effect."""
        self._faults[operation] = code

    def fail_every(self, operation: str, code: int) -> None:
        """Lets every operation of a name (`sync`, `write_at`...) fail with an errno, until `mend` or `heal`."""
        self._standing_faults[operation] = code

    def mend(self, operation: str) -> None:
        """Lets the operations of a name work again."""
        self._standing_faults.pop(operation, None)

    def heal(self) -> None:
        """Takes back all faults and cuts that have not happened."""
        self._cuts.clear()
        self._faults.clear()
        self._standing_faults.clear()

    def stop(self) -> None:
        """Ends the process that holds these files: every later operation raises `PowerCut`."""
        self.is_stopped = True

    def damage(self, path: str, offset: int, data: bytes) -> None:
        """Overwrites durable bytes behind the system's back, as a failing medium would."""
        inode = self.disk.file(path)
        inode.write(offset, data)
        inode.settle()

    def step(self, operation: str, path: str, body: Callable[[], Result]) -> Result:
        """Counts one operation and carries it out, unless a fault or a cut is due."""
        if self.is_stopped:
            raise PowerCut(self.operations)
        self.operations += 1
        self.log.append((operation, path))
        if not (self._cuts or self._faults or self._standing_faults):
            return body()
        cut_after = self._cuts.pop(self.operations, None)
        if cut_after is False:
            self._die()
        try:
            code = self._faults.pop(self.operations, None) or self._standing_faults.get(operation)
            if code is not None:
                raise system_error(code, path)
            return body()
        finally:
            if cut_after:
                self._die()

    def _die(self) -> None:
        self.is_stopped = True
        raise PowerCut(self.operations)

    def write(self, inode: Inode, offset: int, data: bytes, path: str) -> None:
        """Carries out a write of an open file."""
        inode.modified_ns = self._clock.wall_ns()
        self.disk.write(inode, offset, data, path)

    def open(self, path: str, mode: str) -> SimulatedFile:
        """Opens with mode `r`, `w` (made if absent, never truncated) or `x` (made anew), never a folder."""

        def body() -> SimulatedFile:
            if mode == "x" or (mode == "w" and not self.disk.exists(path)):
                inode = self.disk.make(path, is_folder=False, modified_ns=self._clock.wall_ns())
            else:
                inode = self.disk.file(path)
            return SimulatedFile(self, path, inode, writable=mode != "r")

        return self.step("open", path, body)

    def read(self, path: str, limit: int) -> bytes:
        """The whole file. Raises `OSError` (EFBIG) if it is larger than `limit` bytes."""

        def body() -> bytes:
            data = self.disk.file(path).data
            if len(data) > limit:
                raise system_error(errno.EFBIG, path)
            return bytes(data)

        return self.step("read", path, body)

    def rename(self, old: str, new: str) -> None:
        """Moves in one step, replacing what stands at `new`."""
        self.step("rename", old, lambda: self.disk.rename(old, new))

    def remove(self, path: str) -> None:
        """Removes a file."""
        self.step("remove", path, lambda: self.disk.remove(path))

    def make_folder(self, path: str) -> None:
        """Makes a folder; its parent must exist."""
        self.step("make_folder", path, lambda: self._make_folder(path))

    def _make_folder(self, path: str) -> None:
        self.disk.make(path, is_folder=True, modified_ns=self._clock.wall_ns())

    def make_folders(self, path: str) -> None:
        """Makes a folder and the parents that are missing; an existing folder is fine."""

        def body() -> None:
            missing = []
            folder = posixpath.normpath(path)
            while not self.disk.exists(folder):
                missing.append(folder)
                folder = posixpath.dirname(folder)
            self.disk.folder(folder)
            for folder in reversed(missing):
                self._make_folder(folder)

        self.step("make_folders", path, body)

    def remove_folder(self, path: str) -> None:
        """Removes an empty folder."""
        self.step("remove_folder", path, lambda: self.disk.remove_folder(path))

    def list(self, path: str) -> list[str]:
        """The names in a folder, sorted."""
        return self.step("list", path, lambda: self.disk.names_in(path))

    def sync_folder(self, path: str) -> None:
        """Makes renames and removals in the folder durable."""
        self.step("sync_folder", path, lambda: self.disk.sync_folder(path))

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return self.step("exists", path, lambda: self.disk.exists(path))

    def is_folder(self, path: str) -> bool:
        """Whether a folder is there."""
        return self.step("is_folder", path, lambda: self.disk.exists(path) and self.disk.node(path).is_folder)

    def size(self, path: str) -> int:
        """The size of a file in bytes."""
        return self.step("size", path, lambda: len(self.disk.node(path).data))

    def modified_ns(self, path: str) -> int:
        """The wall time at which a file was last written, in nanoseconds."""
        return self.step("modified_ns", path, lambda: self.disk.node(path).modified_ns)

    def real_path(self, path: str) -> str:
        """The path itself: a simulated disk has no symbolic links."""
        return self.step("real_path", path, lambda: posixpath.normpath(path))

    def space(self, path: str) -> tuple[int, int]:
        """Free and total bytes."""
        return self.step("space", path, lambda: (self.disk.free(), self.disk.capacity))
