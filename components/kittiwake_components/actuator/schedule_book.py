"""Who may write to which device, and when: tasks of many slots, priorities, preemption with a grace time.

The rules are those of VOLTTRON's ActuatorAgent. Nothing here knows a clock, a file or a message: every call is told the
time, in microseconds since the Unix epoch. Each device keeps its slots in order of time, so that a request costs the
logarithm of what is scheduled, not all of it.
"""

from __future__ import annotations

from bisect import bisect_left
from enum import StrEnum
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.actuator.agenda import Agenda
from kittiwake_components.actuator.device_slots import DeviceSlots
from kittiwake_components.actuator.tasks import Slot, Task, TaskState
from kittiwake_components.actuator.wire_types import Priority

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_TASKS = 200_000
MAX_SLOTS_A_TASK = 10_000


class Failure(StrEnum):
    """Why a request was refused, by the original's texts."""

    TASK_ID_ALREADY_EXISTS = "TASK_ID_ALREADY_EXISTS"
    MALFORMED_REQUEST = "MALFORMED_REQUEST"
    MALFORMED_REQUEST_EMPTY = "MALFORMED_REQUEST_EMPTY"
    REQUEST_CONFLICTS_WITH_SELF = "REQUEST_CONFLICTS_WITH_SELF"
    CONFLICTS_WITH_EXISTING_SCHEDULES = "CONFLICTS_WITH_EXISTING_SCHEDULES"
    TASK_ID_DOES_NOT_EXIST = "TASK_ID_DOES_NOT_EXIST"
    AGENT_ID_TASK_ID_MISMATCH = "AGENT_ID_TASK_ID_MISMATCH"
    TOO_MANY = "REQUEST_REFUSED_TOO_MANY"
    """Ours: the limit of tasks or slots is reached."""


class Accepted(NamedTuple):
    """A request that was accepted: whom it preempted, as (owner, task), and its own devices that are open at once."""

    preempted: tuple[tuple[str, str], ...]
    open_devices: tuple[str, ...]


class Refused(NamedTuple):
    """A request that was refused; `conflicts` is owner -> task -> its clashing slots, `detail` says more."""

    why: Failure
    conflicts: dict[str, dict[str, list[Slot]]]
    detail: str = ""


class Plan(NamedTuple):
    """What an acceptable request comes to: the task, unless it is wholly past, and its victims with what is left."""

    task: Task | None
    victims: tuple[tuple[Task, Task | None], ...]
    now_us: int


class Holder(NamedTuple):
    """Who holds a device now, and until when."""

    owner: str
    task: str
    end_us: int


class News(NamedTuple):
    """The tasks that have started and those that have ended since the last news."""

    started: list[Task]
    ended: list[Task]


class ScheduleBook:
    """All tasks. `grace_us` is what a preempted task keeps of its open slots, at most.

    `active` counts the tasks that have started, `changes` grows with all that may change who holds what.
    """

    def __init__(self, grace_us: int) -> None:
        self.grace_us = grace_us
        self.tasks: dict[str, Task] = {}
        self._devices: dict[str, DeviceSlots] = {}
        self._agenda = Agenda(self.tasks)
        self._open: set[str] = set()
        self._cut_now: set[str] = set()
        self.active = 0
        self.changes = 0
        self._now_us = 0
        self._news = News([], [])

    # Requests

    def request(
        self, owner: str, task_id: str, priority: Priority, slots: Sequence[Slot], now_us: int
    ) -> Accepted | Refused:
        """Asks for slots and takes them. A refusal changes nothing."""
        plan = self.plan(owner, task_id, priority, slots, now_us)
        return plan if isinstance(plan, Refused) else self.carry_out(plan)

    def plan(
        self, owner: str, task_id: str, priority: Priority, slots: Sequence[Slot], now_us: int, *, reverts: bool = False
    ) -> Plan | Refused:  # fmt: skip
        """What a request would come to; nothing is changed.

        The caller has checked what the texts of a request say; slots that are over already are dropped here.
        """
        self.refresh(now_us)
        if self.is_taken(task_id):
            return Refused(Failure.TASK_ID_ALREADY_EXISTS, {})
        if not slots:
            return Refused(Failure.MALFORMED_REQUEST_EMPTY, {})
        if len(self.tasks) >= MAX_TASKS or len(slots) > MAX_SLOTS_A_TASK:
            return Refused(Failure.TOO_MANY, {})
        fault = _first_fault(slots)
        if fault is not None:
            return fault
        wanted = [slot for slot in slots if slot.end_us > now_us]
        if not wanted:
            return Plan(None, (), now_us)  # wholly past: done in the same call
        clashes = self._clashes(wanted)
        kept = {id: found for id, found in clashes.items() if not self._may_preempt(priority, self.tasks[id], now_us)}
        if kept:
            return Refused(Failure.CONFLICTS_WITH_EXISTING_SCHEDULES, self._report(kept, slots))
        victims = [(self.tasks[id], self._left_of(self.tasks[id], now_us)) for id in clashes]
        return Plan(Task(task_id, owner, priority, wanted, reverts=reverts), tuple(victims), now_us)

    def carry_out(self, plan: Plan) -> Accepted:
        """Does what was planned; nothing may have happened in between."""
        for victim, left in plan.victims:
            if left is not victim:
                self._forget(victim)
                if left is not None:
                    self._add(left)
                elif any(slot.start_us <= plan.now_us for slot in victim.slots):
                    self._cut_now.add(victim.id)  # without grace: for this instant its id stays taken
        opened: list[str] = []
        if plan.task is not None:
            self._add(plan.task)
            opened = [slot.device for slot in plan.task.slots if slot.start_us <= plan.now_us]
        self.refresh(plan.now_us)
        return Accepted(tuple((victim.owner, victim.id) for victim, _ in plan.victims), tuple(dict.fromkeys(opened)))

    def cancel(self, owner: str, task_id: str, now_us: int) -> Failure | None:
        """Takes a task back; `None` if that was done."""
        why = self.why_not_cancel(owner, task_id, now_us)
        if why is None:
            self.remove(task_id)
        return why

    def why_not_cancel(self, owner: str, task_id: str, now_us: int) -> Failure | None:
        """Why a task cannot be cancelled; `None` if it can."""
        self.refresh(now_us)
        task = self.tasks.get(task_id)
        if task is None:
            return Failure.TASK_ID_DOES_NOT_EXIST
        return None if task.owner == owner else Failure.AGENT_ID_TASK_ID_MISMATCH

    def remove(self, task_id: str) -> None:
        """Takes a task out, whatever its state."""
        self._forget(self.tasks[task_id])

    def is_taken(self, task_id: str) -> bool:
        """Whether a task has that id."""
        return task_id in self.tasks or task_id in self._cut_now

    def _clashes(self, wanted: list[Slot]) -> dict[str, list[Slot]]:
        """Task -> its slots that overlap what is wanted, each once, in the order in which the request comes to them."""
        found: dict[str, dict[Slot, None]] = {}
        for slot in wanted:
            device = self._devices.get(slot.device)
            if device is not None:
                for entry in device.overlapping(slot.start_us, slot.end_us):
                    found.setdefault(entry.task, {})[entry.slot] = None
        return {id: list(slots) for id, slots in found.items()}

    @staticmethod
    def _may_preempt(priority: Priority, old: Task, now_us: int) -> bool:
        if priority is not Priority.HIGH or old.priority is Priority.HIGH:
            return False
        return old.priority is Priority.LOW_PREEMPT or old.state(now_us) is TaskState.PRE_RUN

    def _left_of(self, task: Task, now_us: int) -> Task | None:
        """What a victim keeps. A second preemption changes nothing."""
        return task if task.preempted else task.cut(now_us, self.grace_us)

    def _report(self, kept: dict[str, list[Slot]], slots: Sequence[Slot]) -> dict[str, dict[str, list[Slot]]]:
        order = {device: place for place, device in enumerate(dict.fromkeys(slot.device for slot in slots))}
        report: dict[str, dict[str, list[Slot]]] = {}
        for id, found in kept.items():
            found.sort(key=lambda slot: (order[slot.device], slot.start_us))
            report.setdefault(self.tasks[id].owner, {})[id] = found
        return report

    # Time

    def refresh(self, now_us: int) -> None:
        """Drops slots that are over, and tasks. After a step back of the clock all is looked at anew."""
        if now_us < self._now_us:
            self._begin_anew(now_us)
        if now_us != self._now_us:
            self._cut_now.clear()
        self._now_us = now_us
        for time_us, _, task, slot in self._agenda.due(now_us):
            self.changes += 1
            if slot is None:
                if time_us == task.hull_end_us:
                    self._end(task)
                else:
                    self._start(task)
            elif time_us == slot.start_us:
                self._open.add(slot.device)
                self._start(task)
            else:
                self._drop(task, slot)
                if not task.slots and not task.preempted:
                    self._end(task)

    def _start(self, task: Task) -> None:
        if not task.has_started:
            task.has_started = True
            self.active += 1
            self._news.started.append(task)

    def _begin_anew(self, now_us: int) -> None:
        """The clock was set back: what has begun may not have."""
        self._open.clear()
        for task in self.tasks.values():
            task.has_started = task.preempted or task.hull_start_us <= now_us
        self.active = sum([task.has_started for task in self.tasks.values()])
        self._agenda.rebuild(self.tasks.values())

    def take_news(self) -> News:
        """What has started and ended since the last call."""
        news, self._news = self._news, News([], [])
        return news

    def next_edge_us(self, now_us: int) -> int | None:
        """When the next slot begins or ends."""
        self.refresh(now_us)
        return self._agenda.next_us()

    # Locks

    def holder(self, device: str, now_us: int) -> Holder | None:
        """Who may write to a device."""
        slots = self._devices.get(device)
        entry = slots.at(now_us) if slots is not None else None
        return None if entry is None else Holder(self.tasks[entry.task].owner, entry.task, entry.end_us)

    def holders(self, now_us: int) -> dict[str, Holder]:
        """All devices that are held, by name."""
        self.refresh(now_us)
        found: dict[str, Holder] = {}
        for device in sorted(self._open):
            holder = self.holder(device, now_us)
            if holder is None:
                self._open.discard(device)
            else:
                found[device] = holder
        return found

    def devices(self) -> list[str]:
        """All devices with slots, by name."""
        return sorted(self._devices)

    def slots_of(self, device: str, start_us: int, end_us: int) -> list[tuple[Task, Slot]]:
        """The slots of a device that overlap [start, end) and are not over, in order of time, with their tasks."""
        slots = self._devices.get(device)
        entries = [] if slots is None else slots.overlapping(start_us, end_us)
        return [(self.tasks[entry.task], entry.slot) for entry in entries]

    # Keeping

    def restore(self, tasks: Iterable[Task], now_us: int) -> None:
        """Takes over tasks that were kept; what has ended meanwhile is left out."""
        for task in tasks:
            if task.state(now_us) is not TaskState.FINISHED:
                task.has_started = task.preempted or task.hull_start_us <= now_us
                self.active += task.has_started
                self.tasks[task.id] = task
                for slot in task.slots:
                    self._devices.setdefault(slot.device, DeviceSlots()).append(task, slot)
        # All at once: one by one it would take a second for 100,000.
        for device in self._devices.values():
            device.sort()
        self._agenda.rebuild(self.tasks.values())
        self.changes += 1
        self.refresh(now_us)

    def _add(self, task: Task) -> None:
        self.tasks[task.id] = task
        for slot in task.slots:
            self._devices.setdefault(slot.device, DeviceSlots()).add(task, slot)
        self._agenda.add(task)
        self.active += task.has_started
        self.changes += 1

    def _drop(self, task: Task, slot: Slot) -> None:
        del task.slots[slot]
        self._remove(task, slot)

    def _remove(self, task: Task, slot: Slot) -> None:
        device = self._devices[slot.device]
        device.remove(task, slot)
        if device.is_empty():
            del self._devices[slot.device]

    def _end(self, task: Task) -> None:
        self._forget(task)
        self._news.ended.append(task)

    def _forget(self, task: Task) -> None:
        del self.tasks[task.id]
        for slot in task.slots:
            self._remove(task, slot)
        self._agenda.forget(task)
        self.active -= task.has_started
        self.changes += 1


def _first_fault(slots: Sequence[Slot]) -> Refused | None:
    """What is wrong with slots in themselves; the first in the order of the list counts."""
    by_device: dict[str, list[tuple[int, int]]] = {}
    for slot in slots:
        if slot.start_us >= slot.end_us:
            why = "before it ends" if slot.start_us > slot.end_us else "at another time than it ends"
            return Refused(Failure.MALFORMED_REQUEST, {}, f"ValueError: a slot of {slot.device} must start {why}")
        spans = by_device.setdefault(slot.device, [])
        place = bisect_left(spans, (slot.start_us, slot.end_us))
        follows_on = not place or spans[place - 1][1] <= slot.start_us
        if not follows_on or (place < len(spans) and spans[place][0] < slot.end_us):
            return Refused(Failure.REQUEST_CONFLICTS_WITH_SELF, {})
        spans.insert(place, (slot.start_us, slot.end_us))
    return None
