"""The newest events on the disk, over restarts: two journals that are filled in turn.

A journal's record is a batch of events. When a journal is full the older one is emptied and filled next, so that
between half of the size limit and all of it is kept.
"""

from __future__ import annotations

import posixpath
from collections import deque
from typing import TYPE_CHECKING

from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.event_batch import BATCH_SIZE_MAX, JOURNAL_VERSION, batch_events, batch_span, pack_batch
from kittiwake.storage.journal import Journal, JournalFull

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.platform.interface import Files
    from kittiwake.storage.event_batch import Kept
    from kittiwake.storage.finding import Finding


class EventRing:
    """At most `size_limit` bytes of events in `<path>.a` and `<path>.b`. Call `open` first."""

    def __init__(self, files: Files, path: str, size_limit: int) -> None:
        self._files = files
        self._path = path
        self._journals = [
            Journal(files, path + suffix, JOURNAL_VERSION, record_limit=BATCH_SIZE_MAX, size_limit=size_limit // 2)
            for suffix in (".a", ".b")
        ]
        self._counts = [0, 0]
        self._current = 0
        self._next = 0
        self._first_of_boot = 0
        self.was_opened = False
        self._is_settled = True

    def open(self) -> tuple[Finding, ...]:
        """Opens the ring, made if absent; what the first call finds counts as old.

        Returns what was wrong. Raises `OSError`.
        """
        make_folders_durably(self._files, posixpath.dirname(self._path))
        findings: list[Finding] = []
        ends = [0, 0]
        for index in (0, 1):
            found, ends[index] = self._opened(index)
            findings += found
        self._current = 0 if ends[0] >= ends[1] else 1
        self._next = max(self._next, *ends)
        if not self.was_opened:
            self._first_of_boot = self._next
            self.was_opened = True
        return tuple(findings)

    def _opened(self, index: int) -> tuple[tuple[Finding, ...], int]:
        """Opens a journal and counts its events: what was wrong, and the number after its last event."""
        spans: list[tuple[int, int]] = []
        findings = self._journals[index].open(lambda payload: spans.append(batch_span(payload)))
        self._counts[index] = sum([count for _, count in spans])
        return findings, sum(spans[-1]) if spans else 0

    @property
    def count(self) -> int:
        """How many events are kept."""
        return sum(self._counts)

    @property
    def size(self) -> int:
        """The size of both files in bytes."""
        return sum([journal.size for journal in self._journals])

    def append(self, events: Iterable[Kept], *, sync: bool) -> int:
        """Adds as many of the events as one batch takes, and says how many; durable on return with `sync`.

        Raises `OSError`: none of them is then kept.
        """
        payload, count = pack_batch(self._next, events)
        if count:
            self._append(payload, sync)
            self._counts[self._current] += count
            self._next += count
        return count

    def _append(self, payload: bytes, sync: bool) -> None:
        try:
            self._journals[self._current].append(payload, sync=sync)
        except JournalFull:
            self._turn()
            self._journals[self._current].append(payload, sync=sync)
        self._is_settled = sync

    def _turn(self) -> None:
        """Empties the older journal and makes it the current one."""
        self.sync()
        other = 1 - self._current
        self._journals[other].compact(())
        self._counts[other] = 0
        self._current = other

    def sync(self) -> None:
        """Makes all events durable. Raises `OSError`."""
        if not self._is_settled:
            self._journals[self._current].sync()
            self._is_settled = True

    def newest(self, count: int, severity: int, old_only: bool) -> list[bytes]:
        """The packets of the newest events of a severity and worse, the oldest of them first. Raises `OSError`."""
        found: deque[bytes] = deque(maxlen=count)
        for index in (1 - self._current, self._current):
            for payload in self._journals[index].records():
                if old_only and batch_span(payload)[0] >= self._first_of_boot:
                    continue
                found.extend([packet for rank, packet in batch_events(payload) if rank <= severity])
        return list(found)

    def clear_old(self) -> int:
        """Removes the events of earlier boots and says how many they were. Raises `OSError`."""
        removed = 0
        for index in (1 - self._current, self._current):
            journal = self._journals[index]
            own = [one for one in journal.records() if batch_span(one)[0] >= self._first_of_boot]
            kept = sum([batch_span(one)[1] for one in own])
            if kept < self._counts[index]:
                journal.compact(own)
                removed += self._counts[index] - kept
                self._counts[index] = kept
        return removed

    def close(self) -> None:
        """Closes both files; what was not synced is left to the system."""
        for journal in self._journals:
            journal.close()
