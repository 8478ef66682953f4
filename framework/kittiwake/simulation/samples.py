"""What the summary of a mission draws: gauges of the world, modes, queues, slips and drops, sampled in its time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.platform.interface import NS_PER_S

if TYPE_CHECKING:
    from kittiwake.simulation.mission import Mission
    from kittiwake.simulation.witness import SeenEvent

COUNT = 600


class Samples:
    """`rows` are (time, values by name), at most `COUNT` of them; `awake` is a share of the time."""

    def __init__(self, length_ns: int) -> None:
        self.rows: list[tuple[int, dict[str, float]]] = []
        self.modes: dict[int, str] = {}
        self.warnings = self.drops = self.slips = 0
        self._every_ns = max(length_ns // COUNT, NS_PER_S)
        self._due_ns = self._last_ns = self._awake_ns = 0
        self._state: dict[str, float] = {}

    def note_event(self, event: SeenEvent) -> None:
        """Counts warnings, and cycles that slipped."""
        self.warnings += event.severity <= 3
        self.slips += event.declared.name == "rate_group_cycle_slip"

    def note_drop(self) -> None:
        """Counts messages that found no room."""
        self.drops += 1

    def take(self, mission: Mission) -> None:
        """Takes a sample if one is due. What was awake between two samples counts in the second."""
        is_awake = mission.machine.deployment is not None
        self._awake_ns += is_awake * (mission.now_ns - self._last_ns)
        self._last_ns = mission.now_ns
        if mission.now_ns < self._due_ns:
            return
        if is_awake:
            self.note_state(mission)
        values = {**mission.world.gauges(), **self._state, "slips": float(self.slips), "drops": float(self.drops)}
        passed_ns = mission.now_ns - (self.rows[-1][0] if self.rows else 0)
        values["awake"] = self._awake_ns / passed_ns if passed_ns else 0.0
        self.rows.append((mission.now_ns, values))
        self._due_ns = mission.now_ns + self._every_ns
        self._awake_ns = 0
        self._state = {}

    def note_state(self, mission: Mission) -> None:
        """Keeps queues and mode for the next sample; also before the machine goes dark."""
        deployment: Any = mission.machine.deployment
        for queue in deployment.queues():
            name = f"queue {queue.name}"
            self._state[name] = max(float(queue.high), self._state.get(name, 0.0))
        for manager in mission.machine.instances("ModeManager"):
            if manager.current_mode is not None:
                mode = manager.mode.state
                self.modes[int(mode)] = mode.name
                self._state["mode"] = float(mode)


__all__ = ["Samples"]
