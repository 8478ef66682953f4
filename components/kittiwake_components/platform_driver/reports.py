"""What the platform driver reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Size,
    event,
)
from kittiwake_components.ports.file import PATH_SIZE as FILE_SIZE
from kittiwake_components.ports.platform_driver import NAME_SIZE, PATH_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.storage.finding import Finding

REASON_SIZE = 160

DeviceName = Annotated[str, Size(NAME_SIZE)]
PointPath = Annotated[str, Size(PATH_SIZE)]
Reason = Annotated[str, Size(REASON_SIZE)]
FileName = Annotated[str, Size(FILE_SIZE)]


class PlatformDriverReports(ActiveComponent):
    """The events of a platform driver."""

    @event(ACTIVITY_HI, "Device {device} is up", throttle=50, every_s=600.0)
    def device_up(self, device: DeviceName) -> None: ...

    @event(WARNING_LO, "Device {device} is down: {reason}", throttle=50, every_s=600.0)
    def device_down(self, device: DeviceName, reason: Reason) -> None: ...

    @event(WARNING_HI, "Device {device} has failed: {reason}", throttle=20, every_s=600.0)
    def device_failed(self, device: DeviceName, reason: Reason) -> None: ...

    @event(WARNING_LO, "Device {device}: {slots} polls were left out, it was busy", throttle=10, every_s=600.0)
    def poll_slip(self, device: DeviceName, slots: U32) -> None: ...

    @event(ACTIVITY_LO, "Registry: {change}", throttle=100, every_s=60.0)
    def config_changed(self, change: Reason) -> None: ...

    @event(ACTIVITY_HI, "Written: {point} = {value}, priority {priority}", throttle=50, every_s=60.0)
    def write_done(self, point: PointPath, value: Reason, priority: U32) -> None: ...

    @event(WARNING_LO, "Not written: {point}: {reason}", throttle=20, every_s=60.0)
    def write_refused(self, point: PointPath, reason: Reason) -> None: ...

    @event(ACTIVITY_LO, "Released: {point}, priority {priority}", throttle=50, every_s=60.0)
    def released(self, point: PointPath, priority: U32) -> None: ...

    @event(WARNING_HI, "Not released: {point}: {reason}", throttle=20, every_s=600.0)
    def release_failed(self, point: PointPath, reason: Reason) -> None: ...

    @event(WARNING_LO, "{count} writes of the last start are in force still, and are released first")
    def leases_left(self, count: U32) -> None: ...

    @event(ACTIVITY_LO, "Found: {name} at {address}: {detail}")
    def found(self, name: Reason, address: Reason, detail: Reason) -> None: ...

    @event(ACTIVITY_HI, "{count} found, {shown} shown")
    def discovery_done(self, count: U32, shown: U32) -> None: ...

    @event(ACTIVITY_HI, "{file}: {added} points added, {changed} changed")
    def points_imported(self, file: FileName, added: U32, changed: U32) -> None: ...

    @event(ACTIVITY_HI, "{file}: {count} points written")
    def points_exported(self, file: FileName, count: U32) -> None: ...

    @event(WARNING_HI, "Devices cannot be kept: {reason}", throttle=5, every_s=600.0)
    def database_fault(self, reason: Reason) -> None: ...

    @event(WARNING_LO, "{file} {reason}")
    def record_recovered(self, file: FileName, reason: Reason) -> None: ...

    def report_findings(self, findings: Iterable[Finding]) -> None:
        """Reports what was found wrong with a file."""
        for finding in findings:
            self.record_recovered(self.root.name_of(finding.path), finding.detail)
