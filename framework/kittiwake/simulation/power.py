"""The power of a small satellite: a battery of two lithium-ion cells in series, a solar panel, and the loads."""

from __future__ import annotations

from bisect import bisect_right
from math import sqrt

_CHARGES = (0.0, 0.05, 0.1, 0.2, 0.5, 0.8, 1.0)
_VOLTAGES = (5.6, 6.4, 6.8, 7.2, 7.5, 8.0, 8.4)
"""The open-circuit voltage of the pair over its charge; a straight line in between."""

PANEL_VOLTAGE_V = 5.2
SECONDS_PER_HOUR = 3600.0


class Battery:
    """`charge` from 0 (empty) to 1 (full), of `capacity_wh` watt-hours, behind `resistance_ohm`."""

    def __init__(self, capacity_wh: float, charge: float, resistance_ohm: float) -> None:
        self.capacity_wh = capacity_wh
        self.charge = charge
        self.resistance_ohm = resistance_ohm

    def open_circuit_v(self) -> float:
        """The voltage without a load."""
        index = min(bisect_right(_CHARGES, self.charge), len(_CHARGES) - 1)
        low, high = _CHARGES[index - 1], _CHARGES[index]
        share = (self.charge - low) / (high - low)
        return _VOLTAGES[index - 1] + share * (_VOLTAGES[index] - _VOLTAGES[index - 1])

    def terminal_v(self, power_w: float) -> float:
        """The voltage while `power_w` is drawn (negative: charged). Half of the open-circuit voltage is the least."""
        open_v = self.open_circuit_v()
        root = max(open_v * open_v - 4.0 * self.resistance_ohm * power_w, 0.0)
        return (open_v + sqrt(root)) / 2.0

    def draw(self, power_w: float, duration_s: float) -> None:
        """Takes energy out (negative: puts it in)."""
        energy_wh = power_w * duration_s / SECONDS_PER_HOUR
        self.charge = min(max(self.charge - energy_wh / self.capacity_wh, 0.0), 1.0)


class Sun:
    """Light and eclipse: the first part of each orbit is light. `phase_s` is the time since the orbit began."""

    def __init__(self, orbit_s: float, eclipse_share: float, phase_s: float = 0.0) -> None:
        self.orbit_s = orbit_s
        self.eclipse_share = eclipse_share
        self.phase_s = phase_s % orbit_s

    def pass_time(self, duration_s: float) -> None:
        """Lets time pass."""
        self.phase_s = (self.phase_s + duration_s) % self.orbit_s

    @property
    def turn(self) -> float:
        """Where in the orbit the satellite is, from 0 to 1."""
        return self.phase_s / self.orbit_s

    @property
    def is_shining(self) -> bool:
        """Whether the satellite is in the light."""
        return self.turn < 1.0 - self.eclipse_share


class Loads:
    """What draws power: `watts` of each load by name, of which those in `on` do. A name without watts draws none."""

    def __init__(self, base_w: float, watts: dict[str, float]) -> None:
        self.base_w = base_w
        self.watts = watts
        self.on: set[str] = set()

    def total_w(self) -> float:
        """What is drawn now, in watts."""
        on = self.on
        # Added up in the order of the loads: that of a set is another one in each process.
        return self.base_w + sum([watts for name, watts in self.watts.items() if name in on])
