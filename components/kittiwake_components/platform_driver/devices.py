"""How devices and points are called."""

from __future__ import annotations

IDENTIFIER_SIZE = 120


def split_path(path: str) -> tuple[str, str]:
    """Device and point of a path, at its last slash. Raises `ValueError` for a path without one."""
    device, slash, point = path.strip("/").rpartition("/")
    if not slash:
        raise ValueError(f"{path!r} is no path of a point: it has no slash")
    return device.strip("/"), point
