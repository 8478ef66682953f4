"""The claim of a process on a folder: two that work in one would spoil each other's work."""

from __future__ import annotations

import errno
import os

_PAUSE_S = 0.05


class FolderInUse(ValueError):
    """Another process has the claim on `folder`."""

    def __init__(self, folder: str) -> None:
        super().__init__(f"another process works in {folder}")
        self.folder = folder


def claim_folder(folder: str, patience_s: float) -> int:
    """Claims a folder until `release_folder`, or the end of this process; the file descriptor holds the claim.

    Waits up to `patience_s` for another process to give it up. Raises `FolderInUse` and `OSError`. A file system that
    knows no locks (flock(2)) is taken unclaimed.
    """
    import fcntl
    from time import monotonic, sleep

    claim = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    end_s = monotonic() + patience_s
    while True:
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            if fault.errno != errno.EWOULDBLOCK:
                return claim
            if monotonic() >= end_s:
                os.close(claim)
                raise FolderInUse(folder) from None
            sleep(_PAUSE_S)
        else:
            return claim


def release_folder(claim: int) -> None:
    """Ends a claim; -1 is none."""
    if claim >= 0:
        os.close(claim)
