"""What a cycle has come to, kept over a brown-out; and what the last whole one was like."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.record import AtomicRecord
from kittiwake_components.supervisor.states import CycleState

if TYPE_CHECKING:
    from kittiwake.platform.interface import Files
    from kittiwake.storage.finding import Finding

VERSION = 1
_PROGRESS = Struct(">IBB")
_SUMMARY = Struct(">IQIfB")
U32_MAX = 0xFFFFFFFF


class Progress(NamedTuple):
    """The cycle, the step that it has entered, and at the how manieth start it is in that step."""

    cycle: int
    step: CycleState
    starts: int


class Summary(NamedTuple):
    """A cycle that has ended: when it began on the wall clock, how long it took, on how much, and its failed steps."""

    cycle: int
    began_us: int
    duration_ms: int
    energy_mwh: float
    failed_steps: int


class CycleRecord:
    """Two atomic records; only the newest entry of each counts. Methods raise `OSError`."""

    def __init__(self, files: Files, path: str) -> None:
        self._progress = AtomicRecord(files, path, VERSION, _PROGRESS.size)
        self._summary = AtomicRecord(files, path + "_last", VERSION, _SUMMARY.size)

    def read(self, *, last_try: bool = False) -> tuple[Progress | None, Summary | None, tuple[Finding, ...]]:
        """How far the last start came, the last whole cycle, and what was found wrong."""
        progress, summary = self._progress.read(last_try=last_try), self._summary.read(last_try=last_try)
        findings = (*progress.findings, *summary.findings)
        return _progress_of(progress.payload), _summary_of(summary.payload), findings

    def enter(self, progress: Progress) -> None:
        """Notes that a step is entered."""
        self._progress.write(_PROGRESS.pack(progress.cycle & U32_MAX, progress.step, min(progress.starts, 255)))

    def end(self, summary: Summary) -> None:
        """Notes a whole cycle."""
        self._summary.write(_SUMMARY.pack(*summary))


def _progress_of(payload: bytes | None) -> Progress | None:
    if payload is None or len(payload) != _PROGRESS.size:
        return None
    cycle, step, starts = _PROGRESS.unpack(payload)
    return Progress(cycle, CycleState(step), starts) if step in CycleState._value2member_map_ else None


def _summary_of(payload: bytes | None) -> Summary | None:
    return Summary(*_SUMMARY.unpack(payload)) if payload is not None and len(payload) == _SUMMARY.size else None
