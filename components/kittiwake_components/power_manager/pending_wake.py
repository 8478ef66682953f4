"""What was planned before the last sleep, kept for the start after it; and which sleeps were told already."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.record import AtomicRecord

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1
_LAYOUT = Struct(">QII")


class Plan(NamedTuple):
    """The wake that was asked for: when, on the wall clock, and after how many seconds.

    `told_wake` is the power unit's number of the last awake time whose sleep before was told.
    """

    wake_us: int = 0
    sleep_s: int = 0
    told_wake: int = 0


class PendingWake:
    """The record of the plan; methods raise `OSError`."""

    def __init__(self, files: Files, path: str) -> None:
        self._record = AtomicRecord(files, path, VERSION, _LAYOUT.size)

    def read(self, *, last_try: bool = False) -> tuple[Plan | None, tuple[Finding, ...]]:
        """The last plan, or `None`, and what was found wrong."""
        reading = self._record.read(last_try=last_try)
        if reading.payload is None or len(reading.payload) != _LAYOUT.size:
            return None, reading.findings
        return Plan(*_LAYOUT.unpack(reading.payload)), reading.findings

    def write(self, plan: Plan) -> None:
        """Keeps a plan."""
        self._record.write(_LAYOUT.pack(*plan))
