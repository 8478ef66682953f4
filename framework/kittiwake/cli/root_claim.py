"""The claim of a process on a deployment's root: two that keep their files in one would spoil each other's."""

from __future__ import annotations

from kittiwake.platform.system_claim import FolderInUse, claim_folder, release_folder

PATIENCE_S = 2.0
"""So long a process that is just ending is waited for."""


class RootInUse(ValueError):
    """Another deployment keeps its files there."""

    def __init__(self, root: str) -> None:
        super().__init__(f"another deployment keeps its files in {root}: end it, or name another folder with --root")


def claim_root(root: str) -> int:
    """Claims a folder until `release_root`, or the end of this process. Raises `RootInUse` and `OSError`."""
    try:
        return claim_folder(root, PATIENCE_S)
    except FolderInUse:
        raise RootInUse(root) from None


release_root = release_folder
