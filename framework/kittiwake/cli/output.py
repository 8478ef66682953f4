"""What a sub-command writes: files whole or not at all, and the terminal where no file is named."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Has system errors that name no file, as of a disk that is full, name this one."""
    try:
        yield
    except OSError as fault:
        fault.filename = fault.filename or str(path)
        raise


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file and makes its folder; until it is whole, what stood there stays. Raises `OSError`."""
    if path.is_dir():
        raise IsADirectoryError(21, os.strerror(21), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.part")
    try:
        with naming(path):
            partial.write_bytes(content)
            partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def put_text(text: str, path: Path | None) -> None:
    """Writes text to a file and prints the file's name, or prints the text. Raises `OSError`."""
    if path is None:
        sys.stdout.write(text)
    else:
        write_whole(path, text.encode())
        print(path)
