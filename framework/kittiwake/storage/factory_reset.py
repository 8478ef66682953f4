"""The way back to what a deployment was delivered with: ordered by a running one, carried out before the next starts.

The order is a file in the root. It goes last, so that a reset which is cut off is carried out by the start after it.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from kittiwake.storage.copying import place_file

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.platform.interface import Files

ORDER = "factory_reset"
LIMIT_BYTES = 4096


def order(files: Files, root: str, keep: Iterable[str]) -> None:
    """Orders the reset of the files below `root`, all but those that `keep` names from there; durable on return.

    Raises `OSError`.
    """
    path = posixpath.join(root, ORDER)
    place_file(files, path, ("\n".join(keep).encode(),))
    files.sync_folder(root)


def is_ordered(files: Files, root: str) -> bool:
    """Whether a reset is to be carried out before the deployment may start."""
    return files.exists(posixpath.join(root, ORDER))


def carry_out(files: Files, root: str) -> None:
    """Removes what was not to be kept. Raises `OSError`; the order stands then, and the next start goes on."""
    path = posixpath.join(root, ORDER)
    kept = {posixpath.join(root, name.lstrip("/")) for name in files.read(path, LIMIT_BYTES).decode().splitlines()}
    _empty(files, root, kept | {path})
    files.remove(path)
    files.sync_folder(root)


def _empty(files: Files, folder: str, kept: set[str]) -> None:
    for name in files.list(folder):
        path = posixpath.join(folder, name)
        if path in kept:
            continue
        # What a link leads to may lie elsewhere and stays; the link itself goes.
        if files.is_folder(path) and files.real_path(path) == posixpath.join(files.real_path(folder), name):
            _empty(files, path, kept)
            if not files.list(path):
                files.remove_folder(path)
        else:
            files.remove(path)
    files.sync_folder(folder)
