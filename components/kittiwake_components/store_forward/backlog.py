"""Packets on the disk that wait for the link, the oldest first: numbered segments, and how far the first was sent.

A segment is a journal with a packet in each record. Packets are added to the newest segment and taken from the oldest.
One that is being taken from is added to no more; once all of it has gone it is removed. The position is an atomic
record: number of the oldest segment U64, packets of it that have gone U32.
"""

from __future__ import annotations

import posixpath
from collections import deque
from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.storage.copying import make_folders_durably
from kittiwake.storage.journal import Journal, JournalFull
from kittiwake.storage.recall import Recall
from kittiwake.storage.record import AtomicRecord

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding
    from kittiwake.storage.recall import BootClock

VERSION = 1
PACKET_SIZE_MAX = 4096
SEGMENTS_MAX = 1000
_POSITION = Struct(">QI")
PATIENCE_S = 30
"""For so long a segment that cannot be read holds up those after it."""
_DIGITS = 8


class Backlog:
    """At most `quota` bytes in segments of `segment_bytes`. Call `open` first; every method may raise `OSError`."""

    def __init__(self, files: Files, clock: BootClock, folder: str, segment_bytes: int, quota: int) -> None:
        self._files = files
        self._clock = clock
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._quota = quota
        self._record = AtomicRecord(files, posixpath.join(folder, "position"), VERSION, _POSITION.size)
        self._position = Recall(clock, self._read_position, PATIENCE_S)
        self._first = 0
        self._findings: tuple[Finding, ...] = ()
        self._reading: tuple[int, Recall] | None = None
        self._packets: list[bytes] = []
        self._counts: dict[int, int] = {}
        self._sizes: dict[int, int] = {}
        self._newest: Journal | None = None
        self._newest_number = 0
        self._gone = 0
        self._lent = 0
        self._loaded: list[bytes] | None = None
        self._owed: deque[int] = deque()
        self._is_settled = True
        self._is_placed = True
        self.dropped = 0

    def open(self) -> tuple[Finding, ...]:
        """Reads the folder, made if absent, and returns what was wrong."""
        make_folders_durably(self._files, self._folder)
        self._position.ensure()
        first, gone, findings = self._first, self._gone, [*self._findings]
        self.close()
        self._counts, self._sizes, self._loaded = {}, {}, None
        for number in self._numbers():
            if number < first:
                self._files.remove(self._path(number))
                continue
            self.close()
            self._newest, self._newest_number = self._journal(number), number
            findings += self._newest.open()
            self._counts[number] = sum([1 for _ in self._newest.records()])
            self._sizes[number] = self._newest.size
        self._newest_number = max(first, self._newest_number)
        self._gone = min(gone, self._counts.get(first, 0))
        return tuple(findings)

    def _read_position(self, last_try: bool) -> None:
        reading = self._record.read(last_try=last_try)
        self._findings = reading.findings
        if reading.payload is not None:
            self._first, self._gone = _POSITION.unpack(reading.payload)

    def _numbers(self) -> list[int]:
        names = self._files.list(self._folder)
        return sorted(int(name) for name in names if len(name) == _DIGITS and name.isdecimal() and name.isascii())

    def _path(self, number: int) -> str:
        return posixpath.join(self._folder, f"{number:0{_DIGITS}}")

    def _journal(self, number: int) -> Journal:
        return Journal(
            self._files, self._path(number), VERSION, record_limit=PACKET_SIZE_MAX, size_limit=self._segment_bytes
        )

    @property
    def count(self) -> int:
        """How many packets wait."""
        return sum(self._counts.values()) - self._gone

    @property
    def size(self) -> int:
        """The bytes of all segments."""
        return sum(self._sizes.values())

    def append(self, packet: bytes) -> None:
        """Adds a packet, durable after the next `sync`; the oldest segment goes where there is no room."""
        try:
            self._opened().append(packet, sync=False)
        except JournalFull:
            self._seal()
            self._opened().append(packet, sync=False)
        self._counts[self._newest_number] += 1
        self._sizes[self._newest_number] = self._opened().size
        self._is_settled = False

    def _opened(self) -> Journal:
        if self._newest is None:
            while self._counts and (
                self.size + self._segment_bytes > self._quota or len(self._counts) >= SEGMENTS_MAX
            ):  # fmt: skip
                self._drop_oldest()
            number = self._newest_number + 1
            journal = self._journal(number)
            journal.open()
            self._newest, self._newest_number = journal, number
            self._counts[number], self._sizes[number] = 0, journal.size
        return self._newest

    def _seal(self) -> None:
        """Ends the newest segment: what comes next goes into a new one."""
        if self._newest is not None:
            if not self._is_settled:
                self._newest.sync()
                self._is_settled = True
            self._newest.close()
            self._newest = None

    def _drop_oldest(self) -> None:
        oldest = min(self._counts)
        self.dropped += self._counts[oldest] - self._gone
        self._remove_oldest()

    def _remove_oldest(self) -> None:
        oldest = min(self._counts)
        self._files.remove(self._path(oldest))
        del self._counts[oldest], self._sizes[oldest]
        self._gone = 0
        self._loaded = None
        self._is_placed = False

    # Sending

    def lend(self) -> bytes | None:
        """The oldest packet that was not lent yet; it waits on until `take` says that it has gone.

        `None` while there is none, and while packets of the segment before are still under way. A segment that cannot
        be read raises `OSError`, and after `PATIENCE_S` counts as dropped.
        """
        loaded = self._load()
        if len(loaded) <= self._lent:
            return None
        packet = loaded[self._lent]
        self._lent += 1
        self._owed.append(min(self._counts))
        return packet

    def _load(self) -> list[bytes]:
        """The packets of the oldest segment that has one to send."""
        while self._loaded is None and self._counts:
            oldest = min(self._counts)
            if oldest == self._newest_number:
                self._seal()
            loaded = self._read(oldest) if self._counts[oldest] > self._gone else []
            self.dropped += max(self._counts[oldest] - max(len(loaded), self._gone), 0)
            if len(loaded) <= self._gone:
                self._remove_oldest()
                continue
            self._counts[oldest] = len(loaded)
            self._loaded, self._lent = loaded, self._gone
        return self._loaded or []

    @property
    def owed(self) -> int:
        """How many packets were lent and have not gone yet."""
        return len(self._owed)

    def take(self, count: int) -> int:
        """The oldest `count` lent packets have gone; a segment goes with the last of its own. Says how many they were.

        Those whose segment was dropped meanwhile count for nothing any more.
        """
        gone = 0
        while gone < count and self._owed:
            gone += 1
            number = self._owed.popleft()
            if self._loaded is not None and number == min(self._counts):
                self._gone += 1
                self._is_placed = False
                if self._gone == len(self._loaded):
                    self._remove_oldest()
        return gone

    def _read(self, number: int) -> list[bytes]:
        if self._reading is None or self._reading[0] != number:
            recall = Recall(self._clock, lambda last_try: self._read_segment(number, last_try), PATIENCE_S)
            self._reading = number, recall
        self._reading[1].ensure()
        self._reading = None
        packets, self._packets = self._packets, []
        return packets

    def _read_segment(self, number: int, last_try: bool) -> None:
        """Its packets; on the last try what stands before the place that the medium does not give."""
        journal = self._journal(number)
        self._packets = []
        try:
            journal.open()
            for packet in journal.records():
                self._packets.append(packet)
        except OSError:
            if not last_try:
                raise
        finally:
            journal.close()

    def clear(self) -> int:
        """Removes everything and says how many packets that were."""
        count = self.count
        self._seal()
        while self._counts:
            self._remove_oldest()
        self.sync()
        return count

    def sync(self) -> None:
        """Makes what was added durable, and how far was sent."""
        if not self._is_settled and self._newest is not None:
            self._newest.sync()
            self._is_settled = True
        if not self._is_placed:
            first = min(self._counts, default=self._newest_number + 1)
            self._record.write(_POSITION.pack(first, self._gone))
            self._is_placed = True

    def close(self) -> None:
        """Closes the newest segment; what was not synced is left to the system."""
        if self._newest is not None:
            self._newest.close()
            self._newest = None
