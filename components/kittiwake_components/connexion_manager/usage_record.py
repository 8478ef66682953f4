"""What the connexion manager keeps over restarts: how long there was no contact, and the volume that was used."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.record import AtomicRecord
from kittiwake_components.ports.bearer import BEARERS

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1
COUNT_MAX = (1 << 64) - 1
_LAYOUT = Struct(f">Q{BEARERS}Q")


class Usage(NamedTuple):
    """`silence_us` is how long there was no contact while the device was awake; `volume_bytes` counts by bearer."""

    silence_us: int = 0
    volume_bytes: tuple[int, ...] = (0,) * BEARERS


class UsageRecord:
    """The record at `path`; methods raise `OSError`."""

    def __init__(self, files: Files, path: str) -> None:
        self._record = AtomicRecord(files, path, VERSION, _LAYOUT.size)

    def read(self, *, last_try: bool = False) -> tuple[Usage, tuple[Finding, ...]]:
        """What was saved, zeros if nothing valid was, and what was found wrong."""
        reading = self._record.read(last_try=last_try)
        if reading.payload is None or len(reading.payload) != _LAYOUT.size:
            return Usage(), reading.findings
        silence_us, *volume = _LAYOUT.unpack(reading.payload)
        return Usage(silence_us, tuple(volume)), reading.findings

    def write(self, usage: Usage) -> None:
        """Saves; durable on return."""
        self._record.write(_LAYOUT.pack(min(usage.silence_us, COUNT_MAX), *usage.volume_bytes))
