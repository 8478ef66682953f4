"""The schedule book at work: requests are read, decided, written down, carried out and told of."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake.storage.root import reason_of
from kittiwake_components.actuator.device_calls import packed
from kittiwake_components.actuator.messages import CANCEL_SCHEDULE
from kittiwake_components.actuator.requests import (
    MISSING_TASK_ID,
    Request,
    RequestRefused,
    Wanted,
    read_request,
)
from kittiwake_components.actuator.schedule_book import Failure, Refused, ScheduleBook
from kittiwake_components.actuator.state_file import Change, Kept, StateFile
from kittiwake_components.actuator.tasks import shown
from kittiwake_components.actuator.times import TimeReader
from kittiwake_components.actuator.wire_types import OnRelease
from kittiwake_components.daily_window import US_PER_S, find_zone
from kittiwake_components.ports.actuator import BODY_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake_components.actuator.component import Actuator
    from kittiwake_components.actuator.messages import Outgoing
    from kittiwake_components.actuator.releases import Releases
    from kittiwake_components.actuator.schedule_book import Holder, Plan
    from kittiwake_components.actuator.tasks import Task

SUCCESS, FAILURE, PREEMPTED = "SUCCESS", "FAILURE", "PREEMPTED"
TASK_WERE_PREEMPTED = "TASK_WERE_PREEMPTED"
NOT_KEPT = "REQUEST_REFUSED_NOT_KEPT"
"""Ours: the state cannot be written, so that nothing is accepted."""

TIME_UNKNOWN = "REQUEST_REFUSED_TIME_UNKNOWN"
"""Ours: the wall clock was never set."""

REPORT_SIZE = BODY_SIZE - 2000
"""The most bytes of a report in JSON; clashing slots, tasks and holders beyond it are left out."""


class Result(NamedTuple):
    """The answer to a request, as the original has it."""

    result: str
    info: str
    data: Any

    @property
    def is_success(self) -> bool:
        """Whether what was asked for is done."""
        return self.result == SUCCESS

    def as_body(self) -> dict[str, Any]:
        """The answer as JSON has it."""
        return {"result": self.result, "info": self.info, "data": self.data}


def failure(info: str) -> Result:
    """The answer to a request that was refused, without a report."""
    return Result(FAILURE, info, {})


class Schedules:
    """The tasks of an actuator, as its clock has them. `out` publishes, `releases` hears of devices that are lost."""

    def __init__(self, actuator: Actuator, path: str, out: Outgoing, releases: Releases) -> None:
        self._actuator = actuator
        self._out = out
        self._releases = releases
        self._path = path
        self._state: StateFile | None = None
        self._gone: set[str] = set()
        self._settled_at = -1
        self.book = ScheduleBook(0)
        self.preemptions = 0

    # Keeping

    @property
    def is_open(self) -> bool:
        """Whether what was kept is there."""
        return self._state is not None

    def open(self) -> bool:
        """Takes over what was kept, unless that was done; whether requests can be served."""
        if self._state is not None:
            return True
        actuator = self._actuator
        if not actuator.time_is_known():
            return False
        state = StateFile(actuator.platform.files, actuator.root.resolve(self._path), self._everything)
        try:
            kept, findings = state.open()
        except OSError as fault:
            actuator.state_fault(reason_of(fault))
            state.close()
            return False
        self._state = state
        actuator.report_findings(findings)
        now_us = actuator.now_us()
        self.book.restore(kept.tasks.values(), now_us)
        self._gone.update(id for id in kept.tasks if id not in self.book.tasks)
        self._releases.restore(kept.owed, lambda device: self.book.holder(device, now_us))
        self.book.take_news()
        if kept.tasks or kept.owed:
            actuator.state_restored(len(self.book.tasks), len(kept.owed))
        return True

    def close(self) -> None:
        """Closes the file."""
        if self._state is not None:
            self._state.close()
            self._state = None

    def _everything(self) -> Kept:
        return Kept(self.book.tasks, self._releases.owed())

    def write_down(self, change: Change) -> str:
        """Makes a change durable; an empty text, or why that was not done: it then must not be made."""
        if self._state is None:
            return "the file is not open"
        change.gone = [*self._gone.difference(task.id for task in change.tasks), *change.gone]
        try:
            self._state.append(change)
        except (OSError, ValueError) as fault:
            self._actuator.state_fault(reason_of(fault))
            return reason_of(fault)
        self._gone.clear()
        return ""

    def settled(self, paths: list[str]) -> None:
        """Points are owed no longer."""
        self.write_down(Change(settled=paths))

    # Time

    def settle(self) -> None:
        """Lets time have its effects: tasks start and end, and devices are lost."""
        if self._state is None:
            return
        actuator = self._actuator
        now_us = actuator.now_us()
        self.book.refresh(now_us)
        news = self.book.take_news()
        for task in news.started:
            actuator.task_started(task.id, task.owner)
        for task in news.ended:
            self._gone.add(task.id)
            actuator.task_finished(task.id, task.owner)
        if self.book.changes != self._settled_at:
            self._settled_at = self.book.changes
            self._releases.settle(self.holder)
            self._releases.drive(actuator.clock.now_ns())

    def next_edge_us(self) -> int | None:
        """When the next slot begins or ends."""
        return self.book.next_edge_us(self._actuator.now_us()) if self._state is not None else None

    def holder(self, device: str) -> Holder | None:
        """Who holds a device now."""
        return self.book.holder(device, self._actuator.now_us()) if self._state is not None else None

    def holders(self) -> dict[str, Holder]:
        """All devices that are held now."""
        return self.book.holders(self._actuator.now_us()) if self._state is not None else {}

    # Requests

    def request(self, request: Request) -> Result:
        """Asks for slots."""
        actuator = self._actuator
        if not self.open():
            return self._refused(request, TIME_UNKNOWN if not actuator.time_is_known() else NOT_KEPT)
        self.settle()
        now_us = actuator.now_us()
        self.book.grace_us = actuator.preempt_grace_s * US_PER_S
        try:
            wanted = read_request(request, self.reader(), self.book.is_taken)
        except RequestRefused as refusal:
            return self._refused(request, refusal.info)
        on_release = actuator.on_release if wanted.on_release is OnRelease.DEFAULT else wanted.on_release
        reverts = on_release is OnRelease.REVERT
        plan = self.book.plan(wanted.requester, wanted.task, wanted.priority, wanted.slots, now_us, reverts=reverts)
        if isinstance(plan, Refused):
            return self._refused(request, f"{plan.why}: {plan.detail}" if plan.detail else plan.why, report(plan))
        return self._accept(request, wanted, plan)

    def _accept(self, request: Request, wanted: Wanted, plan: Plan) -> Result:
        actuator = self._actuator
        if plan.task is not None:
            left = [left for victim, left in plan.victims if left is not None and left is not victim]
            gone = [victim.id for victim, left in plan.victims if left is None]
            why = self.write_down(Change(tasks=[*left, plan.task], gone=gone))
            if why:
                return self._refused(request, f"{NOT_KEPT}: {why}")
        accepted = self.book.carry_out(plan)
        actuator.schedule_accepted(wanted.task, wanted.requester, len(wanted.slots))
        self.settle()
        self._announce(accepted.open_devices)
        for owner, task in accepted.preempted:
            self.preemptions += 1
            actuator.task_preempted(task, owner, wanted.task, wanted.requester)
            notice = Result(PREEMPTED, "", {"agentID": wanted.requester, "taskID": wanted.task})
            self._out.schedule_result(CANCEL_SCHEDULE, owner, task, notice.as_body())
        actuator.schedule_changed()
        if not accepted.preempted:
            return Result(SUCCESS, "", {})
        return Result(SUCCESS, TASK_WERE_PREEMPTED, [list(pair) for pair in accepted.preempted])

    def _announce(self, devices: Iterable[str]) -> None:
        now_us = self._actuator.now_us()
        for device in devices:
            holder = self.book.holder(device, now_us)
            if holder is not None and not self._actuator.is_suspended:
                self._out.announce(device, holder, now_us)

    def _refused(self, request: Request, info: str, data: dict[str, Any] | None = None) -> Result:
        self._actuator.schedule_refused(str(request.task), str(request.requester), info)
        return Result(FAILURE, info, data or {})

    def cancel(self, requester: str, task_id: Any) -> Result:
        """Takes a task back."""
        actuator = self._actuator
        refused = Request(requester, task_id, None, None)
        if not self.open():
            return self._refused(refused, TIME_UNKNOWN if not actuator.time_is_known() else NOT_KEPT)
        if task_id is None:
            return self._refused(refused, MISSING_TASK_ID)
        self.settle()
        if not isinstance(task_id, str):
            return self._refused(refused, Failure.TASK_ID_DOES_NOT_EXIST)
        failed = self.book.why_not_cancel(requester, task_id, actuator.now_us())
        if failed is not None:
            return self._refused(refused, failed)
        why = self._remove(task_id)
        if why:
            return self._refused(refused, f"{NOT_KEPT}: {why}")
        actuator.task_cancelled(task_id, requester)
        return Result(SUCCESS, "", {})

    def _remove(self, task_id: str) -> str:
        why = self.write_down(Change(gone=[task_id]))
        if not why:
            self.book.remove(task_id)
            self.settle()
            self._actuator.schedule_changed()
        return why

    def drop_silent(self, was_heard: Callable[[str], bool], lease_s: int) -> None:
        """Cancels the tasks of owners of whom nothing was heard, and that hold a device."""
        self.settle()
        silent = {holder.task: holder.owner for holder in self.holders().values() if not was_heard(holder.owner)}
        for task, owner in silent.items():
            if not self._remove(task):
                self._actuator.lease_expired(task, owner, lease_s)
                notice = Result("CANCELLED", "LEASE_EXPIRED", {})
                self._out.schedule_result(CANCEL_SCHEDULE, owner, task, notice.as_body())

    # Lists

    def listed(self, offset: int, limit: int) -> list[Task]:
        """Some tasks, in the order in which they were accepted."""
        self.settle()
        return list(islice(self.book.tasks.values(), offset, offset + limit))

    def reader(self) -> TimeReader:
        """Reads times as requests have them."""
        actuator = self._actuator
        return TimeReader(actuator.naive_tz, find_zone(actuator.tz), actuator.now_us())

    def counts(self) -> tuple[int, int]:
        """How many tasks are at work, and how many wait."""
        return self.book.active, len(self.book.tasks) - self.book.active


def report(refused: Refused) -> dict[str, Any]:
    """The clashing slots as the original reports them, as many as one reply takes."""
    found: dict[str, Any] = {}
    size = 0
    for owner, tasks in refused.conflicts.items():
        for task, slots in tasks.items():
            size += len(packed([owner, task]))
            for slot in slots:
                row = shown(slot)
                size += len(packed(row)) + 1
                if size > REPORT_SIZE:
                    return found
                found.setdefault(owner, {}).setdefault(task, []).append(row)
    return found
