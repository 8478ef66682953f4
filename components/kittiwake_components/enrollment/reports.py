"""What an enrolment reports to the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    U8,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Size,
    event,
)
from kittiwake.storage.root import reason_of
from kittiwake_components.enrollment.states import EnrollState
from kittiwake_components.ports.enrollment import MACHINE_ID_SIZE
from kittiwake_components.ports.file import FileName
from kittiwake_components.ports.supervision import STEP_REASON_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.storage.finding import Finding

Reason = Annotated[str, Size(STEP_REASON_SIZE)]
MachineId = Annotated[str, Size(MACHINE_ID_SIZE)]


class EnrollmentReports(ActiveComponent):
    """The events of an enrolment."""

    @event(ACTIVITY_HI, "{machine_id} waits for its configuration for {limit_s} s")
    def enroll_started(self, machine_id: MachineId, limit_s: U32) -> None: ...

    @event(ACTIVITY_HI, "Configuration {sequence} is on trial; it has {starts} more starts")
    def config_on_trial(self, sequence: U32, starts: U8) -> None: ...

    @event(ACTIVITY_HI, "Configuration {sequence} is confirmed: the device is enrolled")
    def enroll_done(self, sequence: U32) -> None: ...

    @event(WARNING_LO, "Configuration refused in {stage}: {reason}", throttle=10, every_s=600.0)
    def enroll_failed(self, stage: EnrollState, reason: Reason) -> None: ...

    @event(WARNING_HI, "No configuration came within {limit_s} s")
    def enroll_timeout(self, limit_s: U32) -> None: ...

    @event(WARNING_HI, "Configuration {sequence} was not confirmed: {reason}; the one before it counts again")
    def config_rolled_back(self, sequence: U32, reason: Reason) -> None: ...

    @event(WARNING_HI, "The configuration is damaged: {reason}")
    def config_damaged(self, reason: Reason) -> None: ...

    @event(WARNING_LO, "The administration was not heard for {silence_s} s: jobs go on, reports wait")
    def administration_lost(self, silence_s: U32) -> None: ...

    @event(ACTIVITY_HI, "The factory reset of the enrolment is armed for {seconds} s")
    def factory_reset_armed(self, seconds: U32) -> None: ...

    @event(WARNING_HI, "The enrolment was reset: the device is not enrolled")
    def factory_reset_done(self) -> None: ...

    @event(ACTIVITY_HI, "This machine is {machine_id} from now on")
    def identity_made(self, machine_id: MachineId) -> None: ...

    @event(ACTIVITY_LO, "{machine_id} is {state} with configuration {sequence}")
    def enrollment_state(self, machine_id: MachineId, state: EnrollState, sequence: U32) -> None: ...

    @event(WARNING_HI, "{file}: {reason}", throttle=5, every_s=600.0)
    def file_fault(self, file: FileName, reason: Reason) -> None: ...

    def report_findings(self, findings: Iterable[Finding]) -> None:
        """Reports what was found wrong with files."""
        for finding in findings:
            self.file_fault(self.root.name_of(finding.path), finding.reason)

    def report_fault(self, file: str, fault: OSError) -> None:
        """Reports a fault of the disk."""
        self.file_fault(file, reason_of(fault))
