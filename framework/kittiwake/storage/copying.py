"""Whole files put in place in one step: written beside, synced, renamed."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.platform.interface import File, Files

_CHUNK_SIZE = 65536


def place_file(files: Files, path: str, chunks: Iterable[bytes]) -> int:
    """Writes `<path>.new`, syncs it and renames it to `path`; the rename is durable after `sync_folder`.

    Returns the size in bytes. A `.new` that an earlier attempt has left is overwritten. Raises `OSError`, and what
    `chunks` raises; `path` is then as it was.
    """
    beside = path + ".new"
    try:
        with files.open(beside, "w") as file:
            file.truncate(0)
            position = 0
            for chunk in chunks:
                file.write_at(position, chunk)
                position += len(chunk)
            file.sync()
        files.rename(beside, path)
    except Exception:
        _discard(files, beside)
        raise
    return position


def _discard(files: Files, path: str) -> None:
    """Gives the room of a failed attempt back, if the system lets us."""
    try:
        files.remove(path)
    except OSError:
        return


def copy_file(files: Files, source: str, target: str) -> None:
    """Copies a file as `place_file` does: `target` is as it was, or a whole copy. Raises `OSError`."""
    with files.open(source, "r") as original:
        place_file(files, target, _chunks(original))


def _chunks(file: File) -> Iterable[bytes]:
    position = 0
    while chunk := file.read_at(position, _CHUNK_SIZE):
        yield chunk
        position += len(chunk)


def make_folders_durably(files: Files, path: str) -> None:
    """Makes a folder and its missing parents so that a power cut does not take them back. Raises `OSError`.

    Each is made only once those above it are durable. So of the folders that are there only the lowest can be one that
    a process has made and, killed right then, not synced; it looks like any other, and is settled in any case.
    """
    missing = []
    folder = path
    while not files.is_folder(folder) and posixpath.dirname(folder) != folder:
        missing.append(folder)
        folder = posixpath.dirname(folder)
    try:
        files.sync_folder(posixpath.dirname(folder))
    except PermissionError:
        pass  # where this process may not look, it has made nothing
    for folder in reversed(missing):
        files.make_folders(folder)
        files.sync_folder(posixpath.dirname(folder))
