"""What the summary of a mission draws: gauges of the world, modes, queues, slips and drops, sampled in its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.model.types import Enumeration, resolved
from kittiwake.platform.interface import NS_PER_S
from kittiwake.simulation.invariants.base import is_a

if TYPE_CHECKING:
    from kittiwake.simulation.mission import Mission
    from kittiwake.simulation.witness import SeenEvent

COUNT = 600


class Samples:
    """`rows` are (time, values by name), at most `COUNT` of them. A machine in the dark has no queues and no mode."""

    def __init__(self, length_ns: int) -> None:
        self.rows: list[tuple[int, dict[str, float]]] = []
        self.modes: dict[int, str] = {}
        self.warnings = self.drops = self.slips = 0
        self._every_ns = max(length_ns // COUNT, NS_PER_S)
        self._due_ns = 0

    def note_event(self, event: SeenEvent) -> None:
        """Counts warnings, and cycles that slipped."""
        self.warnings += event.severity <= 3
        self.slips += event.declared.name == "rate_group_cycle_slip"

    def note_drop(self) -> None:
        """Counts messages that found no room."""
        self.drops += 1

    def take(self, mission: Mission) -> None:
        """Takes a sample if one is due."""
        if mission.now_ns < self._due_ns:
            return
        self._due_ns = mission.now_ns + self._every_ns
        values = dict(mission.world.gauges())
        values |= {"slips": float(self.slips), "drops": float(self.drops), "awake": 0.0}
        deployment: Any = mission.machine.deployment
        if deployment is not None:
            values["awake"] = 1.0
            for queue in deployment.queues():
                values[f"queue {queue.name}"] = float(queue.high)
            for instance in deployment.instances.values():
                if is_a(instance, "ModeManager") and instance.current_mode is not None:
                    mode = int(instance.current_mode)
                    form = resolved(type(instance).__declarations__.channels["current_mode"].type)
                    self.modes[mode] = form.enum(mode).name if isinstance(form, Enumeration) else str(mode)
                    values["mode"] = float(mode)
        self.rows.append((mission.now_ns, values))


__all__ = ["Samples"]
