"""Files of whoever uses the client: what goes up is read as a whole, and only so much of it."""

from __future__ import annotations

from pathlib import Path

MAX_SEQUENCE_SIZE = 4 << 20


def read_limited(path: Path, limit: int) -> bytes:
    """A file's content. Raises `OSError`, and `ValueError` for one over the limit."""
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{path}: larger than {limit} bytes")
    return content


def read_sequence(source: str | Path) -> tuple[str, str]:
    """The text of a sequence and its name. Raises `OSError`, and `ValueError` for one too large or not in UTF-8."""
    if isinstance(source, str) and ("\n" in source or not source.endswith(".seq")):
        return source, "sequence"
    path = Path(source)
    try:
        return read_limited(path, MAX_SEQUENCE_SIZE).decode(), path.name
    except UnicodeDecodeError:
        raise ValueError(f"{path}: this is not UTF-8 text") from None
