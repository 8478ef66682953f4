"""A sensor's file: it grows as `.part`, and gets its name when it is whole and described.

    host@2026-11-27@08-00-00.wav.part     while it is recorded
    host@2026-11-27@08-00-00.wav.json     its description, with its SHA-256: written once the part is on the medium
    host@2026-11-27@08-00-00.wav          the part renamed, once the description is on the medium

So whoever sees the name sees a whole file, and its description. A part that a killed process has left is published if
its description was written and is true of it; else it is half a recording, and removed.
"""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.copying import make_folders_durably, place_file
from kittiwake.storage.streamed import PART, StreamedFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kittiwake.platform.interface import File, Files

SIDECAR = ".json"
MAX_SIZE = 1 << 32
"""The most bytes of a recording: what a WAV file can count."""

MAX_SIDECAR = 65536
_FOLDERS = 31
"""Parts are looked for in the newest folders: each process begins with that, so the last part is in one of the last."""

_PIECE = 65536


class Recording:
    """One file on its way, with as much of a file object as `wave` and its like need."""

    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self.path = path
        self._part = StreamedFile(files, path, MAX_SIZE)
        self._position = 0

    def start(self) -> None:
        """Begins. Raises `FileExistsError` where a recording of that name is, and `OSError`."""
        if self._files.exists(self.path):
            raise FileExistsError(errno.EEXIST, "there is a recording of that name", self.path)
        make_folders_durably(self._files, posixpath.dirname(self.path))
        self._part.start()

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Writes all of it at the position. Raises `OSError`."""
        self._part.write_at(self._position, bytes(data))
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        """The position."""
        return self._position

    def seek(self, offset: int, whence: int = 0) -> int:
        """Moves the position, from the beginning (0), from where it is (1) or from the end (2)."""
        base = (0, self._position, self._part.size() if whence == 2 else 0)[whence]
        self._position = max(0, base + offset)
        return self._position

    def flush(self) -> None:
        """Nothing: what is written is not held back."""

    def close(self) -> None:
        """Nothing: it is closed by whoever publishes it."""

    def publish(self, description: Mapping[str, Any]) -> tuple[int, str]:
        """Gives it its name, with a description; its size in bytes and SHA-256, once both are durable.

        Raises `OSError`: it then has no name.
        """
        import json

        self._part.sync()
        size, digest = self._part.size(), _digest(self._part)
        content = json.dumps({**description, "sha256": digest, "bytes": size}, indent=1).encode() + b"\n"
        place_file(self._files, self.path + SIDECAR, (content,))
        self._files.sync_folder(posixpath.dirname(self.path))
        self._part.finish()
        return size, digest

    def discard(self) -> None:
        """Throws away what there is. Raises `OSError`."""
        self._part.suspend()
        _remove_part(self._files, self.path)


class Leftover(NamedTuple):
    """A part that a process has left: published (size in bytes, SHA-256), or thrown away (-1, empty)."""

    path: str
    size: int = -1
    sha256: str = ""


def settle_leftovers(files: Files, folder: str) -> Iterator[Leftover]:
    """Publishes or removes the parts in the folders of a sensor's days. Raises `OSError`.

    No other process may record there meanwhile.
    """
    if not files.is_folder(folder):
        return
    for day in files.list(folder)[-_FOLDERS:]:
        inside = posixpath.join(folder, day)
        for name in files.list(inside) if files.is_folder(inside) else ():
            path = posixpath.join(inside, name)
            if name.endswith(SIDECAR + ".new"):
                files.remove(path)
            elif name.endswith(PART):
                yield _settle(files, path.removesuffix(PART))


def _settle(files: Files, path: str) -> Leftover:
    described = _described(files, path)
    if described is None or files.exists(path):
        _remove_part(files, path)
        return Leftover(path)
    part = StreamedFile(files, path, MAX_SIZE)
    part.resume()
    if (part.size(), _digest(part)) != described:
        part.suspend()
        _remove_part(files, path)
        return Leftover(path)
    files.sync_folder(posixpath.dirname(path))
    part.finish()
    return Leftover(path, *described)


def _described(files: Files, path: str) -> tuple[int, str] | None:
    """Size and SHA-256 that the description of a recording says, if there is one."""
    import json

    try:
        description = json.loads(files.read(path + SIDECAR, MAX_SIDECAR))
        return int(description["bytes"]), str(description["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remove_part(files: Files, path: str) -> None:
    """Removes a part; before it a description that was to be of it, so that none is left alone."""
    gone = [path + PART] if files.exists(path) else [path + SIDECAR, path + PART]
    for name in gone:
        try:
            files.remove(name)
        except FileNotFoundError:
            continue
    files.sync_folder(posixpath.dirname(path))


def _digest(part: StreamedFile | File) -> str:
    from hashlib import sha256

    digest = sha256()
    position = 0
    while piece := part.read_at(position, _PIECE):
        digest.update(piece)
        position += len(piece)
    return digest.hexdigest()
