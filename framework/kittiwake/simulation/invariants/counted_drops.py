"""What a full queue drops is counted under the port that it was for: nothing vanishes in silence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from kittiwake.simulation.invariants.base import Invariant

if TYPE_CHECKING:
    from kittiwake.runtime.deployment import Deployment

COUNTED = ("drop", "drop_oldest", "assert")
"""What ports declare whose drops the queue counts; hooks count for themselves, and `block` drops nothing."""


class CountedDrops(Invariant):
    """Compares each queue's count with what was seen."""

    name = "drops_counted"

    def begun(self) -> None:
        self._seen = Counter[tuple[str, str]]()

    def saw_drop(self, instance: str, port: str, full: str) -> None:
        if full in COUNTED:
            self._seen[instance, port] += 1

    def turn(self) -> None:
        deployment: Deployment | None = self.view.machine.deployment
        if deployment is None:
            return
        for queue in deployment.queues():
            for (instance, port), seen in self._seen.items():
                if instance == queue.name and queue.dropped.get(port, 0) < seen:
                    self.broken(f"{instance}.{port} dropped {seen} messages and counts {queue.dropped.get(port, 0)}")


__all__ = ["CountedDrops"]
