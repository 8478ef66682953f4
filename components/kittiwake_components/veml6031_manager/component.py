"""One light sensor of type VEML6031."""

from __future__ import annotations

from typing import Annotated

from kittiwake.model import (
    ACTIVITY_HI,
    F32,
    WARNING_LO,
    Channel,
    PassiveComponent,
    Setting,
    Size,
    command,
    event,
    sync_port,
)
from kittiwake.model.fw import On, Sched
from kittiwake_components.devices import REASON_SIZE, Instrument, check_device, measured
from kittiwake_components.ports.device import LightGet, LoadSwitchStateChanged


class Veml6031Manager(PassiveComponent):
    """Measures visible light in each cycle and when it is asked (PROVES Veml6031Manager)."""

    visible_light = Channel(F32, unit="lux", format="{:.1f}", doc="Visible light; NaN if it cannot be measured.")

    device = Setting(str, default="simulated/light/face0", check=check_device, doc="The sensor's folder (IIO).")
    attribute = Setting(str, default="in_illuminance_input", doc="The attribute that gives lux.")

    @event(WARNING_LO, "Device not ready: {reason}", throttle=5, every_s=3600.0)
    def device_not_ready(self, reason: Annotated[str, Size(REASON_SIZE)]) -> None: ...

    @event(ACTIVITY_HI, "Visible light: {lux} lux", name="VisibleLight")
    def visible_light_reading(self, lux: F32) -> None: ...

    def initialize(self) -> None:
        self._sensor = Instrument(self.platform, self.clock, self.device, self.device_not_ready)

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Measures the light."""
        self.visible_light_get()

    @sync_port(LightGet)
    def visible_light_get(self) -> F32:
        """Measures the light in lux, or NaN."""
        self.visible_light = lux = self._sensor.read(self.attribute)
        return lux

    @sync_port(LoadSwitchStateChanged)
    def load_switch_state_changed(self, state: On) -> None:
        """The sensor's load switch gave or took its power."""
        self._sensor.power(state)

    @command(name="GetVisibleLight")
    def get_visible_light(self) -> None:
        """Reports the light."""
        self.visible_light_reading(measured(self.visible_light_get()))
