"""The quiescence: how much of it has passed, over all starts, by the clock since boot alone."""

from __future__ import annotations

import posixpath
from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.model.fw import TimeValue
from kittiwake.model.types import WireError, wire_type
from kittiwake.storage.record import AtomicRecord
from kittiwake.storage.replaced import ReplacedFile
from kittiwake.wire.time_tag import BASE_SHIFT, MICROSECONDS_MASK, TAG_SIZE, unpack_tag
from kittiwake_components.deployment_time import NO_TIME
from kittiwake_components.save_schedule import SaveSchedule

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1

LONGEST_SAVE_INTERVAL_S = 60
"""At most so much of a start is not counted after a kill; of a short one about half."""

IMPORTED = ".imported"

_TIME = wire_type(TimeValue)
_ELAPSED = Struct(">Q")
_PAYLOAD_SIZE = _ELAPSED.size + TAG_SIZE


def _fault_in(content: bytes) -> str | None:
    try:
        unpack_tag(content)
    except WireError as fault:
        return str(fault)
    return None


class Quiescence:
    """The time that has passed, in microseconds; wall-clock steps change nothing about it.

    `end` is when it was over, `NO_TIME` while it was not; it is a label and decides nothing. `is_open` says whether
    the record was read, `imported_us` what an F´ file had to say, or `None`; `findings` collects what was found wrong.
    """

    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self.path = path
        self._record = AtomicRecord(files, path, VERSION, _PAYLOAD_SIZE)
        self._original = ReplacedFile(files, path, TAG_SIZE, _fault_in)
        self._before_us = 0
        self._began_ns = 0
        self._schedule = SaveSchedule(LONGEST_SAVE_INTERVAL_S)
        self.end = NO_TIME
        self.imported_us: int | None = None
        self.is_open = False
        self.findings: list[Finding] = []

    def begin(self, now_ns: int) -> None:
        """Counts from `now_ns` since boot; what passed in earlier starts is 0 until `open` was called."""
        self._began_ns = now_ns
        self._schedule.begin(now_ns)

    def open(self, time_base: int, began_us: int, *, last_try: bool = False) -> None:
        """Reads the record, or makes it if there is none.

        Without a record the F´ file of 11 bytes at the record's own name is imported once: the deployment's time when
        this start began, `began_us` in `time_base`, less the time in the file, is what has passed. Raises `OSError`,
        `ReadFailed` among them.
        """
        reading = self._record.read(last_try=last_try)
        self.findings += reading.findings
        if reading.payload is not None and len(reading.payload) == _PAYLOAD_SIZE:
            self._before_us = _ELAPSED.unpack_from(reading.payload)[0]
            try:
                self.end = _TIME.unpack(reading.payload, _ELAPSED.size)[0]
            except WireError:
                self.end = NO_TIME
        else:
            self._import(time_base, began_us, last_try=last_try)
            self._write(self._before_us)
        self.is_open = True
        if self._files.exists(self.path):
            self._files.rename(self.path, self.path + IMPORTED)
            self._files.sync_folder(posixpath.dirname(self.path))

    def _import(self, time_base: int, began_us: int, *, last_try: bool) -> None:
        reading = self._original.read(last_try=last_try)
        self.findings += reading.findings
        if reading.payload is None:
            return
        start = unpack_tag(reading.payload)
        self.imported_us = 0
        if start >> BASE_SHIFT == time_base:
            self.imported_us = max(began_us - (start & MICROSECONDS_MASK), 0)
        self._before_us = self.imported_us

    def elapsed_us(self, now_ns: int) -> int:
        """What has passed, in all starts."""
        return self._before_us + (now_ns - self._began_ns) // 1000

    def add(self, passed_us: int) -> None:
        """Counts time that passed while this program did not run."""
        self._before_us += passed_us

    def is_save_due(self, now_ns: int) -> bool:
        """True once at 1, 3, 7, ... seconds of this start, and later once a minute."""
        return self._schedule.is_due(now_ns)

    def save(self, now_ns: int) -> None:
        """Saves what has passed. Raises `OSError`."""
        self._write(self.elapsed_us(now_ns))

    def reset(self, now_ns: int) -> None:
        """Begins the quiescence anew. Raises `OSError`; it begins anew in memory all the same."""
        self._before_us = 0
        self.end = NO_TIME
        self.begin(now_ns)
        if not self.is_open:
            self._record.read(last_try=True)  # it counts no more, whatever it is
        self._write(0)
        self.is_open = True

    def _write(self, elapsed_us: int) -> None:
        self._record.write(_ELAPSED.pack(elapsed_us) + _TIME.pack(self.end))
