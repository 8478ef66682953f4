"""A simulated building: devices by address, with points that follow waveforms and can be written by priority.

    building = building_of(platform)
    unit = building.device("ahu1")
    unit.hangs.add("read")                     # as a test does
    unit.point("analog-output,1").priorities   # {8: 21.5}

Points are made when they are first asked for. Time is that of whoever looks; nothing runs between two looks. A test
that cuts the power hands the building to the next machine by `settle_on`: what stands outside keeps what was written.
"""

from __future__ import annotations

from math import pi, sin
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

from kittiwake.platform.seeded import SeededRandom

if TYPE_CHECKING:
    from kittiwake.platform.interface import Platform

Value: TypeAlias = bool | int | float | str | None

WAVEFORMS = ("constant", "sine", "square", "ramp", "random")
MAX_POINTS = 10_000
LOWEST_PRIORITY = 16


class SimulatedPoint:
    """One point: what it shows by itself, and what was written to it, by priority (1 is the highest)."""

    def __init__(self, *, is_writable: bool, is_binary: bool, resting: Value = 0.0) -> None:
        self.is_writable = is_writable
        self.is_binary = is_binary
        self.resting = resting
        self.waveform = "constant"
        self.low, self.high, self.period_s = 0.0, 1.0, 3600.0
        self.fault = ""
        """Why it cannot be read, if it cannot."""
        self.priorities: dict[int, Value] = {}

    def value(self, now_s: float) -> Value:
        """What it shows at a time: what was written with the highest priority, or else its own."""
        if self.priorities:
            return self.priorities[min(self.priorities)]
        if self.waveform == "constant":
            return self.resting
        wave = self._wave(now_s)
        return wave >= 0.5 if self.is_binary else self.low + (self.high - self.low) * wave

    def _wave(self, now_s: float) -> float:
        """From 0 to 1."""
        cycles = now_s / self.period_s
        if self.waveform == "sine":
            return (1.0 + sin(2.0 * pi * cycles)) / 2.0
        if self.waveform == "square":
            return 1.0 if cycles % 1.0 < 0.5 else 0.0
        if self.waveform == "ramp":
            return cycles % 1.0
        return SeededRandom(int(cycles)).uniform(0.0, 1.0)

    def write(self, value: Value, priority: int | None) -> None:
        """Takes a value for a priority (the lowest if none is given), or releases it with `None`."""
        place = LOWEST_PRIORITY if priority is None else priority
        if value is None:
            self.priorities.pop(place, None)
        else:
            self.priorities[place] = value


class SimulatedUnit:
    """One device. Tests change its public parts at any time.

    It takes `latency_s` for each operation; those named in `hangs` are never answered, those in `fails` are refused
    with that reason. Operations: open, read, write, subscribe, discover, close. `opened` and `closed` count sessions.
    """

    def __init__(self) -> None:
        self.latency_s = 0.0
        self.hangs: set[str] = set()
        self.fails: dict[str, str] = {}
        self.opened = self.closed = self.reads = 0
        self.points: dict[str, SimulatedPoint] = {}

    def point(self, name: str) -> SimulatedPoint:
        """The point of an identifier such as `analog-value,3`, made where there was none; inputs are read only."""
        found = self.points.get(name)
        if found is None:
            if len(self.points) >= MAX_POINTS:
                raise LookupError(f"a simulated device has at most {MAX_POINTS} points")
            kind = name.partition(",")[0]
            is_binary = kind.startswith("binary")
            resting: Value = 1 if kind.startswith("multi-state") else False if is_binary else 0.0
            found = SimulatedPoint(is_writable=not kind.endswith("input"), is_binary=is_binary, resting=resting)
            self.points[name] = found
        return found


class Building:
    """All devices, by address."""

    def __init__(self) -> None:
        self.devices: dict[str, SimulatedUnit] = {}

    def device(self, address: str) -> SimulatedUnit:
        """The device at an address, made where there was none."""
        return self.devices.setdefault(address, SimulatedUnit())


_BUILDINGS: WeakKeyDictionary[Platform, Building] = WeakKeyDictionary()


def building_of(platform: Platform) -> Building:
    """The building around a machine; an empty one if there was none."""
    found = _BUILDINGS.get(platform)
    return settle_on(platform, Building()) if found is None else found


def settle_on(platform: Platform, building: Building) -> Building:
    """Puts a building around a machine."""
    _BUILDINGS[platform] = building
    return building
