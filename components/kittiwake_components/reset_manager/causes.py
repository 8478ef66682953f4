"""Why the last start ended, and the record of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.int_enum import IntEnum
from kittiwake.model.types import U8, wire_enum
from kittiwake.storage.record import AtomicRecord

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1
DETAIL_SIZE = 80


@wire_enum(U8, name="Components.ResetCause")
class ResetCause(IntEnum):
    """How the start before this one ended."""

    UNINTENDED = 0
    """Nobody said that it would: it was killed, or the power went."""
    FIRST_START = 1
    """There is no record of any."""
    ORDERLY = 2
    """It was asked to stop, and did."""
    COLD_RESET = 3
    WARM_RESET = 4
    FACTORY_RESET = 5
    FATAL = 6
    """A FATAL event stopped it."""
    WATCHDOG = 7
    """Nobody stroked the watchdog."""
    CRASH = 8
    """A signal ended the process."""


class ResetRecord:
    """The cause of the next start, at `path`: UNINTENDED while nobody has said otherwise."""

    def __init__(self, files: Files, path: str) -> None:
        self._record = AtomicRecord(files, path, VERSION, 1 + DETAIL_SIZE)

    def read(self) -> tuple[ResetCause, str, tuple[Finding, ...]]:
        """Cause, detail, and what was found wrong. Raises `OSError`."""
        reading = self._record.read()
        payload = reading.payload
        if payload is None:
            return (ResetCause.UNINTENDED if reading.findings else ResetCause.FIRST_START), "", reading.findings
        try:
            return ResetCause(payload[0]), payload[1:].decode(), reading.findings
        except (ValueError, IndexError):
            return ResetCause.UNINTENDED, "", reading.findings

    def write(self, cause: ResetCause, detail: str) -> None:
        """Says why the next start comes, whatever was said before; durable on return. Raises `OSError`."""
        self._record.write(bytes([cause]) + short(detail).encode(), supersedes=True)


def short(detail: str) -> str:
    """As much of a detail as has room."""
    return detail.encode()[:DETAIL_SIZE].decode(errors="ignore")


def seen_from_outside(last_end: str) -> tuple[ResetCause, str]:
    """What a supervisor saw: a cause by its name, and a detail behind it."""
    name, _, detail = last_end.partition(" ")
    return ResetCause.__members__.get(name, ResetCause.UNINTENDED), detail
