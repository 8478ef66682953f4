"""The boot count in F´'s form: a file of 8 bytes, big-endian, with its previous copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.storage.replaced import ReplacedFile

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files

SIZE = 8

COUNT_MAX = (1 << 48) - 1
"""A larger count is no count: at one start a microsecond it would take nine years to get there."""


def _fault(content: bytes) -> str | None:
    if len(content) != SIZE:
        return f"has {len(content)} bytes, a boot count has {SIZE}"
    if int.from_bytes(content, "big") > COUNT_MAX:
        return "claims more starts than there can be"
    return None


def counted_in(files: Files, path: str) -> ReplacedFile:
    """The file at `path`. Its content is read with `parse_count` and written as `count_bytes`."""
    return ReplacedFile(files, path, SIZE, _fault)


def count_bytes(count: int) -> bytes:
    """The file's content for a count, which stays at `COUNT_MAX` once it is there."""
    return min(count, COUNT_MAX).to_bytes(SIZE, "big")


def parse_count(content: bytes) -> int:
    """The count in the file's content."""
    return int.from_bytes(content, "big")


def plausible_count(stored: int | None, known: int | None) -> tuple[int, str]:
    """The starts before this one, and what is wrong with `stored`, the file's count (empty if nothing).

    `known` is the count in the boot history, whose checksum vouches for it. The file is written first, so that it may
    be one ahead; anything else was not written by us.
    """
    if known is None:
        return stored or 0, ""
    if stored in (known, known + 1):
        assert stored is not None
        return stored, ""
    found = "is missing" if stored is None else f"says {stored}"
    return known, f"{found}, but the boot history knows {known} starts; that is used"
