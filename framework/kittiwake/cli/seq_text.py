"""The files that the `seq` sub-commands read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILE_SIZE = 64 * 1024 * 1024
"""The largest sequence file, text or binary, in bytes."""


def read_bytes(path: Path) -> bytes:
    """A file's content. Raises `OSError`, and `ValueError` for one over the limit."""
    with path.open("rb") as file:
        content = file.read(MAX_FILE_SIZE + 1)
    if len(content) > MAX_FILE_SIZE:
        raise ValueError(f"{path}: larger than {MAX_FILE_SIZE} bytes")
    return content


def read_text(path: Path) -> str:
    """A text file's content. Raises `OSError`, and `ValueError` for one over the limit or not in UTF-8."""
    content = read_bytes(path)
    try:
        return content.decode().removeprefix("\ufeff")  # a byte order mark, which some editors write and none shows
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        column = fault.start - content.rfind(b"\n", 0, fault.start)
        raise ValueError(f"{path}:{line}:{column}: this is not UTF-8 text") from None
