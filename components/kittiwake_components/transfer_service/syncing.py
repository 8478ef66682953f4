"""What there is to bring from one side to the other."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from kittiwake.storage.streamed import PART
from kittiwake_components.transfer_service.folder_copy import MANIFEST, MAX_ENTRIES

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files

_LEFT_ALONE = (MANIFEST, PART, ".new")


def names_below(files: Files, top: str) -> list[str]:
    """The files below a folder, by their names relative to it, sorted; manifests and unfinished ones are left out.

    Raises `OSError`, also for more than `MAX_ENTRIES`.
    """
    found, waiting, seen = [], [""], 0
    while waiting:
        folder = waiting.pop()
        for entry in files.list(posixpath.join(top, folder) if folder else top):
            seen += 1
            if seen > MAX_ENTRIES:
                raise OSError(errno.EFBIG, f"there are more than {MAX_ENTRIES} files")
            name = posixpath.join(folder, entry)
            if files.is_folder(posixpath.join(top, name)):
                waiting.append(name)
            elif not is_unfinished(name):
                found.append(name)
    return sorted(found)


def is_unfinished(name: str) -> bool:
    """Whether it is the name of a part, of one put aside, or of a manifest."""
    return name.endswith(_LEFT_ALONE) or ".bad." in posixpath.basename(name)
