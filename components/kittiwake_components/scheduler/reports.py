"""What the scheduler reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    DIAGNOSTIC,
    F64,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    CommandError,
    CommandResponse,
    Size,
    event,
)
from kittiwake.model.fw import Enabled
from kittiwake.storage.root import reason_of
from kittiwake_components.ports.file import PATH_SIZE
from kittiwake_components.scheduler.jobs import EXPRESSION_SIZE, NAME_SIZE, RESULT_SIZE, SCHEDULE_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake.storage.finding import Finding

JobName = Annotated[str, Size(NAME_SIZE)]
Reason = Annotated[str, Size(RESULT_SIZE)]


class SchedulerReports(ActiveComponent):
    """The events of a scheduler."""

    @event(DIAGNOSTIC, "Job {name} begins")
    def job_started(self, name: JobName) -> None: ...

    @event(ACTIVITY_LO, "Job {name} is done")
    def job_succeeded(self, name: JobName) -> None: ...

    @event(WARNING_LO, "Job {name} failed: {reason}", throttle=20, every_s=600.0)
    def job_failed(self, name: JobName, reason: Reason) -> None: ...

    @event(WARNING_LO, "Job {name}: {slots} slots were missed", throttle=20, every_s=600.0)
    def job_missed(self, name: JobName, slots: U32) -> None: ...

    @event(ACTIVITY_LO, "Job {name}: try {attempt} in {delay} s", throttle=20, every_s=600.0)
    def job_retried(self, name: JobName, attempt: U32, delay: U32) -> None: ...

    @event(WARNING_HI, "Job {name} is given up after {attempts} tries", throttle=20, every_s=600.0)
    def job_dead(self, name: JobName, attempts: U32) -> None: ...

    @event(WARNING_LO, "The wall clock was set {step_s:.1f} s further; slots of elapsed time follow it")
    def clock_step(self, step_s: F64) -> None: ...

    @event(ACTIVITY_HI, "Job {name} added: {schedule}")
    def job_added(self, name: JobName, schedule: Annotated[str, Size(SCHEDULE_SIZE)]) -> None: ...

    @event(ACTIVITY_HI, "Job {name} removed")
    def job_removed(self, name: JobName) -> None: ...

    @event(WARNING_LO, "Job refused: {reason}")
    def job_refused(self, reason: Reason) -> None: ...

    @event(ACTIVITY_LO, "Job {name} ({state}): {schedule}, next in {in_s} s: {expression}")
    def job_listed(
        self, name: JobName, state: Enabled, schedule: Annotated[str, Size(SCHEDULE_SIZE)], in_s: U32,
        expression: Annotated[str, Size(EXPRESSION_SIZE)],
    ) -> None: ...  # fmt: skip

    @event(ACTIVITY_LO, "{listed} of {jobs} jobs listed")
    def jobs_listed(self, listed: U32, jobs: U32) -> None: ...

    @event(ACTIVITY_LO, "{count} finished runs forgotten")
    def log_pruned(self, count: U32) -> None: ...

    @event(WARNING_HI, "Jobs cannot be kept: {reason}", throttle=5, every_s=600.0)
    def database_fault(self, reason: Reason) -> None: ...

    @event(WARNING_LO, "{file} {reason}")
    def record_recovered(self, file: Annotated[str, Size(PATH_SIZE)], reason: Reason) -> None: ...

    def report_findings(self, findings: Iterable[Finding]) -> None:
        """Reports what was found wrong with a file."""
        for finding in findings:
            self.record_recovered(self.root.name_of(finding.path), finding.detail)


class Guard:
    """`with guard:` a command whose medium fails says so by event, and is answered EXECUTION_ERROR."""

    __slots__ = ("_report",)

    def __init__(self, report: Callable[[str], None]) -> None:
        self._report = report

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        if isinstance(fault, OSError):
            self._report(reason_of(fault))
            raise CommandError(CommandResponse.EXECUTION_ERROR, reason_of(fault)) from None
