"""The captures that the uploader knows: whose turn it is, and which go first when there is no room."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from kittiwake.int_enum import IntEnum
from kittiwake_components.transfer_service.syncing import is_unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SIDECAR = ".json"
DEFAULT_PRIORITY = 1
"""That of a sensor of which nothing is said, as in the hive's configuration."""

MAX_CAPTURES = 20_000
"""What is more waits until some have gone."""


class State(IntEnum):
    """Where a capture stands; whoever has the smaller one goes first when there is no room."""

    UPLOADED = 0
    """Acknowledged, and perhaps kept for a while."""

    QUARANTINED = 1
    """Not what its manifest says."""

    PENDING = 2

    FAILED = 3
    """Given up until RETRY."""


class Capture:
    """A finished file of a sensor. `path` counts from its output folder: `<sensor>/<date>/<host>@<date>@<time>.<ext>`.

    `output` is the name of that folder in the root; the remote knows nothing of it.

    `room` is what it takes with its sidecar, in bytes. `digest` is the acknowledged one. `due_ns` says when it is
    tried, or removed, next; `uploaded_us` is the wall time of its acknowledgement, and `since_ns` when this start came
    to know of it, or of that.
    """

    __slots__ = (
        "attempts", "digest", "due_ns", "output", "path", "room", "sensor", "since_ns", "size", "state", "uploaded_us",
    )  # fmt: skip

    def __init__(self, output: str, path: str, size: int, state: State, now_ns: int, due_ns: int) -> None:
        self.output = output
        self.path = path
        self.sensor = path.partition("/")[0]
        self.size = self.room = size
        self.state = state
        self.digest = ""
        self.attempts = self.uploaded_us = 0
        self.since_ns = now_ns
        self.due_ns = due_ns

    @property
    def name(self) -> str:
        """Its name in the root."""
        return f"{self.output}/{self.path}"

    @property
    def folder(self) -> str:
        """The name of the folder of its day in the root."""
        return posixpath.dirname(self.name)

    @property
    def stamp(self) -> tuple[str, str]:
        """What its names say of its time: it orders captures of all sensors."""
        date, name = self.path.split("/")[1:]
        return date, name.partition("@")[2] or name


def is_capture(name: str) -> bool:
    """Whether a file with a sidecar beside it is a capture, by its name: no part, manifest, or one put aside."""
    return name.isprintable() and not is_unfinished(name)


def is_day(name: str) -> bool:
    """Whether it is the name of the folder of a day."""
    parts = name.split("-")
    return name.isascii() and [len(part) for part in parts] == [4, 2, 2] and name.replace("-", "").isdecimal()


def is_path(path: str) -> bool:
    """Whether it is the path of a capture."""
    parts = path.split("/")
    return len(parts) == 3 and all(parts) and parts[0] not in (".", "..") and is_day(parts[1]) and is_capture(parts[2])


class Captures:
    """All captures. `priorities` are numbers by sensor: the higher, the more important."""

    def __init__(self) -> None:
        self.priorities: Mapping[str, int] = {}
        self.by_path: dict[str, Capture] = {}
        self.by_folder: dict[str, dict[str, Capture]] = {}
        self.folder_bytes: dict[str, int] = {}
        """What lies in the folder of each day, also what is no capture."""

    def priority(self, capture: Capture) -> int:
        """The number of its sensor."""
        return self.priorities.get(capture.sensor, DEFAULT_PRIORITY)

    def add(self, capture: Capture) -> bool:
        """Takes one in, if there is room."""
        if len(self.by_path) >= MAX_CAPTURES:
            return False
        self.by_path[capture.path] = capture
        self.by_folder.setdefault(capture.folder, {})[capture.path] = capture
        return True

    def forget(self, capture: Capture) -> None:
        """It is gone, and with it its bytes."""
        if self.by_path.pop(capture.path, None) is None:
            return
        folder = capture.folder
        left = self.by_folder[folder]
        del left[capture.path]
        if not left:
            del self.by_folder[folder]
        self.folder_bytes[folder] = max(0, self.folder_bytes.get(folder, 0) - capture.room)

    @property
    def used_bytes(self) -> int:
        """What the output folder takes, as far as it is known."""
        return sum(self.folder_bytes.values())

    def of(self, *states: State) -> Iterator[Capture]:
        """Those in the states."""
        return (capture for capture in self.by_path.values() if capture.state in states)

    def next_upload(self, now_ns: int, begun: str) -> Capture | None:
        """Whose turn it is: that which was begun, else the most important, and of those the oldest."""
        ready = [capture for capture in self.of(State.PENDING) if capture.due_ns <= now_ns]
        order = lambda capture: (capture.path != begun, -self.priority(capture), capture.stamp)  # noqa: E731
        return min(ready, key=order, default=None)

    def next_victim(self, spared: Capture | None, quota: int) -> Capture | None:
        """Which one goes first: what was uploaded, then what is no good, then the least important; the oldest of these.

        Before the least important goes what is larger than the quota on its own: it can never stay, and would take all
        others with it. The one that is under way is spared.
        """
        order = lambda capture: (  # noqa: E731
            min(capture.state, State.PENDING), not 0 < quota < capture.room,
            self.priority(capture) * (capture.state >= State.PENDING), capture.stamp,
        )  # fmt: skip
        return min((one for one in self.by_path.values() if one is not spared), key=order, default=None)
