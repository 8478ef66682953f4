"""Paths of points: a device's path and the name of a point, `campus/b1/ahu1/Fan`."""

from __future__ import annotations

from typing import Any

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.actuator.requests import read_device, size_of

PATH_SIZE = 320
"""The longest path of a point, in bytes."""


class Point(NamedTuple):
    """A point of a device."""

    device: str
    name: str

    @property
    def path(self) -> str:
        """Both, with a slash between."""
        return f"{self.device}/{self.name}"


def read_point(topic: Any, point: Any = None) -> Point:
    """The point of a path, or of a device's path and a name. Raises `TypeError` or `ValueError`."""
    if not isinstance(topic, str) or not isinstance(point, (str, type(None))):
        raise TypeError("the path of a point is a string")
    path = topic.strip("/") if point is None else f"{topic.strip('/')}/{point}"
    # Always at the last slash: whose lock is looked at must be whose point is written.
    device, slash, name = path.rpartition("/")
    if not slash:
        raise ValueError(f"{path!r} is no path of a point: it has no slash")
    if size_of(path) > PATH_SIZE:
        raise ValueError(f"the path of a point has at most {PATH_SIZE} bytes")
    return Point(read_device(device), name)
