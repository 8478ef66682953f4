"""Files in the formats of other tools (parameters, boot count), replaced in one step with the previous copy kept.

A write leaves `<path>` as it was or new, at every instant, and the last valid content before it in `<path>.prev`.
"""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from kittiwake.storage.copying import copy_file, place_file
from kittiwake.storage.finding import Finding, NotReadYet, ReadFailed, Reading, move_aside
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
        self._is_owed = False

    def read(self, *, last_try: bool = False) -> Reading:
        """The content, or the previous one where that is bad or missing, or `None` where there is neither.

        A bad file is renamed to `.bad.<n>`; that, and the use of the previous copy, are findings. Raises `ReadFailed`
        where the medium does not give a file now: it is then left as it is, and nothing is written until a read has
        succeeded. With `last_try` such a file counts as a bad one.
        """
        self._is_owed = True
        try:
            content, findings = self._load(self._path, last_try=last_try)
        except ReadFailed as fault:
            fault.rest = self._rest()
            raise
        if content is None:
            content, more = self._load(self._path + _PREVIOUS, last_try=last_try)
            findings = (*findings, *more)
            if content is not None:
                findings = (*findings, Finding(self._path, "is bad or missing; the previous copy is used"))
        self._is_owed = False
        return Reading(content, findings)

    def _rest(self) -> bytes | None:
        """The previous copy, if it can be read and is sound; nothing is moved for that."""
        try:
            content = self._files.read(self._path + _PREVIOUS, self._limit)
        except OSError:
            return None
        return content if self._check(content) is None else None

    def _load(self, path: str, *, last_try: bool = False) -> tuple[bytes | None, tuple[Finding, ...]]:
        try:
            content = self._files.read(path, self._limit)
        except FileNotFoundError:
            return None, ()
        except OSError as fault:
            if fault.errno != errno.EFBIG and not last_try:
                raise ReadFailed(path, fault) from None
            return None, (move_aside(self._files, path, f"cannot be read: {fault.strerror}"),)
        reason = self._check(content)
        if reason is None:
            return content, ()
        return None, (move_aside(self._files, path, reason),)

    def write(self, content: bytes) -> tuple[Finding, ...]:
        """Replaces the content; on return the new one is durable, and a valid old one is the previous copy.

        Returns what was found wrong with the old content. Raises `PayloadTooLarge`, `ValueError` if `check` refuses
        the content, `NotReadYet` after a read that failed, or `OSError`: the file then still holds the old content, or
        already the new one.
        """
        if len(content) > self._limit:
            raise PayloadTooLarge(self._path, len(content), self._limit)
        reason = self._check(content)
        if reason is not None:
            raise ValueError(f"{self._path}: not written, the content {reason}")
        if self._is_owed:
            raise NotReadYet(self._path)
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
