"""Sensors whose numbers the kernel shows in files: a folder of attributes below /sys, or made up.

A device is what decision 12 has devices be: a folder of numbers, as hwmon, IIO and 1-wire drivers show them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.sensors.sensor import NAN, Option, Reading, ReadingsSensor

if TYPE_CHECKING:
    from kittiwake.platform.interface import Platform

SIMULATED = "simulated"
_PERIOD_S = 86400.0


class Attribute(NamedTuple):
    """Where a reading is found: by the first of these names that is there, times `factor`.

    A made-up one swings by `swing` around `simulated`.
    """

    names: tuple[str, ...]
    factor: float = 1.0
    simulated: float = 0.0
    swing: float = 0.0


class DeviceReadings(ReadingsSensor):
    """A sensor over a device; `attributes` are those of `readings`, in their order."""

    device = Option(SIMULATED, f"The device's folder, as /sys/class/hwmon/hwmon2, or `{SIMULATED}`.")

    attributes: tuple[Attribute, ...] = ()

    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self._found: dict[Attribute, str] = {}

    def prepare(self) -> None:
        """Raises `ValueError` for a device that is no folder. One that is not there yet may come: until then NaN."""
        if self.device != SIMULATED and not self.device.startswith("/"):
            raise ValueError(f"device is a folder as /sys/class/hwmon/hwmon2, or {SIMULATED}, not {self.device!r}")
        self.is_simulated = self.device == SIMULATED

    def read(self) -> tuple[float, ...]:
        return tuple(self.attempt(partial(self._value, attribute)) for attribute in self.attributes)

    def _value(self, attribute: Attribute) -> float:
        if self.is_simulated:
            return self._made_up(attribute)
        if attribute not in self._found:
            present = [name for name in attribute.names if self.platform.files.exists(f"{self.device}/{name}")]
            if not present:
                return NAN
            self._found[attribute] = present[0]
        return self.number(f"{self.device}/{self._found[attribute]}") * attribute.factor

    def _made_up(self, attribute: Attribute) -> float:
        """A value that goes up and down once a day, with some noise."""
        from math import sin, tau

        phase = self.platform.clock.wall_ns() / 1e9 % _PERIOD_S / _PERIOD_S * tau
        noise = self.platform.random.uniform(-0.05, 0.05)
        return attribute.simulated + attribute.swing * (sin(phase) + noise)


__all__ = ["Attribute", "DeviceReadings", "Option", "Reading"]
