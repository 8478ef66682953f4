"""What is known of earlier starts: how many there were, how the last ended, how many ended early in a row."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.storage.record import AtomicRecord
from kittiwake_components.startup_manager.states import ResetReason

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1

_LAYOUT = Struct(">QI?")  # starts, early ends in a row, whether the last start ended in order

_EARLY_MAX = 0xFFFFFFFF


class BootHistory:
    """The record of the starts, this one included once `begin` was called.

    `early_before` counts the starts in a row, up to the last one, that ended early; `boots` is `None` where there is
    no record.
    """

    def __init__(self, files: Files, path: str) -> None:
        self.path = path
        self._record = AtomicRecord(files, path, VERSION, _LAYOUT.size)
        self.boots: int | None = None
        self.early_before = 0
        self.early = 0
        self.last_reset = ResetReason.UNKNOWN

    def read(self, *, last_try: bool = False) -> tuple[Finding, ...]:
        """Reads the record; returns what was found wrong with it. Raises `ReadFailed`."""
        reading = self._record.read(last_try=last_try)
        if reading.payload is not None and len(reading.payload) == _LAYOUT.size:
            self.boots, self.early_before, was_orderly = _LAYOUT.unpack(reading.payload)
            self.last_reset = ResetReason.ORDERLY if was_orderly else ResetReason.UNEXPECTED
        return reading.findings

    def begin(self, boots: int) -> None:
        """Enters this start, number `boots`; until `forget_early` or `end` it counts as one that ends early.

        Raises `OSError`; the count in memory holds all the same.
        """
        self.boots = boots
        self.early = min(self.early_before + 1, _EARLY_MAX)
        self._save(is_orderly=False)

    def forget_early(self) -> None:
        """Ends the row of early ends, this start included. Raises `OSError`; it has ended in memory all the same."""
        self.early_before = self.early = 0
        self._save(is_orderly=False)

    def end(self, *, is_early: bool) -> None:
        """Enters an orderly end, which lengthens the row only if it `is_early`. Raises `OSError`."""
        if not is_early:
            self.early = self.early_before
        self._save(is_orderly=True)

    def _save(self, is_orderly: bool) -> None:
        self._record.write(_LAYOUT.pack(self.boots or 0, self.early, is_orderly))
