"""What is scheduled, as JSON has it: for pages, timelines and people. Each answer is as long as one reply takes."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from kittiwake_components.actuator.device_calls import packed
from kittiwake_components.actuator.schedules import REPORT_SIZE
from kittiwake_components.actuator.tasks import shown
from kittiwake_components.daily_window import US_PER_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kittiwake_components.actuator.schedules import Schedules

LISTED_SLOTS = 100
"""The most slots of one task in a list."""

T = TypeVar("T")


class Overviews:
    """Lists of the tasks, devices and slots of an actuator at the present time."""

    def __init__(self, schedules: Schedules, now_us: Callable[[], int]) -> None:
        self._schedules = schedules
        self._now_us = now_us

    def tasks(self, offset: int, limit: int) -> dict[str, Any]:
        """Tasks with their slots, as JSON has them; as many as one reply takes."""
        now_us = self._now_us()
        rows = (
            {
                "task": task.id, "owner": task.owner, "priority": task.priority.name,
                "state": task.state(now_us).name, "on_release": "revert" if task.reverts else "hold",
                "slot_count": len(task.slots), "slots": [shown(slot) for slot in islice(task.slots, LISTED_SLOTS)],
            }
            for task in self._schedules.listed(offset, limit)
        )  # fmt: skip
        return {"tasks": _fitting(rows), "offset": offset, "total": len(self._schedules.book.tasks)}

    def holders(self) -> dict[str, Any]:
        """Device -> owner, task and window in seconds, as many as one reply takes."""
        now_us = self._now_us()
        rows = (
            (device, {"owner": one.owner, "task": one.task, "window": (one.end_us - now_us) / US_PER_S})
            for device, one in self._schedules.holders().items()
        )
        return dict(_fitting(rows))

    def devices(self, offset: int, limit: int) -> dict[str, Any]:
        """Devices that have slots, by name, as many as one reply takes."""
        self._schedules.settle()
        names = self._schedules.book.devices()
        return {"devices": _fitting(names[offset : offset + limit]), "offset": offset, "total": len(names)}

    def slots(self, device: str, start_us: int, end_us: int) -> list[dict[str, Any]]:
        """The slots of a device in a span of time, for a timeline; as many as one reply takes."""
        self._schedules.settle()
        rows = []
        for task, slot in self._schedules.book.slots_of(device, start_us, end_us):
            _, start, end = shown(slot)
            rows.append({
                "task": task.id, "owner": task.owner, "priority": task.priority.name, "preempted": task.preempted,
                "start": start, "end": end,
            })  # fmt: skip
        return _fitting(rows)


def _fitting(rows: Iterable[T]) -> list[T]:
    """The first of the rows, as many as one reply takes."""
    found = []
    size = 0
    for row in rows:
        size += len(packed(row)) + 1
        if size > REPORT_SIZE:
            break
        found.append(row)
    return found
