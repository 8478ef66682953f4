"""Particles in the air at the hive: an SPS30 or a PMS7003, as IIO shows them."""

from __future__ import annotations

from kittiwake_components.sensors.device_readings import Attribute, DeviceReadings, Reading


class AirQuality(DeviceReadings):
    """Mass of particles up to 1, 2.5 and 10 micrometres."""

    readings = (Reading("pm1", "ug/m3"), Reading("pm2_5", "ug/m3"), Reading("pm10", "ug/m3"))
    attributes = (
        Attribute(("in_massconcentration_pm1_input",), 1.0, 4.0, 2.0),
        Attribute(("in_massconcentration_pm2p5_input",), 1.0, 7.0, 3.0),
        Attribute(("in_massconcentration_pm10_input",), 1.0, 11.0, 5.0),
    )
