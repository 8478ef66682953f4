"""A simulated satellite: battery, panel, switched loads, temperatures, light, burn wires with their antenna, attitude.

Its devices are read and written as Linux shows real ones below /sys: a folder for each device, in it attributes that
are numbers, under the names and in the units of the kernel's hwmon and IIO interfaces.

    craft = spacecraft_of(platform)
    craft.read("rails/sys/in1_input")          # 7412.0 (mV)
    craft.write("switches/face0/value", 1)
    craft.battery.charge = 0.05                # as a test does

Time is the platform's clock since boot; nothing runs between two looks. All of it repeats under the seed.
"""

from __future__ import annotations

import errno
from math import exp, pi, sin
from struct import Struct
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from kittiwake.platform.interface import NS_PER_S
from kittiwake.platform.seeded import SeededRandom
from kittiwake.simulation.attitude import Attitude, Vector
from kittiwake.simulation.power import PANEL_VOLTAGE_V, Battery, Loads, Sun

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake.platform.interface import Clock, Platform

    Reader = Callable[["Spacecraft", str, str], float | None]
    Place = tuple[str, str, str, Reader]

FACES = tuple(f"face{number}" for number in range(6))
CELLS = ("battery1", "battery2", "battery3", "battery4")
LIGHTS = tuple(f"face{number}" for number in range(8))
AXES = ("x", "y", "z")

LOADS_W = {
    **dict.fromkeys(FACES, 0.1),
    "payloadPower": 2.5,
    "payloadBattery": 0.5,
    "heater": 1.5,
    "burnwire": 6.0,
    "transmitter": 1.5,
}
"""What each load draws while it is on, in watts."""

LIGHT_C, DARK_C, FACE_TAU_S = 42.0, -22.0, 900.0
CELL_C, CELL_TAU_S, CELL_C_PER_W, HEATER_C = 12.0, 3600.0, 1.5, 9.0
PROCESSOR_C, PROCESSOR_TAU_S = 34.0, 120.0

SUN_LUX = 120_000.0
RATE_SCALE = 0.0003054
FIELD_SCALE = 0.0015
GAUSS_PER_T = 10_000.0
DIPOLE_MAX_A_M2 = 0.04
DRIVE_MAX = 127

STEP_S = 10.0
_STATE = Struct(">3d?17d")


class Spacecraft:
    """The satellite. `release_s` of heat let the antenna go, unless it `is_stuck`; the rest is in SI units and hours.

    Public parts may be changed by tests and scenarios at any time: `battery.charge`, `panel_w`, `is_stuck`,
    `antenna_released`, `attitude.rate`. Devices named in `broken` answer as unplugged ones do.
    """

    def __init__(
        self, clock: Clock, *, seed: int = 1, charge: float = 0.8, capacity_wh: float = 38.0,
        resistance_ohm: float = 0.12, base_w: float = 1.2, panel_w: float = 6.0, orbit_s: float = 5560.0,
        eclipse_share: float = 0.36, release_s: float = 4.0, is_stuck: bool = False, rate_deg_s: float = 12.0,
    ) -> None:  # fmt: skip
        self._clock = clock
        self._seen_ns = clock.now_ns()
        self.battery = Battery(capacity_wh, charge, resistance_ohm)
        self.sun = Sun(orbit_s, eclipse_share)
        self.loads = Loads(base_w, dict(LOADS_W))
        self.panel_w = panel_w
        self.release_s = release_s
        self.is_stuck = is_stuck
        self.antenna_released = False
        self.heat_s = 0.0
        self.burning: set[str] = set()
        self.temperatures_c = {**dict.fromkeys(FACES, 10.0), **dict.fromkeys(CELLS, CELL_C), "processor": 25.0}
        self.attitude = Attitude(_random_rate(SeededRandom(seed), rate_deg_s * pi / 180.0))
        self.broken: set[str] = set()
        self._drives = dict.fromkeys(AXES, 0)
        self._places: dict[str, Place] = {}

    # Time

    def update(self) -> None:
        """Lets the time since the last look pass."""
        now_ns = self._clock.now_ns()
        if now_ns == self._seen_ns:
            return
        left_s = (now_ns - self._seen_ns) / NS_PER_S
        self._seen_ns = now_ns
        while left_s > 0.0:
            step_s = min(left_s, STEP_S)
            self._step(step_s)
            left_s -= step_s

    def _step(self, step_s: float) -> None:
        self.battery.draw(self.loads.total_w() - self.generated_w(), step_s)
        if self.burning:
            self.heat_s += step_s
            if self.heat_s >= self.release_s and not self.is_stuck:
                self.antenna_released = True
        else:
            self.heat_s = max(self.heat_s - step_s, 0.0)
        self._warm(step_s)
        self.attitude.pass_time(step_s, self.sun.turn)
        self.sun.pass_time(step_s)

    def _warm(self, step_s: float) -> None:
        temperatures = self.temperatures_c
        outside_c = LIGHT_C if self.sun.is_shining else DARK_C
        approach = 1.0 - exp(-step_s / FACE_TAU_S)
        for name in FACES:
            temperatures[name] += (outside_c - temperatures[name]) * approach
        inside_c = CELL_C + CELL_C_PER_W * (self.loads.total_w() - self.loads.base_w)
        if "heater" in self.loads.on:
            inside_c += HEATER_C
        approach = 1.0 - exp(-step_s / CELL_TAU_S)
        for name in CELLS:
            temperatures[name] += (inside_c - temperatures[name]) * approach
        temperatures["processor"] += (PROCESSOR_C - temperatures["processor"]) * (1.0 - exp(-step_s / PROCESSOR_TAU_S))

    def generated_w(self) -> float:
        """What the panel gives now; with a full battery only what is drawn."""
        if not self.sun.is_shining:
            return 0.0
        return self.panel_w if self.battery.charge < 1.0 else min(self.panel_w, self.loads.total_w())

    # Devices

    def read(self, path: str) -> float:
        """An attribute of a device. Raises `FileNotFoundError` for an unknown one, `OSError` for one that is broken."""
        self.update()
        device, attribute, name, read = self._places.get(path) or self._place(path)
        if device in self.broken:
            raise OSError(errno.EIO, "Input/output error", path)
        value = read(self, name, attribute)
        if value is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return value if attribute in SCALES else float(round(value))

    def write(self, path: str, value: int) -> None:
        """Sets an attribute. Raises `FileNotFoundError` or `OSError` as `read` does."""
        self.update()
        device, attribute, name, _ = self._place(path)
        kind = device.partition("/")[0]
        if device in self.broken:
            raise OSError(errno.EIO, "Input/output error", path)
        if attribute != "value":
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        if kind == "switches":
            (self.loads.on.add if value else self.loads.on.discard)(name)
        elif kind == "burnwires":
            (self.burning.add if value else self.burning.discard)(name)
            (self.loads.on.add if self.burning else self.loads.on.discard)("burnwire")
        elif kind == "torquers" and name in AXES:
            self._drives[name] = max(-DRIVE_MAX, min(DRIVE_MAX, value))
            x, y, z = [self._drives[axis] * DIPOLE_MAX_A_M2 / DRIVE_MAX for axis in AXES]
            self.attitude.dipole = (x, y, z)
        else:
            raise PermissionError(errno.EACCES, "Permission denied", path)

    def _place(self, path: str) -> Place:
        """What a path means, kept for the next time: devices are read over and over."""
        device, _, attribute = path.rpartition("/")
        kind, _, name = device.partition("/")
        found = self._places[path] = (device, attribute, name, _READERS.get(kind, Spacecraft._read_nothing))
        return found

    def _read_nothing(self, name: str, attribute: str) -> None:
        return None

    def _read_rail(self, name: str, attribute: str) -> float | None:
        drawn_w, generated_w = self.loads.total_w(), self.generated_w()
        if name == "sys":
            volts, watts = self.battery.terminal_v(drawn_w - generated_w), drawn_w
        elif name == "solar":
            volts, watts = (PANEL_VOLTAGE_V if self.sun.is_shining else 0.1), generated_w
        else:
            return None
        if attribute == "in1_input":
            return volts * 1e3
        if attribute == "curr1_input":
            return watts / volts * 1e3
        return watts * 1e6 if attribute == "power1_input" else None

    def _read_switch(self, name: str, attribute: str) -> float | None:
        return float(name in self.loads.on) if attribute == "value" else None

    def _read_burnwire(self, name: str, attribute: str) -> float | None:
        return float(name in self.burning) if attribute == "value" else None

    def _read_antenna(self, name: str, attribute: str) -> float | None:
        return float(self.antenna_released) if attribute == "value" else None

    def _read_thermometer(self, name: str, attribute: str) -> float | None:
        celsius = self.temperatures_c.get(name)
        return celsius * 1e3 if celsius is not None and attribute == "temp1_input" else None

    def _read_light(self, name: str, attribute: str) -> float | None:
        if name not in LIGHTS or attribute != "in_illuminance_input":
            return None
        if not self.sun.is_shining:
            return 0.0
        return SUN_LUX * max(sin(2.0 * pi * (self.sun.turn + LIGHTS.index(name) / len(LIGHTS))), 0.02)

    def _read_imu(self, name: str, attribute: str) -> float | None:
        if attribute in SCALES:
            return SCALES[attribute]
        kind, _, axis = attribute.removesuffix("_raw").rpartition("_")
        if axis not in AXES:
            return None
        index = AXES.index(axis)
        if kind == "in_anglvel":
            return self.attitude.rate[index] / RATE_SCALE
        if kind == "in_magn":
            return self.attitude.field(self.sun.turn)[index] * GAUSS_PER_T / FIELD_SCALE
        return 0.0 if kind == "in_accel" else None

    def _read_torquer(self, name: str, attribute: str) -> float | None:
        return self._drives.get(name) if attribute == "value" else None

    # What outlives a restart

    def pack(self) -> bytes:
        """What a restart of the computer does not change: charge, orbit, heat, antenna, temperatures, attitude."""
        self.update()
        w, *turned = self.attitude.pose
        if w < 0.0:
            turned = [-part for part in turned]  # the same rotation
        return _STATE.pack(
            self.battery.charge, self.sun.phase_s, self.heat_s, self.antenna_released,
            *self.temperatures_c.values(), *self.attitude.rate, *turned,
        )  # fmt: skip

    def restore(self, state: bytes) -> None:
        """Takes up what `pack` gave. Raises `ValueError` for bytes that it did not give."""
        if len(state) != _STATE.size:
            raise ValueError(f"a spacecraft's state has {_STATE.size} bytes, not {len(state)}")
        charge, phase_s, heat_s, released, *rest = _STATE.unpack(state)
        if not (0.0 <= charge <= 1.0 and all(-1e6 < number < 1e6 for number in (phase_s, heat_s, *rest))):
            raise ValueError("numbers of a spacecraft's state are out of range")
        self.battery.charge, self.heat_s, self.antenna_released = charge, heat_s, released
        self.sun.phase_s = phase_s % self.sun.orbit_s
        self.temperatures_c = dict(zip(self.temperatures_c, rest, strict=False))
        x, y, z = rest[-3:]
        squares = x * x + y * y + z * z
        if squares <= 1.0:
            self.attitude.pose = ((1.0 - squares) ** 0.5, x, y, z)
        self.attitude.rate = (rest[-6], rest[-5], rest[-4])
        self._seen_ns = self._clock.now_ns()


_READERS: dict[str, Reader] = {
    "rails": Spacecraft._read_rail,
    "switches": Spacecraft._read_switch,
    "burnwires": Spacecraft._read_burnwire,
    "antenna": Spacecraft._read_antenna,
    "thermometers": Spacecraft._read_thermometer,
    "light": Spacecraft._read_light,
    "imu": Spacecraft._read_imu,
    "torquers": Spacecraft._read_torquer,
}

DEVICES = frozenset(_READERS)
"""The kinds of simulated devices: the first part of their names."""

SCALES = {"in_anglvel_scale": RATE_SCALE, "in_magn_scale": FIELD_SCALE, "in_accel_scale": 0.000598}


def _random_rate(random: SeededRandom, speed: float) -> Vector:
    parts = [random.uniform(-1.0, 1.0) for _ in AXES]
    size = max(sum([part * part for part in parts]) ** 0.5, 1e-3)
    return (parts[0] * speed / size, parts[1] * speed / size, parts[2] * speed / size)


_SPACECRAFT: WeakKeyDictionary[Platform, Spacecraft] = WeakKeyDictionary()


def spacecraft_of(platform: Platform) -> Spacecraft:
    """The spacecraft of a machine; one with the defaults if none was launched."""
    craft = _SPACECRAFT.get(platform)
    return launch(platform, Spacecraft(platform.clock)) if craft is None else craft


def launch(platform: Platform, craft: Spacecraft) -> Spacecraft:
    """Gives a machine this spacecraft."""
    _SPACECRAFT[platform] = craft
    return craft
