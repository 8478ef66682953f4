"""Who may write to which device, and when: tasks of many slots, priorities, preemption with a grace time.

The rules are those of VOLTTRON's ActuatorAgent. Nothing here knows a clock, a file or a message: every call is told the
time, in microseconds since the Unix epoch. Each device keeps its slots in order of time, so that a request costs the
logarithm of what is scheduled, not all of it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from enum import Enum, IntEnum, StrEnum
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_TASKS = 200_000
MAX_SLOTS_A_TASK = 10_000


class Priority(Enum):
    """What a task may do to others, and others to it."""

    HIGH = "HIGH"
    """It is never preempted, and preempts what may be."""
    LOW = "LOW"
    """It is preempted only before it has started."""
    LOW_PREEMPT = "LOW_PREEMPT"
    """It is preempted at any time; what is open has a grace time."""


class TaskState(IntEnum):
    """How a task stands; a function of time."""

    PRE_RUN = 0
    RUNNING = 1
    PREEMPTED = 2
    FINISHED = 3


class Failure(StrEnum):
    """Why a request was refused, by the original's texts."""

    TASK_ID_ALREADY_EXISTS = "TASK_ID_ALREADY_EXISTS"
    MALFORMED_REQUEST_EMPTY = "MALFORMED_REQUEST_EMPTY"
    REQUEST_CONFLICTS_WITH_SELF = "REQUEST_CONFLICTS_WITH_SELF"
    CONFLICTS_WITH_EXISTING_SCHEDULES = "CONFLICTS_WITH_EXISTING_SCHEDULES"
    TASK_ID_DOES_NOT_EXIST = "TASK_ID_DOES_NOT_EXIST"
    AGENT_ID_TASK_ID_MISMATCH = "AGENT_ID_TASK_ID_MISMATCH"
    TOO_MANY = "REQUEST_REFUSED_TOO_MANY"
    """Ours: the limit of tasks or slots is reached."""


class Slot(NamedTuple):
    """The use of a device from `start_us` to before `end_us`; the offsets are those in which the times were given."""

    device: str
    start_us: int
    end_us: int
    start_offset_s: int = 0
    end_offset_s: int = 0


class Task:
    """A task that was accepted. `hull_start_us` to `hull_end_us` is its whole time, gaps included."""

    __slots__ = ("hull_end_us", "hull_start_us", "id", "owner", "preempted", "priority", "slots")

    def __init__(self, id: str, owner: str, priority: Priority, slots: list[Slot], *, preempted: bool = False) -> None:
        self.id = id
        self.owner = owner
        self.priority = priority
        self.slots = slots
        self.preempted = preempted
        self.hull_start_us = min(slot.start_us for slot in slots)
        self.hull_end_us = max(slot.end_us for slot in slots)

    def state(self, now_us: int) -> TaskState:
        """How it stands."""
        if now_us >= self.hull_end_us:
            return TaskState.FINISHED
        if self.preempted:
            return TaskState.PREEMPTED
        return TaskState.RUNNING if now_us >= self.hull_start_us else TaskState.PRE_RUN


class Accepted(NamedTuple):
    """A request that was accepted: whom it preempted, as (owner, task), and its own devices that are open at once."""

    preempted: tuple[tuple[str, str], ...]
    open_devices: tuple[str, ...]


class Refused(NamedTuple):
    """A request that was refused; `conflicts` is owner -> task -> its clashing slots."""

    why: Failure
    conflicts: dict[str, dict[str, list[Slot]]]


class Holder(NamedTuple):
    """Who holds a device now, and until when."""

    owner: str
    task: str
    end_us: int


class _Entry(NamedTuple):
    """A slot in the order of a device; the task's id settles equal times."""

    start_us: int
    end_us: int
    task: str
    slot: Slot


class _DeviceSlots:
    """The slots of one device. Those of tasks at work never overlap; what grace has left of others may."""

    __slots__ = ("left", "ordered")

    def __init__(self) -> None:
        self.ordered: list[_Entry] = []
        self.left: list[_Entry] = []

    def overlapping(self, start_us: int, end_us: int) -> Iterator[_Entry]:
        """Those that overlap [start, end), in order of time; slots that touch do not."""
        place = bisect_left(self.ordered, (start_us,))
        if place and self.ordered[place - 1].end_us > start_us:
            place -= 1
        found = []
        while place < len(self.ordered) and self.ordered[place].start_us < end_us:
            found.append(self.ordered[place])
            place += 1
        found += [one for one in self.left if one.start_us < end_us and start_us < one.end_us]
        yield from sorted(found)

    def at(self, now_us: int) -> _Entry | None:
        """The one that is open; what grace has left comes first."""
        for one in self.left:
            if one.start_us <= now_us < one.end_us:
                return one
        place = bisect_right(self.ordered, (now_us, 1 << 80)) - 1
        if place >= 0 and now_us < self.ordered[place].end_us:
            return self.ordered[place]
        return None

    def remove(self, task: str, slot: Slot) -> None:
        entry = _Entry(slot.start_us, slot.end_us, task, slot)
        if entry in self.left:
            self.left.remove(entry)
            return
        place = bisect_left(self.ordered, entry)
        if place < len(self.ordered) and self.ordered[place] == entry:
            del self.ordered[place]

    def is_empty(self) -> bool:
        return not self.ordered and not self.left


class ScheduleBook:
    """All tasks. `grace_us` is what a preempted task keeps of its open slots, at most."""

    def __init__(self, grace_us: int) -> None:
        self.grace_us = grace_us
        self.tasks: dict[str, Task] = {}
        self._devices: dict[str, _DeviceSlots] = {}
        self._ends: list[tuple[int, str]] = []
        self._edges: list[int] = []

    # Requests

    def request(
        self, owner: str, task_id: str, priority: Priority, slots: Sequence[Slot], now_us: int
    ) -> Accepted | Refused:
        """Asks for slots. A refusal changes nothing.

        The caller has checked what the texts of a request say; slots that are over already are dropped here.
        """
        self.refresh(now_us)
        if task_id in self.tasks:
            return Refused(Failure.TASK_ID_ALREADY_EXISTS, {})
        if not slots:
            return Refused(Failure.MALFORMED_REQUEST_EMPTY, {})
        if _conflicts_with_itself(slots):
            return Refused(Failure.REQUEST_CONFLICTS_WITH_SELF, {})
        if len(self.tasks) >= MAX_TASKS or len(slots) > MAX_SLOTS_A_TASK:
            return Refused(Failure.TOO_MANY, {})
        wanted = [slot for slot in slots if slot.end_us > now_us]
        if not wanted:
            return Accepted((), ())  # wholly past: done in the same call
        clashes = self._clashes(wanted, now_us)
        kept = {id: found for id, found in clashes.items() if not self._may_preempt(priority, self.tasks[id], now_us)}
        if kept:
            return Refused(Failure.CONFLICTS_WITH_EXISTING_SCHEDULES, self._report(kept, wanted))
        victims = tuple((self.tasks[id].owner, id) for id in clashes)
        for id in clashes:
            self._preempt(self.tasks[id], now_us)
        self._add(Task(task_id, owner, priority, list(wanted)))
        opened = [slot.device for slot in wanted if slot.start_us <= now_us]
        return Accepted(victims, tuple(dict.fromkeys(opened)))

    def cancel(self, owner: str, task_id: str, now_us: int) -> Failure | None:
        """Takes a task back; `None` if that was done."""
        self.refresh(now_us)
        task = self.tasks.get(task_id)
        if task is None:
            return Failure.TASK_ID_DOES_NOT_EXIST
        if task.owner != owner:
            return Failure.AGENT_ID_TASK_ID_MISMATCH
        self._forget(task)
        return None

    def _clashes(self, wanted: list[Slot], now_us: int) -> dict[str, list[Slot]]:
        """Task -> its slots that overlap what is wanted, each once, in the order in which the request comes to them."""
        found: dict[str, list[Slot]] = {}
        for slot in wanted:
            device = self._devices.get(slot.device)
            if device is None:
                continue
            for entry in device.overlapping(slot.start_us, slot.end_us):
                if entry.end_us > now_us and entry.slot not in (slots := found.setdefault(entry.task, [])):
                    slots.append(entry.slot)
        return {id: slots for id, slots in found.items() if slots}

    @staticmethod
    def _may_preempt(priority: Priority, old: Task, now_us: int) -> bool:
        if priority is not Priority.HIGH or old.priority is Priority.HIGH:
            return False
        return old.priority is Priority.LOW_PREEMPT or old.state(now_us) is TaskState.PRE_RUN

    def _report(self, kept: dict[str, list[Slot]], wanted: list[Slot]) -> dict[str, dict[str, list[Slot]]]:
        order = {device: place for place, device in enumerate(dict.fromkeys(slot.device for slot in wanted))}
        report: dict[str, dict[str, list[Slot]]] = {}
        for id, slots in kept.items():
            slots.sort(key=lambda slot: (order[slot.device], slot.start_us))
            report.setdefault(self.tasks[id].owner, {})[id] = slots
        return report

    def _preempt(self, task: Task, now_us: int) -> None:
        """The whole task goes; of its open slots no more than the grace time is left. A second time changes nothing."""
        if task.preempted:
            return
        cut_us = now_us + self.grace_us
        left = [
            slot._replace(end_us=min(slot.end_us, cut_us))
            for slot in task.slots
            if slot.start_us <= now_us < slot.end_us and cut_us > now_us
        ]
        self._forget(task)
        if not left:
            return
        cut = Task(task.id, task.owner, task.priority, left, preempted=True)
        cut.hull_start_us, cut.hull_end_us = now_us, cut_us
        self._add(cut)

    # Time

    def refresh(self, now_us: int) -> list[str]:
        """Forgets what is over; the ids of the tasks that have ended."""
        ended = []
        while self._ends and self._ends[0][0] <= now_us:
            _, id = heappop(self._ends)
            task = self.tasks.get(id)
            if task is not None and task.state(now_us) is TaskState.FINISHED:
                self._forget(task)
                ended.append(id)
        return ended

    def next_edge_us(self, now_us: int) -> int | None:
        """When the next slot begins or ends, or a preempted task's grace is over."""
        edges = self._edges
        while edges and edges[0] <= now_us:
            heappop(edges)
        return edges[0] if edges else None

    # Locks

    def holder(self, device: str, now_us: int) -> Holder | None:
        """Who may write to a device."""
        slots = self._devices.get(device)
        entry = slots.at(now_us) if slots is not None else None
        return None if entry is None else Holder(self.tasks[entry.task].owner, entry.task, entry.end_us)

    def holders(self, now_us: int) -> dict[str, Holder]:
        """All devices that are held, by name."""
        found = {device: self.holder(device, now_us) for device in sorted(self._devices)}
        return {device: holder for device, holder in found.items() if holder is not None}

    # Keeping

    def restore(self, tasks: Iterable[Task], now_us: int) -> None:
        """Takes over tasks that were kept; what has ended meanwhile is left out."""
        for task in tasks:
            if task.state(now_us) is not TaskState.FINISHED:
                self._add(task)

    def _add(self, task: Task) -> None:
        self.tasks[task.id] = task
        for slot in task.slots:
            device = self._devices.setdefault(slot.device, _DeviceSlots())
            entry = _Entry(slot.start_us, slot.end_us, task.id, slot)
            if task.preempted:
                device.left.append(entry)
            else:
                insort(device.ordered, entry)
            heappush(self._edges, slot.start_us)
            heappush(self._edges, slot.end_us)
        heappush(self._ends, (task.hull_end_us, task.id))
        heappush(self._edges, task.hull_end_us)

    def _forget(self, task: Task) -> None:
        del self.tasks[task.id]
        for slot in task.slots:
            device = self._devices[slot.device]
            device.remove(task.id, slot)
            if device.is_empty():
                del self._devices[slot.device]


def _conflicts_with_itself(slots: Sequence[Slot]) -> bool:
    by_device: dict[str, list[tuple[int, int]]] = {}
    for slot in slots:
        by_device.setdefault(slot.device, []).append((slot.start_us, slot.end_us))
    for spans in by_device.values():
        spans.sort()
        if any(spans[place][0] < spans[place - 1][1] for place in range(1, len(spans))):
            return True
    return False


def shown(slot: Slot) -> list[Any]:
    """A slot as reports show it: `str` of the datetimes, in the offsets in which they were given."""
    return [slot.device, _text(slot.start_us, slot.start_offset_s), _text(slot.end_us, slot.end_offset_s)]


def _text(time_us: int, offset_s: int) -> str:
    from datetime import UTC, datetime, timedelta, timezone

    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    return str(moment.astimezone(timezone(timedelta(seconds=offset_s))))
