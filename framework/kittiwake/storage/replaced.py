"""Files in the formats of other tools (parameters, boot count), replaced in one step with the previous copy kept.

A write leaves `<path>` as it was or new, at every instant, and the last valid content before it in `<path>.prev`.
"""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from kittiwake.storage.copying import copy_file, place_file
from kittiwake.storage.finding import UNREADABLE, Finding, Reading, move_aside
from kittiwake.storage.payload import PayloadTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Files

_PREVIOUS = ".prev"


def _accept(content: bytes) -> str | None:
    """Accepts any content."""
    return None


class ReplacedFile:
    """A file of at most `limit` bytes that is replaced as a whole.

    `check` takes a content and says what is wrong with it, or `None` if it is valid.
    """

    def __init__(self, files: Files, path: str, limit: int, check: Callable[[bytes], str | None] = _accept) -> None:
        self._files = files
        self._path = path
        self._limit = limit
        self._check = check

    def read(self) -> Reading:
        """The content, or the previous one where that is bad or missing, or `None` where there is neither.

        A bad file is renamed to `.bad.<n>`; that, and the use of the previous copy, are findings. Raises `OSError`
        where the files cannot be reached at all.
        """
        content, findings = self._load(self._path)
        if content is not None:
            return Reading(content, findings)
        content, more = self._load(self._path + _PREVIOUS)
        findings = (*findings, *more)
        if content is not None:
            findings = (*findings, Finding(self._path, "is bad or missing; the previous copy is used"))
        return Reading(content, findings)

    def _load(self, path: str) -> tuple[bytes | None, tuple[Finding, ...]]:
        try:
            content = self._files.read(path, self._limit)
        except FileNotFoundError:
            return None, ()
        except OSError as error:
            if error.errno != errno.EFBIG and error.errno not in UNREADABLE:
                raise
            return None, (move_aside(self._files, path, f"cannot be read: {error.strerror}"),)
        reason = self._check(content)
        if reason is None:
            return content, ()
        return None, (move_aside(self._files, path, reason),)

    def write(self, content: bytes) -> tuple[Finding, ...]:
        """Replaces the content; on return the new one is durable, and a valid old one is the previous copy.

        Returns what was found wrong with the old content. Raises `PayloadTooLarge`, `ValueError` if `check` refuses
        the content, or `OSError`: the file then still holds the old content, or already the new one.
        """
        if len(content) > self._limit:
            raise PayloadTooLarge(self._path, len(content), self._limit)
        reason = self._check(content)
        if reason is not None:
            raise ValueError(f"{self._path}: not written, the content {reason}")
        old, findings = self._load(self._path)
        if old is not None:
            copy_file(self._files, self._path, self._path + _PREVIOUS)
        place_file(self._files, self._path, (content,))
        self._files.sync_folder(posixpath.dirname(self._path))
        return findings

    def remove(self) -> None:
        """Removes the file and its previous copy; what is missing is fine. Raises `OSError`."""
        for path in (self._path + _PREVIOUS, self._path):
            try:
                self._files.remove(path)
            except FileNotFoundError:
                continue
        self._files.sync_folder(posixpath.dirname(self._path))
