"""What the supervisor reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    DIAGNOSTIC,
    F32,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Size,
    event,
)
from kittiwake.storage.root import reason_of
from kittiwake_components.ports.file import PATH_SIZE
from kittiwake_components.ports.supervision import STEP_REASON_SIZE
from kittiwake_components.supervisor.states import CycleState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.storage.finding import Finding

Reason = Annotated[str, Size(STEP_REASON_SIZE)]


class SupervisorReports(ActiveComponent):
    """The events of a supervisor."""

    @event(ACTIVITY_LO, "Cycle {cycle} begins")
    def cycle_started(self, cycle: U32) -> None: ...

    @event(DIAGNOSTIC, "{step} done in {duration_ms} ms")
    def cycle_step_done(self, step: CycleState, duration_ms: U32) -> None: ...

    @event(WARNING_LO, "{step} failed: {reason}", throttle=20, every_s=600.0)
    def cycle_step_failed(self, step: CycleState, reason: Reason) -> None: ...

    @event(WARNING_HI, "{step} was not done within {limit_s} s", throttle=20, every_s=600.0)
    def cycle_step_timeout(self, step: CycleState, limit_s: U32) -> None: ...

    @event(ACTIVITY_LO, "Cycle {cycle} took {duration_ms} ms and {energy:.3f} mWh; {failed} steps failed")
    def cycle_finished(self, cycle: U32, duration_ms: U32, energy: F32, failed: U32) -> None: ...

    @event(ACTIVITY_HI, "The next cycle begins in {sleep_s} s")
    def wake_planned(self, sleep_s: U32) -> None: ...

    @event(WARNING_HI, "The power unit does not answer: the cycle goes on without it, and ends without a powerdown")
    def degraded_cycle(self) -> None: ...

    @event(WARNING_HI, "Cycle {cycle} was cut off in {step}, for the {times}. time; it goes on")
    def cycle_restarted(self, cycle: U32, step: CycleState, times: U32) -> None: ...

    @event(WARNING_HI, "{step} is left out: the device went dark in it {times} times")
    def step_left_out(self, step: CycleState, times: U32) -> None: ...

    @event(WARNING_HI, "No powerdown: the watchdog is left to expire", throttle=3, every_s=600.0)
    def supervisor_fault(self) -> None: ...

    @event(WARNING_HI, "The cycle takes more than {limit_s} s: the watchdog is left to expire")
    def cycle_too_long(self, limit_s: U32) -> None: ...

    @event(ACTIVITY_LO, "The last cycle, {cycle}: {duration_ms} ms, {energy:.3f} mWh, {failed} steps failed")
    def last_cycle(self, cycle: U32, duration_ms: U32, energy: F32, failed: U32) -> None: ...

    @event(WARNING_LO, "{file}: {reason}", throttle=5, every_s=600.0)
    def file_fault(self, file: Annotated[str, Size(PATH_SIZE)], reason: Reason) -> None: ...

    def report_findings(self, file: str, findings: Iterable[Finding]) -> None:
        """Reports what was found wrong with a file."""
        for finding in findings:
            self.file_fault(file, finding.reason)

    def report_fault(self, file: str, fault: OSError) -> None:
        """Reports a fault of the disk."""
        self.file_fault(file, reason_of(fault))
