"""What a reader found wrong on the disk, and where it keeps the evidence: nothing is reset in silence."""

from __future__ import annotations

import errno
import posixpath
from typing import TYPE_CHECKING

from kittiwake.storage.copying import copy_file

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files

KEPT_MAX = 4


class Finding:
    """One fault of one file: for the component to report by event.

    `path` is the file, `reason` says what is wrong with it, `kept_as` is where a copy of it stands, or `None` if
    there was nothing to keep or keeping it failed.
    """

    __slots__ = ("kept_as", "path", "reason")

    def __init__(self, path: str, reason: str, kept_as: str | None = None) -> None:
        self.path = path
        self.reason = reason
        self.kept_as = kept_as

    @property
    def detail(self) -> str:
        """What is wrong and where the evidence is, without the path."""
        # Beside the file, so that its name is enough; where the root lies is nothing that the ground knows.
        return self.reason if self.kept_as is None else f"{self.reason} (kept as {posixpath.basename(self.kept_as)})"

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}"

    def __repr__(self) -> str:
        return f"Finding({str(self)!r})"


class Reading:
    """What was read: `payload`, or `None` if there is none, the `findings` met on the way, and the `version` stored."""

    __slots__ = ("findings", "payload", "version")

    def __init__(self, payload: bytes | None, findings: tuple[Finding, ...], version: int = 0) -> None:
        self.payload = payload
        self.findings = findings
        self.version = version


class ReadFailed(OSError):
    """A file that is there cannot be read now, which is no proof that it is bad: it is left where it stands.

    `rest` is the newest payload that could be read beside it; that may be an older one. `None` if there is none.
    """

    def __init__(self, path: str, fault: OSError, rest: bytes | None = None) -> None:
        super().__init__(fault.errno or errno.EIO, fault.strerror or str(fault), path)
        self.rest = rest


class NotReadYet(OSError):
    """A write was refused: what stands there was to be read, could not be, and would be lost."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EBUSY, "not written: what it holds could not be read yet", path)


def move_aside(files: Files, path: str, reason: str) -> Finding:
    """Renames a bad file to `<path>.bad.<n>`; where that fails, the finding says so and the file stays.

    The new name is durable with the next `sync_folder`: a power cut before it only brings the bad file back.
    """
    try:
        kept_as = _free_name(files, path)
        files.rename(path, kept_as)
    except OSError as error:
        return Finding(path, f"{reason}; could not be kept aside: {error.strerror}")
    return Finding(path, reason, kept_as)


def copy_aside(files: Files, path: str, reason: str) -> Finding:
    """Copies a partly bad file to `<path>.bad.<n>`; where that fails, the finding says so."""
    try:
        kept_as = _free_name(files, path)
        copy_file(files, path, kept_as)
        files.sync_folder(posixpath.dirname(path))
    except OSError as error:
        return Finding(path, f"{reason}; could not be kept aside: {error.strerror}")
    return Finding(path, reason, kept_as)


def _free_name(files: Files, path: str) -> str:
    """The next `.bad.<n>`, with the oldest of `KEPT_MAX` dropped to make room."""
    folder, base = posixpath.split(path)
    prefix = base + ".bad."
    numbers = [name[len(prefix) :] for name in files.list(folder) if name.startswith(prefix)]
    kept = sorted(int(number) for number in numbers if number.isdecimal() and number.isascii())
    for number in kept[: max(0, len(kept) - KEPT_MAX + 1)]:
        files.remove(f"{path}.bad.{number}")
    return f"{path}.bad.{kept[-1] + 1 if kept else 0}"
