"""The rules of the schedule as one would write them down, for tests to compare with."""

from __future__ import annotations

from typing import Any

from kittiwake_components.actuator.schedule_book import Failure
from kittiwake_components.actuator.tasks import Slot
from kittiwake_components.actuator.wire_types import Priority


class Slow:
    """The rules as one would write them down: lists, and every question looks at everything."""

    def __init__(self, grace_us: int) -> None:
        self.grace_us = grace_us
        self.tasks: list[dict[str, Any]] = []

    def settle(self, now: int) -> None:
        self.tasks = [task for task in self.tasks if now < task["until"]]
        for task in self.tasks:
            task["slots"] = [one for one in task["slots"] if one.end_us > now]

    def named(self, id: str) -> dict[str, Any] | None:
        return next((task for task in self.tasks if task["id"] == id), None)

    def request(self, owner: str, id: str, priority: Priority, slots: list[Slot], now: int) -> Any:
        self.settle(now)
        if self.named(id):
            return Failure.TASK_ID_ALREADY_EXISTS
        for a in range(len(slots)):
            for b in range(a):
                if slots[a].device == slots[b].device and overlap(slots[a], slots[b]):
                    return Failure.REQUEST_CONFLICTS_WITH_SELF
        slots = [one for one in slots if one.end_us > now]
        clashing = [
            task for task in self.tasks
            if any(x.device == y.device and overlap(x, y) for x in task["slots"] for y in slots)
        ]  # fmt: skip
        for task in clashing:
            started = task["since"] <= now
            safe = task["priority"] is Priority.HIGH or (task["priority"] is Priority.LOW and started)
            if priority is not Priority.HIGH or safe:
                return Failure.CONFLICTS_WITH_EXISTING_SCHEDULES
        for task in clashing:
            if task["cut"]:
                continue
            opened = [one for one in task["slots"] if one.start_us <= now]
            task["slots"] = [one._replace(end_us=min(one.end_us, now + self.grace_us)) for one in opened]
            task["cut"] = True
            task["until"] = now + self.grace_us if opened else now
        self.settle(now)
        if slots:
            self.tasks.append({
                "id": id, "owner": owner, "priority": priority, "slots": list(slots), "cut": False,
                "since": min(one.start_us for one in slots), "until": max(one.end_us for one in slots),
            })  # fmt: skip
        return {(task["owner"], task["id"]) for task in clashing}

    def next_edge(self, now: int) -> int | None:
        edges = [edge for task in self.tasks for one in task["slots"] for edge in one[1:3] if edge > now]
        return min(edges, default=None)

    def holder(self, device: str, now: int) -> tuple[str, str] | None:
        self.settle(now)
        for cut in (True, False):
            for task in self.tasks:
                if task["cut"] is cut:
                    for one in task["slots"]:
                        if one.device == device and one.start_us <= now < one.end_us:
                            return task["owner"], task["id"]
        return None


def overlap(a: Slot, b: Slot) -> bool:
    return a.start_us < b.end_us and b.start_us < a.end_us
