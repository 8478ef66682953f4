"""What the processes of sensors say, and what it means for their captures. What they claim is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model import U32, Channel, OutputPortArray
from kittiwake_components.ports.hive import CaptureDone, SensorReading, SensorState
from kittiwake_components.sensor_orchestrator.messages import (
    Begun,
    Discarded,
    Done,
    Failed,
    MessageFault,
    Read,
    Ready,
    Refused,
    parse,
)
from kittiwake_components.sensor_orchestrator.reports import OrchestratorReports
from kittiwake_components.sensor_orchestrator.states import SensorSignal
from kittiwake_components.sensor_orchestrator.supervised import Capture

if TYPE_CHECKING:
    from kittiwake_components.sensor_orchestrator.supervised import Supervised

LISTENERS = 16
U32_MAX = 0xFFFFFFFF


class SensorHearing(OrchestratorReports):
    """Hears the processes and settles captures; the machines are for the class built on it.

    `sensors` are those that there are, by the number of their machine.
    """

    sensors: dict[int, Supervised]

    capture_done_out = OutputPortArray(CaptureDone, 2, doc="Recordings that were published, for the uploader.")
    reading_out = OutputPortArray(SensorReading, LISTENERS, doc="Every reading of every sensor, for channels.")

    captures = Channel(U32, on_change=True, doc="Recordings that were published since the start.")
    misses = Channel(U32, on_change=True, doc="Captures since the start that have brought no recording.")

    def signal(self, index: int, signal: SensorSignal, *arguments: object) -> None:
        """Gives a sensor's machine a signal."""
        raise NotImplementedError

    def state_of(self, index: int) -> SensorState:
        """The state of a sensor."""
        raise NotImplementedError

    def note_failure(self, index: int, how: str) -> None:
        """Takes note of a process that has failed, and decides how it goes on."""
        raise NotImplementedError

    def recording_name(self, path: str) -> str:
        """A recording's name relative to the folder of the recordings; empty for a path that is not in there."""
        raise NotImplementedError

    def count_missed(self, index: int, count: int) -> None:
        """Takes note of captures that have brought no recording."""
        self.sensors[index].misses += count
        self.misses = min(self.misses + count, U32_MAX)

    def said(self, index: int, message: dict[str, Any]) -> None:
        """A process has sent a message."""
        try:
            said = parse(message)
        except MessageFault:
            self.babbled(index, 1)
            return
        match said:
            case Ready():
                self.signal(index, SensorSignal.READY, said)
            case Refused(why):
                self.sensors[index].reason = why
                self.config_rejected(self.sensors[index].name, why)
            case Discarded(0) | Done(0) if not self.recording_name(said.path):
                self.babbled(index, 1)
            case Discarded(0):
                self.capture_discarded(self.sensors[index].name, self.recording_name(said.path))
            case Done(0):
                self._settle_done(index, Capture(0, said.path, 0), said)
            case _:
                self._of_capture(index, said)

    def _of_capture(self, index: int, said: Any) -> None:
        one = self.sensors[index]
        capture = one.capture
        if capture is None or said.capture != capture.number:
            self.babbled(index, 1)
            return
        match said:
            case Begun():
                self.capture_started(one.name, capture.number, self.recording_name(capture.path))
                self.signal(index, SensorSignal.BEGUN)
                return
            case Read(_, values):
                self._show_readings(one, values)
                return
            case Done():
                self._settle_done(index, capture, said)
            case Discarded():
                self.capture_discarded(one.name, self.recording_name(capture.path))
            case Failed(_, why):
                self._settle_failed(index, why)
        one.capture = None
        self.signal(index, SensorSignal.OVER)

    def _settle_done(self, index: int, capture: Capture, done: Done) -> None:
        """What a process says is done is so if the file is there."""
        one = self.sensors[index]
        if self._published_size(capture) != done.size:
            self._settle_failed(index, "it says that it has published what is not there")
            return
        one.captures += 1
        self.captures = (self.captures + 1) & U32_MAX
        name = self.recording_name(capture.path)
        self.capture_done(one.name, name, done.size, done.truncated)
        for listener, tell in enumerate(self.capture_done_out):
            if self.is_connected(SensorHearing.capture_done_out, listener):
                tell(one.name, name, done.size)

    def _settle_failed(self, index: int, why: str) -> None:
        self.count_missed(index, 1)
        self.capture_failed(self.sensors[index].name, why)

    def _published_size(self, capture: Capture) -> int | None:
        """The size of a recording that was published whole: with its sidecar."""
        files = self.platform.files
        try:
            return files.size(capture.path) if files.exists(capture.path + ".json") else None
        except OSError:
            return None

    def _show_readings(self, one: Supervised, values: tuple[float, ...]) -> None:
        readings = one.described.readings if one.described is not None else ()
        now_ns = self.clock.now_ns()
        for reading, value in zip(readings, values, strict=False):
            if value == value:  # it is not NaN
                one.latest[reading] = (value, now_ns)
            for listener, tell in enumerate(self.reading_out):
                if self.is_connected(SensorHearing.reading_out, listener):
                    tell(one.name, reading, value)

    def babbled(self, index: int, lines: int) -> None:
        """A process has written lines that are no messages."""
        self.sensor_garbage(self.sensors[index].name, min(lines, U32_MAX))

    def flooded(self, index: int) -> None:
        """A process writes more than it may."""
        self.sensor_flood(self.sensors[index].name)

    def grumbled(self, index: int, text: str) -> None:
        """A process has written to its errors."""
        self.sensor_said(self.sensors[index].name, text)

    def ended(self, index: int, status: int) -> None:
        """A process has ended. What it has published before, and could not say, counts all the same."""
        one = self.sensors[index]
        one.process = None
        if one.capture is not None:
            capture, one.capture = one.capture, None
            size = self._published_size(capture)
            if size is None:
                self._settle_failed(index, "its process has ended")
            else:
                self._settle_done(index, capture, Done(capture.number, size, truncated=False))
        if self.state_of(index) not in (SensorState.STOPPING, SensorState.QUARANTINED):
            self.note_failure(index, f"signal {-status}" if status < 0 else f"status {status}")
        self.signal(index, SensorSignal.ENDED)
