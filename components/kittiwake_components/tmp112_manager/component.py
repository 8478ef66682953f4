"""One thermometer of type TMP112."""

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
from kittiwake.model.fw import On
from kittiwake_components.devices import REASON_SIZE, Instrument, check_device, measured
from kittiwake_components.ports.device import LoadSwitchStateChanged, TemperatureGet


class Tmp112Manager(PassiveComponent):
    """Reads a temperature when it is asked (PROVES Tmp112Manager); the kernel's driver `tmp102` knows the chip."""

    temperature = Channel(F64, unit="degC", format="{:.2f}", doc="The temperature; NaN if it cannot be measured.")

    device = Setting(
        str, default="simulated/thermometers/face0", check=check_device,
        doc="The sensor's folder, with `temp1_input` in thousandths of a degree.",
    )  # fmt: skip

    @event(WARNING_LO, "Device not ready: {reason}", throttle=5, every_s=3600.0)
    def device_not_ready(self, reason: Annotated[str, Size(REASON_SIZE)]) -> None: ...

    @event(ACTIVITY_HI, "Temperature: {temperature}°C", name="Temperature")
    def temperature_reading(self, temperature: F64) -> None: ...

    def initialize(self) -> None:
        self._sensor = Instrument(self.platform, self.clock, self.device, self.device_not_ready)

    @sync_port(TemperatureGet)
    def temperature_get(self) -> F64:
        """Measures the temperature in degrees Celsius, or NaN."""
        self.temperature = celsius = self._sensor.read("temp1_input") / 1e3
        return celsius

    @sync_port(LoadSwitchStateChanged)
    def load_switch_state_changed(self, state: On) -> None:
        """The sensor's load switch gave or took its power."""
        self._sensor.power(state)

    @command(name="GetTemperature")
    def get_temperature(self) -> None:
        """Reports the temperature."""
        self.temperature_reading(measured(self.temperature_get()))
