"""The bounded queue between those who have something to archive and the thread that writes it.

To put something in never waits unless asked to. What finds the queue full is refused, counted, and the count goes to
the archive as a loss, so that history shows the gap. Samples and raw frames, which come in masses, are refused first:
room is reserved for commands, events and files.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_ground.archive.recorder import Recorder

RESERVE = 20_000
"""Items that are taken beyond the capacity if they are not masses."""

BATCH = 50_000
"""Items after which a transaction takes no more, and waits no longer."""


class Entry(NamedTuple):
    """Something to be written: the deployment, the kind of thing, how many items it is, and what writes them."""

    deployment: str
    what: str
    size: int
    write: Callable[[Recorder], None]


class Taken(NamedTuple):
    """What the writer takes at once: the entries, the losses since, and the number of the last entry."""

    entries: list[Entry]
    losses: dict[tuple[str, str], int]
    number: int


class Intake:
    """The queue. Safe to use from any thread."""

    def __init__(self, capacity: int, interval_s: float) -> None:
        """`capacity` in items; `interval_s` is the longest that an item waits for more to come."""
        self._capacity = capacity
        self._interval_s = interval_s
        self._changed = threading.Condition()
        self._entries: list[Entry] = []
        self._losses: dict[tuple[str, str], int] = {}
        self._waiting = 0
        self._taken = 0
        self._number = 0
        self._written = 0
        self._wanted = 0
        self._woken = False
        self._closed = False
        self._first_s = 0.0
        self.dropped = 0

    @property
    def queued(self) -> int:
        """Items that wait, or are being written."""
        return self._waiting + self._taken

    @property
    def half_full(self) -> bool:
        """Whether as much waits that whoever can should pause."""
        return self.queued > self._capacity // 2

    def put(self, entry: Entry, reserved: bool, wait_s: float = 0.0) -> bool:
        """Takes an entry, or counts its items as lost and gives `False`; `wait_s` is how long to wait for room.

        Raises `ValueError` once the queue is closed.
        """
        limit = self._capacity + (RESERVE if reserved else 0)
        with self._changed:
            # A batch that is larger than the whole queue goes in when the queue is empty.
            if wait_s > 0:
                self._changed.wait_for(lambda: self._closed or self._has_room(entry.size, limit), wait_s)
            if self._closed:
                raise ValueError("the archive is closed")
            if not self._has_room(entry.size, limit):
                key = (entry.deployment, entry.what)
                self._losses[key] = self._losses.get(key, 0) + entry.size
                self.dropped += entry.size
                self._number += 1
                return False
            if not self._entries:
                self._first_s = time.monotonic()
            self._entries.append(entry)
            self._waiting += entry.size
            self._number += 1
            if self._waiting >= BATCH or len(self._entries) == 1:
                self._changed.notify_all()
            return True

    def _has_room(self, count: int, limit: int) -> bool:
        queued = self._waiting + self._taken
        return queued == 0 or queued + count <= limit

    def take(self, timeout_s: float) -> Taken:
        """The writer takes what is due, waiting up to `timeout_s` for it; without entries if nothing is."""
        until_s = time.monotonic() + timeout_s
        with self._changed:
            while not self._due():
                left_s = until_s - time.monotonic()
                if left_s <= 0 or self._woken:
                    self._woken = False
                    return Taken([], {}, 0)
                if self._entries:
                    left_s = min(left_s, self._first_s + self._interval_s - time.monotonic())
                self._changed.wait(max(left_s, 0.0))
            items = 0
            number = 0
            while number < len(self._entries) and items < BATCH:
                items += self._entries[number].size
                number += 1
            entries = self._entries[:number]
            del self._entries[:number]
            self._waiting -= items
            self._taken = items
            losses, self._losses = self._losses, {}
            return Taken(entries, losses, self._number - len(self._entries))

    def _due(self) -> bool:
        hurry = self._written < self._wanted
        if not self._entries:
            return self._closed or (hurry and bool(self._losses))
        if hurry or self._closed or self._waiting >= BATCH:
            return True
        return time.monotonic() >= self._first_s + self._interval_s

    def done(self, number: int) -> None:
        """The writer says that what it took, up to that number, is written."""
        with self._changed:
            self._taken = 0
            self._written = max(self._written, number)
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Waits until all that is in the queue now is written; `False` if that took longer than `timeout_s`."""
        with self._changed:
            number = self._number
            self._wanted = max(self._wanted, number)
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._written >= number, timeout_s)

    def wake(self) -> None:
        """Has the writer look around, though nothing may be due."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nothing more is taken."""
        return self._closed

    def close(self) -> None:
        """Takes nothing more; what is there is still to be written."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
