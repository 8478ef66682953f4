"""The claim of a process on a deployment's root: two that keep their files in one would spoil each other's."""

from __future__ import annotations

import errno

PATIENCE_S = 2.0
"""So long a process that is just ending is waited for."""

_PAUSE_S = 0.05


class RootInUse(ValueError):
    """Another deployment keeps its files there."""

    def __init__(self, root: str) -> None:
        super().__init__(f"another deployment keeps its files in {root}: end it, or name another folder with --root")


def claim_root(root: str) -> int:
    """Claims a folder until `release_root`, or the end of this process; the file descriptor holds the claim.

    Raises `RootInUse` and `OSError`. A file system that knows no locks (flock(2)) is taken unclaimed.
    """
    import fcntl
    import os
    from time import monotonic, sleep

    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    end_s = monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as fault:
            if fault.errno != errno.EWOULDBLOCK:
                return folder
            if monotonic() >= end_s:
                os.close(folder)
                raise RootInUse(root) from None
            sleep(_PAUSE_S)
        else:
            return folder


def release_root(claim: int) -> None:
    """Ends a claim; -1 is none."""
    if claim >= 0:
        import os

        os.close(claim)
