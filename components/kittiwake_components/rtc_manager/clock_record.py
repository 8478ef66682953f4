"""What the clock's record holds: the last known time, on which boot it was known, and the alarms."""

from __future__ import annotations

from struct import Struct, error
from typing import TYPE_CHECKING

from kittiwake.storage.record import AtomicRecord

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1
MAX_ALARMS = 8

BOOT_ID = "/proc/sys/kernel/random/boot_id"
BOOT_ID_BYTES = 36

_HEAD = Struct(f">QQ?{BOOT_ID_BYTES}sHB")
_ALARM = Struct(">HQ")


class ClockRecord:
    """The record, as last read or written.

    `time_us` was the deployment's time at `known_ns` since boot `boot_id`; `is_own` if the ground had set it, so that
    the machine's clock says something else. `alarms` are times in seconds since 1970, by id; `last_id` was given last.
    """

    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self._record = AtomicRecord(files, path, VERSION, _HEAD.size + MAX_ALARMS * _ALARM.size)
        self.time_us = 0
        self.known_ns = 0
        self.boot_id = b""
        self.is_own = False
        self.alarms: dict[int, int] = {}
        self.last_id = 0

    def read(self, *, last_try: bool = False) -> tuple[Finding, ...]:
        """Reads the record and returns what was found wrong; without one, all stays at 0. Raises `OSError`."""
        reading = self._record.read(last_try=last_try)
        if reading.payload is None:
            return reading.findings
        try:
            head = _HEAD.unpack_from(reading.payload)
            self.time_us, self.known_ns, self.is_own, boot_id, self.last_id, count = head
            self.boot_id = boot_id.rstrip(b"\0")
            alarms = [_ALARM.unpack_from(reading.payload, _HEAD.size + i * _ALARM.size) for i in range(count)]
        except error:
            alarms = []  # of another format under the same version: nothing more is known
        self.alarms = dict(alarms)
        return reading.findings

    def write(self) -> None:
        """Writes the record. Raises `OSError`."""
        head = _HEAD.pack(
            self.time_us, self.known_ns, self.is_own, self.boot_id[:BOOT_ID_BYTES], self.last_id, len(self.alarms)
        )
        self._record.write(head + b"".join([_ALARM.pack(*alarm) for alarm in self.alarms.items()]))

    def present_boot_id(self) -> bytes:
        """What Linux calls this boot of the machine; empty where it does not say."""
        try:
            return self._files.read(BOOT_ID, BOOT_ID_BYTES + 1).strip()
        except OSError:
            return b""
