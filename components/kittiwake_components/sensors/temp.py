"""Temperature and humidity in the hive: an SHT3x, a DHT22, or a DS18B20 without humidity."""

from __future__ import annotations

from kittiwake_components.sensors.device_readings import Attribute, DeviceReadings, Reading


class Temp(DeviceReadings):
    """Temperature and humidity, by hwmon, IIO or 1-wire."""

    readings = (Reading("temperature", "degC"), Reading("humidity", "%"))
    attributes = (
        Attribute(("temp1_input", "in_temp_input", "temperature"), 0.001, 34.5, 0.8),
        Attribute(("humidity1_input", "in_humidityrelative_input"), 0.001, 60.0, 5.0),
    )
