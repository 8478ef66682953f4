"""The weight of the hive: an HX711 with its load cells, as IIO shows it."""

from __future__ import annotations

from kittiwake_components.sensors.device_readings import Attribute, DeviceReadings, Option, Reading


class Scale(DeviceReadings):
    """Weight: what the device reads, times `weight_multiple`, plus `weight_offset`."""

    readings = (Reading("weight", "g"),)
    attributes = (Attribute(("in_voltage0_raw", "weight"), 1.0, 42.0, 0.4),)

    weight_multiple = Option(1000.0, "Grams for each unit that the device reads.", unit="g", low=-1e9, high=1e9)
    weight_offset = Option(0.0, "Grams that are added.", unit="g", low=-1e9, high=1e9)

    def read(self) -> tuple[float, ...]:
        (value,) = super().read()
        return (value * self.weight_multiple + self.weight_offset,)
