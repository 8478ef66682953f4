"""What the actuator reports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    F64,
    U32,
    WARNING_HI,
    WARNING_LO,
    ActiveComponent,
    Bool,
    Size,
    event,
)
from kittiwake_components.ports.file import PATH_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kittiwake.storage.finding import Finding

SHORT_SIZE = 80

Name = Annotated[str, Size(SHORT_SIZE)]
"""A task, its owner, a device, a pattern or a value; longer ones are cut for the event."""

PointName = Annotated[str, Size(120)]
Reason = Annotated[str, Size(200)]


class ActuatorReports(ActiveComponent):
    """The events of an actuator."""

    @event(ACTIVITY_LO, "Task {task} of {owner}: {slots} slots are scheduled")
    def schedule_accepted(self, task: Name, owner: Name, slots: U32) -> None: ...

    @event(WARNING_LO, "Task {task} of {owner} refused: {reason}", throttle=50, every_s=60.0)
    def schedule_refused(self, task: Name, owner: Name, reason: Reason) -> None: ...

    @event(WARNING_HI, "Task {task} of {owner} is preempted by {by_task} of {by_owner}")
    def task_preempted(self, task: Name, owner: Name, by_task: Name, by_owner: Name) -> None: ...

    @event(ACTIVITY_LO, "Task {task} of {owner} has started", throttle=100, every_s=60.0)
    def task_started(self, task: Name, owner: Name) -> None: ...

    @event(ACTIVITY_LO, "Task {task} of {owner} has ended", throttle=100, every_s=60.0)
    def task_finished(self, task: Name, owner: Name) -> None: ...

    @event(ACTIVITY_LO, "Task {task} of {owner} is cancelled")
    def task_cancelled(self, task: Name, owner: Name) -> None: ...

    @event(WARNING_LO, "{requester} may not write to {device}", throttle=50, every_s=60.0)
    def lock_denied(self, requester: Name, device: Name) -> None: ...

    @event(ACTIVITY_HI, "{requester} has set {point} to {value}", throttle=200, every_s=60.0)
    def point_written(self, requester: Name, point: PointName, value: Name) -> None: ...

    @event(ACTIVITY_LO, "{point} is {value}")
    def point_read(self, point: PointName, value: Reason) -> None: ...

    @event(ACTIVITY_HI, "{requester} has reverted {path}")
    def point_reverted(self, requester: Name, path: PointName) -> None: ...

    @event(ACTIVITY_HI, "{point} is reverted: task {task}, which has written it, has lost the device")
    def point_released(self, point: PointName, task: Name) -> None: ...

    @event(WARNING_LO, "{requester}: {point} failed: {reason}", throttle=50, every_s=60.0)
    def device_refused(self, requester: Name, point: PointName, reason: Reason) -> None: ...

    @event(WARNING_LO, "{point}, which {task} has written, is not reverted yet: {reason}", throttle=20, every_s=600.0)
    def release_failed(self, point: PointName, task: Name, reason: Reason) -> None: ...

    @event(WARNING_HI, "{point}, which {task} has written, stays as it is after {tries} tries")
    def release_given_up(self, point: PointName, task: Name, tries: U32) -> None: ...

    @event(ACTIVITY_HI, "{requester} overrides {pattern} for {duration_s:.0f} s (0: until it is switched off)")
    def override_set(self, requester: Name, pattern: Name, duration_s: F64) -> None: ...

    @event(ACTIVITY_HI, "{requester} has ended the override of {pattern}")
    def override_cleared(self, requester: Name, pattern: Name) -> None: ...

    @event(ACTIVITY_LO, "Overridden: {names}")
    def overrides_listed(self, names: Reason) -> None: ...

    @event(ACTIVITY_HI, "{tasks} tasks are restored, {owed} points are to be reverted")
    def state_restored(self, tasks: U32, owed: U32) -> None: ...

    @event(WARNING_HI, "The schedule cannot be kept, and nothing is accepted: {reason}", throttle=5, every_s=600.0)
    def state_fault(self, reason: Reason) -> None: ...

    @event(WARNING_HI, "{file} {reason}")
    def state_recovered(self, file: Annotated[str, Size(PATH_SIZE)], reason: Reason) -> None: ...

    @event(WARNING_LO, "No heartbeat to {point}: {reason}", throttle=20, every_s=3600.0)
    def heartbeat_failed(self, point: PointName, reason: Reason) -> None: ...

    @event(WARNING_HI, "Task {task} is cancelled: of {owner} nothing was heard for {lease_s} s")
    def lease_expired(self, task: Name, owner: Name, lease_s: U32) -> None: ...

    @event(WARNING_LO, "The wall clock was set {step_s:.1f} s further; slots keep their times of day")
    def clock_step(self, step_s: F64) -> None: ...

    @event(ACTIVITY_HI, "Writing is suspended: {suspended}")
    def writing_suspended(self, suspended: Bool) -> None: ...

    @event(WARNING_LO, "A message on {topic} is too long to be published", throttle=5, every_s=600.0)
    def message_dropped(self, topic: PointName) -> None: ...

    @event(
        ACTIVITY_LO, "Task {task} of {owner}, {priority}, {state}: {slots} slots, the next is {device} {start} to {end}"
    )
    def task_listed(
        self, task: Name, owner: Name, priority: Annotated[str, Size(12)], state: Annotated[str, Size(12)],
        slots: U32, device: Name, start: Annotated[str, Size(32)], end: Annotated[str, Size(32)],
    ) -> None: ...  # fmt: skip

    @event(ACTIVITY_LO, "{listed} of {tasks} tasks listed")
    def tasks_listed(self, listed: U32, tasks: U32) -> None: ...

    def report_findings(self, findings: Iterable[Finding]) -> None:
        """Reports what was found wrong with a file."""
        for finding in findings:
            self.state_recovered(self.root.name_of(finding.path), finding.detail)
