"""The slots of one device, in order of time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from kittiwake_components.actuator.tasks import Slot, Task

_END_OF_TIME = 1 << 80


class Entry(NamedTuple):
    """A slot in the order of a device; the task's id settles equal times."""

    start_us: int
    end_us: int
    task: str
    slot: Slot


class DeviceSlots:
    """The slots of one device. Those of tasks at work never overlap; what grace has left of others may."""

    __slots__ = ("_left", "_ordered")

    def __init__(self) -> None:
        self._ordered: list[Entry] = []
        self._left: list[Entry] = []

    def add(self, task: Task, slot: Slot) -> None:
        """Takes in a slot of a task."""
        entry = Entry(slot.start_us, slot.end_us, task.id, slot)
        if task.preempted:
            self._left.append(entry)
        else:
            insort(self._ordered, entry)

    def append(self, task: Task, slot: Slot) -> None:
        """Takes in one of many slots, after which `sort` puts all in their order."""
        (self._left if task.preempted else self._ordered).append(Entry(slot.start_us, slot.end_us, task.id, slot))

    def sort(self) -> None:
        """Puts slots that were appended in their order."""
        self._ordered.sort()

    def remove(self, task: Task, slot: Slot) -> None:
        """Gives a slot up that was added for that task."""
        entry = Entry(slot.start_us, slot.end_us, task.id, slot)
        if task.preempted:
            self._left.remove(entry)
        else:
            del self._ordered[bisect_left(self._ordered, entry)]

    def overlapping(self, start_us: int, end_us: int) -> list[Entry]:
        """Those that overlap [start, end), in order of time; slots that touch do not."""
        place = bisect_left(self._ordered, (start_us,))
        if place and self._ordered[place - 1].end_us > start_us:
            place -= 1
        found = []
        while place < len(self._ordered) and self._ordered[place].start_us < end_us:
            found.append(self._ordered[place])
            place += 1
        found += [one for one in self._left if one.start_us < end_us and start_us < one.end_us]
        return sorted(found)

    def at(self, now_us: int) -> Entry | None:
        """The one that is open; what grace has left comes first."""
        for one in self._left:
            if one.start_us <= now_us < one.end_us:
                return one
        place = bisect_right(self._ordered, (now_us, _END_OF_TIME)) - 1
        if place >= 0 and now_us < self._ordered[place].end_us:
            return self._ordered[place]
        return None

    def is_empty(self) -> bool:
        """Whether the device has no slot."""
        return not self._ordered and not self._left
