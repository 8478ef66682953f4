"""When slots begin and end: what comes next, and what has come, in order of time."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from kittiwake_components.actuator.tasks import Slot, Task

_STALE_ALLOWED = 1024

Edge = tuple[int, int, "Task", "Slot | None"]
"""Time, order of making, task, and the slot that begins or ends then; none where only the whole task does."""


class Agenda:
    """The edges of the tasks in `tasks`; those of a task that is no longer there are skipped, and swept out in time."""

    def __init__(self, tasks: dict[str, Task]) -> None:
        self._tasks = tasks
        self._slots: list[Edge] = []
        self._wholes: list[Edge] = []
        self._made = 0
        self._stale = 0

    def add(self, task: Task) -> None:
        """Notes the edges of a task."""
        for time_us, slot in _edges(task):
            self._made += 1
            heappush(self._wholes if slot is None else self._slots, (time_us, self._made, task, slot))

    def forget(self, task: Task) -> None:
        """The task was taken out; its edges ahead are stale."""
        self._stale += 2 * len(task.slots) + 1
        if self._stale > _STALE_ALLOWED and self._stale > len(self._slots) // 2:
            self.rebuild(self._tasks.values())

    def rebuild(self, tasks: Iterable[Task]) -> None:
        """Begins anew with these tasks, with the edges that have come as well."""
        self._slots, self._wholes = [], []
        self._stale = 0
        for task in tasks:
            for time_us, slot in _edges(task):
                self._made += 1
                (self._wholes if slot is None else self._slots).append((time_us, self._made, task, slot))
        heapify(self._slots)
        heapify(self._wholes)

    def due(self, now_us: int) -> Iterator[Edge]:
        """Takes out the edges that have come."""
        # Whoever is told of an edge may forget tasks, and so begin the lists anew.
        while self._slots and self._slots[0][0] <= now_us:
            edge = heappop(self._slots)
            if self._is_live(edge[2]):
                yield edge
        while self._wholes and self._wholes[0][0] <= now_us:
            edge = heappop(self._wholes)
            if self._is_live(edge[2]):
                yield edge

    def next_us(self) -> int | None:
        """When the next slot begins or ends."""
        while self._slots and not self._is_live(self._slots[0][2]):
            heappop(self._slots)
        return self._slots[0][0] if self._slots else None

    def _is_live(self, task: Task) -> bool:
        return self._tasks.get(task.id) is task


def _edges(task: Task) -> Iterator[tuple[int, Slot | None]]:
    for slot in task.slots:
        yield slot.start_us, slot
        yield slot.end_us, slot
    if task.preempted:
        yield task.hull_end_us, None
    elif not task.has_started and all(slot.start_us > task.hull_start_us for slot in task.slots):
        yield task.hull_start_us, None  # its first slot is over, and then the clock was set back
