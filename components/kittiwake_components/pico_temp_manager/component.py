"""The processor's own thermometer."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    F64,
    WARNING_LO,
    Channel,
    PassiveComponent,
    Setting,
    Size,
    command,
    event,
    sync_port,
)
from kittiwake_components.devices import REASON_SIZE, Instrument, check_device, measured
from kittiwake_components.ports.device import TemperatureGet


class PicoTempManager(PassiveComponent):
    """Reads the processor's temperature when it is asked (PROVES PicoTempManager)."""

    pico_temperature = Channel(F64, unit="degC", format="{:.2f}", doc="The temperature; NaN if it cannot be measured.")

    device = Setting(
        str, default="simulated/thermometers/processor", check=check_device,
        doc="The sensor's folder, as /sys/class/thermal/thermal_zone0.",
    )  # fmt: skip
    attribute = Setting(str, default="temp1_input", doc="The attribute, in thousandths of a degree; `temp` in a zone.")

    @event(WARNING_LO, "Device not ready: {reason}", throttle=5, every_s=3600.0)
    def device_not_ready(self, reason: Annotated[str, Size(REASON_SIZE)]) -> None: ...

    @event(ACTIVITY_HI, "Pico Temperature: {temperature}°C", name="PicoTemperature")
    def temperature_reading(self, temperature: F64) -> None: ...

    def initialize(self) -> None:
        self._sensor = Instrument(self.platform, self.clock, self.device, self.device_not_ready)

    @sync_port(TemperatureGet)
    def pico_temperature_get(self) -> F64:
        """Measures the temperature in degrees Celsius, or NaN."""
        self.pico_temperature = celsius = self._sensor.read(self.attribute) / 1e3
        return celsius

    @command(name="GetPicoTemperature")
    def get_temperature(self) -> None:
        """Reports the temperature."""
        self.temperature_reading(measured(self.pico_temperature_get()))
