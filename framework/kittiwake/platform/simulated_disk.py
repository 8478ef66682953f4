"""A disk in memory that knows what is durable, and can lose or tear the rest as file systems do.

Two images are kept: what the system sees, and what has been synced; between them lie the changes not yet synced. A
power cut keeps none, all, the first few, or any of those changes. Contents and names are lost independently: without
`sync` a file may come back empty, torn or with holes, and without `sync_folder` a new name may be gone, whatever was
synced into the file (POSIX promises no more; ext4 does in its default mode).
"""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kittiwake.platform.seeded import SeededRandom
    from kittiwake.platform.simulated_content import Content

SECTOR_SIZE = 512
_DISK_SIZE = 1 << 30
_TEXTS = {
    errno.EBADF: "Bad file descriptor",
    errno.EBUSY: "Device or resource busy",
    errno.EEXIST: "File exists",
    errno.EFBIG: "File too large",
    errno.EINVAL: "Invalid argument",
    errno.EIO: "Input/output error",
    errno.EISDIR: "Is a directory",
    errno.ENOENT: "No such file or directory",
    errno.ENOSPC: "No space left on device",
    errno.ENOTDIR: "Not a directory",
    errno.ENOTEMPTY: "Directory not empty",
    errno.EROFS: "Read-only file system",
}


def system_error(code: int, path: str) -> OSError:
    """The `OSError` subclass that the system would raise for an errno."""
    return OSError(code, _TEXTS.get(code, errno.errorcode.get(code, "Unknown error")), path)


class _Room:
    """What the files with names take of a disk, in bytes."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used = 0


_NOWHERE = _Room()
"""Of files without a name: nobody asks what they take."""


class Inode:
    """A file or folder, whatever names lead to it.

    `data` is what the system sees. Until it is changed it is the very bytes that were there before a power cut: most
    files of a disk are never touched in a life.
    """

    __slots__ = ("_durable", "_pending", "_room", "data", "database", "is_folder", "modified_ns")

    def __init__(self, is_folder: bool, data: bytes = b"", modified_ns: int = 0) -> None:
        self.is_folder = is_folder
        self.database: Content | None = None
        self.data: bytes | bytearray = data
        self.modified_ns = modified_ns
        self._durable: bytes | bytearray = data
        self._pending: list[tuple[int, bytes | None]] = []
        self._room = _NOWHERE

    def takes_of(self, room: _Room) -> None:
        """Counts there from now on, and no more where it did before."""
        self._room.used -= len(self.data)
        self._room = room
        room.used += len(self.data)

    def write(self, offset: int, data: bytes) -> None:
        """Writes; the bytes may be lost until `settle`."""
        self._change((offset, bytes(data)))

    def truncate(self, size: int) -> None:
        """Cuts or extends; may be lost until `settle`."""
        self._change((size, None))

    def _change(self, change: tuple[int, bytes | None]) -> None:
        before = len(self.data)
        self.data = _changed(self.data, [change])
        self._room.used += len(self.data) - before
        self._pending.append(change)

    def settle(self) -> None:
        """Makes what was written durable."""
        self._durable = _changed(self._durable, self._pending)
        self._pending.clear()

    def survivor(self, random: SeededRandom) -> Inode:
        """The file as a power cut leaves it."""
        image = bytes(_changed(bytes(self._durable), _survivors(self._pending, random)))
        left = Inode(self.is_folder, image, self.modified_ns)
        if self.database is not None:
            left.database = self.database.survivor(random)
        return left


def _changed(image: bytes | bytearray, changes: list[tuple[int, bytes | None]]) -> bytes | bytearray:
    """The image with changes: itself, or where it is of bytes that others have as well, a copy."""
    if not changes:
        return image
    changed = bytearray(image) if isinstance(image, bytes) else image
    for change in changes:
        _apply(changed, change)
    return changed


def _apply(image: bytearray, change: tuple[int, bytes | None]) -> None:
    offset, data = change
    if data is None:
        del image[offset:]
        image.extend(bytes(offset - len(image)))
    elif data:
        image.extend(bytes(max(0, offset - len(image))))
        image[offset : offset + len(data)] = data


def _survivors(pending: list[tuple[int, bytes | None]], random: SeededRandom) -> list[tuple[int, bytes | None]]:
    """None, all, the first few with the last of them torn at any byte, or any of the sectors."""
    outcome = random.below(4)
    if outcome == 0 or not pending:
        return []
    if outcome == 1:
        return pending
    if outcome == 2:
        whole = random.below(len(pending))
        offset, data = pending[whole]
        torn = [] if data is None else [(offset, data[: random.below(len(data) + 1)])]
        return [*pending[:whole], *torn]
    return [sector for change in pending for sector in _sectors(change) if random.chance(0.5)]


def _sectors(change: tuple[int, bytes | None]) -> list[tuple[int, bytes | None]]:
    offset, data = change
    if data is None:
        return [change]
    sectors: list[tuple[int, bytes | None]] = []
    start = 0
    while start < len(data):
        end = start + SECTOR_SIZE - (offset + start) % SECTOR_SIZE
        sectors.append((offset + start, data[start:end]))
        start = end
    return sectors


class _Rename:
    """A change of names: `inode` goes from `old` to `new`; made where `old` is None, removed where `new` is."""

    __slots__ = ("_folders", "inode", "new", "old")

    def __init__(self, inode: Inode, old: str | None, new: str | None) -> None:
        self.inode = inode
        self.old = old
        self.new = new
        self._folders = [posixpath.dirname(path) for path in (old, new) if path is not None]

    def touches(self, folder: str) -> bool:
        return folder in self._folders

    def apply(self, names: dict[str, Inode]) -> None:
        if self.old is not None and names.get(self.old) is self.inode:
            del names[self.old]
        if self.new is None:
            return
        names[self.new] = self.inode
        if self.old is not None and self.inode.is_folder:
            for path in [path for path in names if path.startswith(self.old + "/")]:
                names[self.new + path[len(self.old) :]] = names.pop(path)


class Disk:
    """Names and contents. Paths are absolute; methods raise `OSError` as the system does."""

    def __init__(self, capacity: int = _DISK_SIZE) -> None:
        self.capacity = capacity
        self._names = {"/": Inode(is_folder=True)}
        self._durable = dict(self._names)
        self._pending: list[_Rename] = []
        self._room = _Room()

    def node(self, path: str) -> Inode:
        """The file or folder at a path."""
        inode = self._names.get(path)
        if inode is not None:
            return inode
        path = posixpath.normpath(path)
        if path in self._names:
            return self._names[path]
        while path not in self._names:
            path = posixpath.dirname(path)
        above = self._names[path]
        raise system_error(errno.ENOENT if above.is_folder else errno.ENOTDIR, path)

    def file(self, path: str) -> Inode:
        """The file at a path."""
        inode = self.node(path)
        if inode.is_folder:
            raise system_error(errno.EISDIR, path)
        return inode

    def folder(self, path: str) -> Inode:
        """The folder at a path."""
        inode = self.node(path)
        if not inode.is_folder:
            raise system_error(errno.ENOTDIR, path)
        return inode

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return path in self._names or posixpath.normpath(path) in self._names

    def make(self, path: str, is_folder: bool, modified_ns: int) -> Inode:
        """Makes an empty file or folder."""
        path = posixpath.normpath(path)
        self.folder(posixpath.dirname(path))
        if path in self._names:
            raise system_error(errno.EEXIST, path)
        inode = Inode(is_folder, modified_ns=modified_ns)
        self._change(_Rename(inode, None, path))
        return inode

    def remove(self, path: str) -> None:
        """Removes a file; an open one stays readable."""
        inode = self.file(path)
        self._change(_Rename(inode, posixpath.normpath(path), None))

    def remove_folder(self, path: str) -> None:
        """Removes an empty folder."""
        inode = self.folder(path)
        if self.names_in(path):
            raise system_error(errno.ENOTEMPTY, path)
        if path == "/":
            raise system_error(errno.EBUSY, path)
        self._change(_Rename(inode, posixpath.normpath(path), None))

    def rename(self, old: str, new: str) -> None:
        """Moves a file or folder in one step."""
        old, new = posixpath.normpath(old), posixpath.normpath(new)
        for path in (old, new):  # in the order in which Linux looks
            self.folder(posixpath.dirname(path))
        inode = self.node(old)
        if new.startswith(old + "/") or old == "/":
            raise system_error(errno.EINVAL, old)
        if old.startswith(new + "/"):
            raise system_error(errno.ENOTEMPTY, new)
        target = self._names.get(new)
        if target is inode:
            return
        if target is not None and target.is_folder:
            if not inode.is_folder:
                raise system_error(errno.EISDIR, new)
            if self.names_in(new):
                raise system_error(errno.ENOTEMPTY, new)
        elif target is not None and inode.is_folder:
            raise system_error(errno.ENOTDIR, new)
        self._change(_Rename(inode, old, new))

    def _change(self, change: _Rename) -> None:
        gone = self._names.get(change.new) if change.new is not None else change.inode
        change.apply(self._names)
        if change.old is None:
            change.inode.takes_of(self._room)
        if gone is not None:
            gone.takes_of(_NOWHERE)
        self._pending.append(change)

    def names_in(self, path: str) -> list[str]:
        """The names in a folder, sorted."""
        self.folder(path)
        folder = posixpath.normpath(path)
        start = folder if folder == "/" else folder + "/"
        within = [name[len(start) :] for name in self._names if name.startswith(start)]
        return sorted(name for name in within if name and "/" not in name)

    def sync_folder(self, path: str) -> None:
        """Makes the names in a folder durable, and with them all other changes of name of the same files."""
        self.folder(path)
        folder = posixpath.normpath(path)
        touched = {id(change.inode) for change in self._pending if change.touches(folder)}
        rest = []
        for change in self._pending:
            if id(change.inode) in touched:
                change.apply(self._durable)
            else:
                rest.append(change)
        self._pending = rest

    def write(self, inode: Inode, offset: int, data: bytes, path: str) -> None:
        """Writes; on a full disk what still fits, before it raises ENOSPC."""
        growth = offset + len(data) - len(inode.data)
        free = self.free() if growth > 0 else 0
        if growth <= free:
            inode.write(offset, data)
            return
        inode.write(offset, data[: max(0, len(data) - (growth - free))])
        raise system_error(errno.ENOSPC, path)

    def free(self) -> int:
        """Bytes that can still be written."""
        return max(0, self.capacity - self._room.used)

    def after_power_cut(self, random: SeededRandom) -> Disk:
        """A new disk with what has survived, all of it durable."""
        names = dict(self._durable)
        for change in self._surviving_changes(random):
            change.apply(names)
        disk = Disk(self.capacity)
        for path in sorted(names):  # a parent sorts before what it holds
            if path != "/" and (path.rpartition("/")[0] or "/") in disk._names:
                disk._names[path] = names[path].survivor(random)
                disk._names[path].takes_of(disk._room)
        disk._durable = dict(disk._names)
        return disk

    def _surviving_changes(self, random: SeededRandom) -> list[_Rename]:
        outcome = random.below(4)
        if outcome == 0:
            return []
        if outcome == 1:
            return self._pending
        if outcome == 2:
            return self._pending[: random.below(len(self._pending) + 1)]
        return [change for change in self._pending if random.chance(0.5)]
