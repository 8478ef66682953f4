"""What is known of the mode over restarts: one small record, replaced as a whole."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.record import AtomicRecord
from kittiwake_components.ports.mode import SafeModeReason, SystemMode

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 2
READABLE = (1,)
"""Version 1 did not say who wanted the mode: nobody, then."""

COUNT_MAX = 0xFFFFFFFF

_LAYOUT = Struct(">BB?IIQ?")


class ModeState(NamedTuple):
    """The mode, why it is safe, and what is counted.

    `is_clean` says that the end of the start was announced; `silence_us` is how long no authenticated traffic came;
    `is_wanted` says that another component wanted the hibernation in force, and may take that back.
    """

    mode: SystemMode = SystemMode.NORMAL
    reason: SafeModeReason = SafeModeReason.NONE
    is_clean: bool = True
    entries: int = 0
    unintended: int = 0
    silence_us: int = 0
    is_wanted: bool = False


class ModeRecord:
    """The record at `path`."""

    def __init__(self, files: Files, path: str) -> None:
        self._record = AtomicRecord(files, path, VERSION, _LAYOUT.size, READABLE)

    def read(self, *, last_try: bool = False) -> tuple[ModeState | None, tuple[Finding, ...]]:
        """What was saved, or `None` if nothing valid was, and what was found wrong. Raises `OSError`."""
        reading = self._record.read(last_try=last_try)
        payload = reading.payload
        if payload is not None and reading.version in READABLE:
            payload += bytes(1)
        if payload is None or len(payload) != _LAYOUT.size:
            return None, reading.findings
        mode, reason, *rest = _LAYOUT.unpack(payload)
        try:
            return ModeState(SystemMode(mode), SafeModeReason(reason), *rest), reading.findings
        except ValueError:
            return None, reading.findings

    def write(self, state: ModeState) -> None:
        """Saves; durable on return. Raises `OSError`."""
        self._record.write(_LAYOUT.pack(*state))
