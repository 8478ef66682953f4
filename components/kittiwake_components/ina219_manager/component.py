"""One power monitor of type INA219: a rail's voltage, current and power."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model import (
    ACTIVITY_LO,
    F64,
    WARNING_HI,
    Channel,
    PassiveComponent,
    Setting,
    Size,
    command,
    event,
    sync_port,
)
from kittiwake_components.devices import Instrument, check_device, measured
from kittiwake_components.ports.device import CurrentGet, PowerGet, VoltageGet


class Ina219Manager(PassiveComponent):
    """Reads a rail when it is asked (PROVES Ina219Manager); the kernel's driver `ina2xx` does the register work."""

    voltage = Channel(F64, unit="V", format="{:.3f}", doc="Voltage of the rail; NaN if it cannot be measured.")
    current = Channel(F64, unit="A", format="{:.4f}", doc="Current of the rail; NaN if it cannot be measured.")
    power = Channel(F64, unit="W", format="{:.4f}", doc="Power of the rail; NaN if it cannot be measured.")

    device = Setting(
        str, default="simulated/rails/sys", check=check_device,
        doc="The sensor's folder, with `in1_input` (mV), `curr1_input` (mA) and `power1_input` (uW).",
    )  # fmt: skip

    @event(WARNING_HI, "INA219 device not ready: {reason}", throttle=5, every_s=3600.0)
    def device_not_ready(self, reason: Annotated[str, Size(80)]) -> None: ...

    @event(ACTIVITY_LO, "Voltage: {voltage} V")
    def voltage_reading(self, voltage: F64) -> None: ...

    @event(ACTIVITY_LO, "Current: {current} A")
    def current_reading(self, current: F64) -> None: ...

    @event(ACTIVITY_LO, "Power: {power} W")
    def power_reading(self, power: F64) -> None: ...

    def initialize(self) -> None:
        self._sensor = Instrument(self.platform, self.clock, self.device, self.device_not_ready)

    @sync_port(VoltageGet)
    def voltage_get(self) -> F64:
        """Measures the voltage in volts, or NaN."""
        self.voltage = volts = self._sensor.read("in1_input") / 1e3
        return volts

    @sync_port(CurrentGet)
    def current_get(self) -> F64:
        """Measures the current in amperes, or NaN."""
        self.current = amperes = self._sensor.read("curr1_input") / 1e3
        return amperes

    @sync_port(PowerGet)
    def power_get(self) -> F64:
        """Measures the power in watts, or NaN."""
        self.power = watts = self._sensor.read("power1_input") / 1e6
        return watts

    @command(name="GetVoltage")
    def get_voltage(self) -> None:
        """Reports the voltage."""
        self.voltage_reading(measured(self.voltage_get()))

    @command(name="GetCurrent")
    def get_current(self) -> None:
        """Reports the current."""
        self.current_reading(measured(self.current_get()))

    @command(name="GetPower")
    def get_power(self) -> None:
        """Reports the power."""
        self.power_reading(measured(self.power_get()))
