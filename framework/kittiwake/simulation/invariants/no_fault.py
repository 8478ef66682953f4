"""No handler raises, and no event is FATAL: whatever the disk, the link and the devices do is met and reported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.model.events import Severity
from kittiwake.simulation.invariants.base import Invariant

if TYPE_CHECKING:
    from kittiwake.simulation.witness import SeenEvent


class NoFault(Invariant):
    """Looks at what the runtime finds, and at FATAL events."""

    name = "no_unhandled_fault"

    def saw_fault(self, instance: str, handler: str, reason: str) -> None:
        self.broken(f"{instance}.{handler} raised {reason}")

    def saw_event(self, event: SeenEvent) -> None:
        if event.severity is Severity.FATAL:
            self.broken(f"FATAL event {event}")


__all__ = ["NoFault"]
