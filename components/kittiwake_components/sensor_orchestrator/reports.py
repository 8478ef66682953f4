"""What the orchestrator of a hive's sensors reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    DIAGNOSTIC,
    F64,
    U32,
    U64,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Bool,
    Size,
    event,
)
from kittiwake.storage.root import reason_of
from kittiwake_components.ports.file import FileName
from kittiwake_components.ports.hive import STATUS_SIZE, SensorName, SensorState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.storage.finding import Finding

REASON_SIZE = 200

Reason = Annotated[str, Size(REASON_SIZE)]


class OrchestratorReports(ActiveComponent):
    """The events of a sensor orchestrator."""

    @event(DIAGNOSTIC, "{sensor} makes capture {capture}: {file}")
    def capture_started(self, sensor: SensorName, capture: U32, file: FileName) -> None: ...

    @event(ACTIVITY_LO, "{sensor} has recorded {file}: {size} bytes, truncated: {truncated}")
    def capture_done(self, sensor: SensorName, file: FileName, size: U64, truncated: Bool) -> None: ...

    @event(WARNING_LO, "{sensor} begins {late_s:.1f} s late", throttle=10, every_s=600.0)
    def capture_late(self, sensor: SensorName, late_s: F64) -> None: ...

    @event(WARNING_LO, "{sensor} has missed {count} captures", throttle=20, every_s=600.0)
    def capture_missed(self, sensor: SensorName, count: U32) -> None: ...

    @event(ACTIVITY_LO, "{sensor} has thrown {file} away")
    def capture_discarded(self, sensor: SensorName, file: FileName) -> None: ...

    @event(WARNING_LO, "{sensor} could not record: {reason}", throttle=10, every_s=600.0)
    def capture_failed(self, sensor: SensorName, reason: Reason) -> None: ...

    @event(WARNING_HI, "{sensor} hangs: {stage} for {seconds} s, and may be killed: {killed}")
    def sensor_hung(self, sensor: SensorName, stage: SensorState, seconds: U32, killed: Bool) -> None: ...

    @event(WARNING_HI, "The process of {sensor} has failed: {reason}", throttle=20, every_s=600.0)
    def sensor_died(self, sensor: SensorName, reason: Reason) -> None: ...

    @event(WARNING_HI, "{sensor} is started again, {restarts} times so far")
    def sensor_restarted(self, sensor: SensorName, restarts: U32) -> None: ...

    @event(WARNING_HI, "{sensor} is left alone: {reason}")
    def sensor_quarantined(self, sensor: SensorName, reason: Reason) -> None: ...

    @event(ACTIVITY_HI, "{sensor} is ready")
    def sensor_started(self, sensor: SensorName) -> None: ...

    @event(ACTIVITY_HI, "{sensor} is stopped")
    def sensor_stopped(self, sensor: SensorName) -> None: ...

    @event(WARNING_LO, "{sensor} has sent {lines} lines that are no messages", throttle=5, every_s=600.0)
    def sensor_garbage(self, sensor: SensorName, lines: U32) -> None: ...

    @event(WARNING_LO, "{sensor} writes too much, and has to wait", throttle=5, every_s=600.0)
    def sensor_flood(self, sensor: SensorName) -> None: ...

    @event(DIAGNOSTIC, "{sensor}: {text}", throttle=20, every_s=600.0)
    def sensor_said(self, sensor: SensorName, text: Reason) -> None: ...

    @event(ACTIVITY_LO, "The window of {sensor} has opened")
    def window_opened(self, sensor: SensorName) -> None: ...

    @event(ACTIVITY_LO, "The window of {sensor} has closed")
    def window_closed(self, sensor: SensorName) -> None: ...

    @event(ACTIVITY_LO, "The wall clock was set {step_s:.1f} s further; the next captures follow it")
    def schedule_moved(self, step_s: F64) -> None: ...

    @event(ACTIVITY_HI, "Configuration {file} is in force: {sensors} sensors")
    def config_loaded(self, file: FileName, sensors: U32) -> None: ...

    @event(WARNING_LO, "Configuration refused, {where}: {reason}")
    def config_rejected(self, where: Reason, reason: Reason) -> None: ...

    @event(WARNING_LO, "Configuration, {where}: {reason}")
    def config_unused(self, where: Reason, reason: Reason) -> None: ...

    @event(WARNING_HI, "Configuration {file} of before is in force")
    def config_kept(self, file: FileName) -> None: ...

    @event(ACTIVITY_LO, "{text}")
    def sensor_status(self, text: Annotated[str, Size(STATUS_SIZE)]) -> None: ...

    @event(WARNING_LO, "{file} {reason}")
    def record_recovered(self, file: FileName, reason: Reason) -> None: ...

    @event(WARNING_LO, "{file}: {reason}", throttle=5, every_s=600.0)
    def file_fault(self, file: FileName, reason: Reason) -> None: ...

    @event(WARNING_LO, "Recordings go to {folder} until the next start, and to {wanted} from then on")
    def output_stays(self, folder: FileName, wanted: FileName) -> None: ...

    def report_findings(self, findings: Iterable[Finding]) -> None:
        """Reports what was found wrong with a file."""
        for finding in findings:
            self.record_recovered(self.root.name_of(finding.path), finding.detail)

    def report_fault(self, file: str, fault: Exception) -> None:
        """Reports that a file could not be used."""
        self.file_fault(file, reason_of(fault))
