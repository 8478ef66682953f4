"""What monitoring reports to the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_LO,
    DIAGNOSTIC,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    CommandResponse,
    Size,
    event,
)
from kittiwake.storage.root import reason_of
from kittiwake_components.monitoring.orders import ID_SIZE
from kittiwake_components.ports.file import FileName
from kittiwake_components.ports.supervision import STEP_REASON_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.storage.finding import Finding

Reason = Annotated[str, Size(STEP_REASON_SIZE)]
OrderId = Annotated[str, Size(ID_SIZE)]


class MonitoringReports(ActiveComponent):
    """The events of monitoring."""

    @event(DIAGNOSTIC, "Administrative command {id} begins")
    def command_begun(self, id: OrderId) -> None: ...

    @event(ACTIVITY_LO, "Administrative command {id} is done")
    def command_done(self, id: OrderId) -> None: ...

    @event(WARNING_LO, "Administrative command {id} failed: {reason}")
    def command_failed(self, id: OrderId, reason: Reason) -> None: ...

    @event(ACTIVITY_LO, "Administrative command {id} came again and is not done again", throttle=64, every_s=600.0)
    def command_repeated(self, id: OrderId) -> None: ...

    @event(WARNING_HI, "Administrative command {id} was cut off by a restart, and is not done again")
    def command_cut_off(self, id: OrderId) -> None: ...

    @event(WARNING_HI, "{file} is refused whole: {reason}", throttle=5, every_s=600.0)
    def commands_refused(self, file: FileName, reason: Reason) -> None: ...

    @event(ACTIVITY_LO, "Status report {number} is written: {size} bytes")
    def report_written(self, number: U32, size: U32) -> None: ...

    @event(WARNING_LO, "No status report: {reason}", throttle=5, every_s=600.0)
    def report_failed(self, reason: Reason) -> None: ...

    @event(WARNING_LO, "Status report not sent: {response}", throttle=5, every_s=600.0)
    def report_not_sent(self, response: CommandResponse) -> None: ...

    @event(WARNING_LO, "{value} is left out of reports: {reason}")
    def value_unknown(self, value: Annotated[str, Size(80)], reason: Reason) -> None: ...

    @event(WARNING_HI, "{file}: {reason}", throttle=5, every_s=600.0)
    def file_fault(self, file: FileName, reason: Reason) -> None: ...

    @event(ACTIVITY_LO, "Status report {number} is in its store")
    def report_sent(self, number: U32) -> None: ...

    def report_findings(self, findings: Iterable[Finding]) -> None:
        """Reports what was found wrong with files."""
        for finding in findings:
            self.file_fault(self.root.name_of(finding.path), finding.reason)

    def report_fault(self, file: str, fault: OSError) -> None:
        """Reports a fault of the disk."""
        self.file_fault(file, reason_of(fault))
