"""The durable sequence numbers of one link: for each key the number from which a next start begins."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.record import AtomicRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1
MAX_COUNTERS = 128
"""The most keys whose counters are kept, those that are no longer in use included."""

_HEAD = Struct(">IH")
_ENTRY = Struct(">HI")
_NO_SELECTION = 0xFFFFFFFF


class StoredCounters(NamedTuple):
    """What was read: numbers by SPI, the key that was selected if one was, and what was found wrong with the record.

    With `is_damaged` the numbers may be those of the last write but one, behind what has been accepted since.
    """

    numbers: dict[int, int]
    selected: int | None
    is_damaged: bool
    findings: tuple[Finding, ...]


class CounterStore:
    """An atomic record at `path` (`.a`, `.b`): selection U32, count U16, then SPI U16 and number U32 of each key."""

    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self._path = path
        self._record = AtomicRecord(files, path, VERSION, _HEAD.size + MAX_COUNTERS * _ENTRY.size)

    def read(self, *, last_try: bool = False) -> StoredCounters:
        """What is stored, nothing if nothing valid is. Raises `OSError` where the files cannot be reached."""
        reading = self._record.read(last_try=last_try)
        # Both slots are there from the first on; one that is missing was kept aside by a start that then ended early.
        slots = [self._files.exists(f"{self._path}.{slot}") for slot in "ab"]
        is_damaged = bool(reading.findings) or any(slots) != all(slots)
        payload = reading.payload
        if payload is None or len(payload) < _HEAD.size:
            return StoredCounters({}, None, is_damaged, reading.findings)
        selected, count = _HEAD.unpack_from(payload)
        entries = payload[_HEAD.size : _HEAD.size + count * _ENTRY.size]
        numbers: dict[int, int] = dict(_ENTRY.iter_unpack(entries))
        return StoredCounters(numbers, None if selected == _NO_SELECTION else selected, is_damaged, reading.findings)

    def write(self, numbers: Mapping[int, int], selected: int | None, *, both: bool = False) -> None:
        """Makes numbers and selection durable, all or none. Raises `OSError`; the old ones or the new then stand.

        With `both` they stand in both slots, so that damage to either does not bring old ones back.
        """
        newest = list(numbers.items())[-MAX_COUNTERS:]
        head = _HEAD.pack(_NO_SELECTION if selected is None else selected, len(newest))
        payload = head + b"".join([_ENTRY.pack(spi, number) for spi, number in newest])
        for _ in range(1 + both):
            self._record.write(payload)
