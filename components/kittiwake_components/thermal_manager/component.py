"""Watches the temperatures of faces and battery cells, and heats the battery when it is cold."""

from __future__ import annotations

from math import isnan, nan
from typing import TYPE_CHECKING

from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    ACTIVITY_HI,
    ACTIVITY_LO,
    F64,
    U8,
    U32,
    WARNING_LO,
    After,
    Channel,
    CommandError,
    CommandResponse,
    OutputPort,
    OutputPortArray,
    Parameter,
    PassiveComponent,
    State,
    StateMachine,
    event,
    sync_port,
    wire_enum,
)
from kittiwake.model import On as At
from kittiwake.model.fw import Enabled, Sched, Signal
from kittiwake_components.ports.device import TemperatureGet
from kittiwake_components.thermal_manager.band import Band, Place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FACES, CELLS = 5, 4


@wire_enum(U8, name="Components.TempSensorType")
class TempSensorType(IntEnum):
    """What a thermometer is on."""

    FACE = 0
    BATTERY = 1


@wire_enum(U8, name="Components.HeaterState")
class HeaterState(IntEnum):
    """What the battery's heater does."""

    OFF = 0
    ON = 1
    RESTING = 2


class HeaterSignal(IntEnum):
    """What the readings say about the battery."""

    COLD = 0
    NOT_COLD = 1


class ThermalManager(PassiveComponent):
    """Thresholds with hysteresis (PROVES ThermalManager), and a heater that never runs without a reading."""

    face_temp_get = OutputPortArray(TemperatureGet, FACES, doc="The thermometers of the faces.")
    batt_cell_temp_get = OutputPortArray(TemperatureGet, CELLS, doc="The thermometers of the battery's cells.")
    pico_temp_get = OutputPort(TemperatureGet, doc="The processor's thermometer, for its telemetry.")
    heater_on = OutputPort(Signal, doc="To the load switch of the battery's heater.")
    heater_off = OutputPort(Signal, doc="To the load switch of the battery's heater.")

    heater = StateMachine(
        HeaterState,
        HeaterSignal,
        State(HeaterState.OFF, At(HeaterSignal.COLD, HeaterState.ON, guard="may_heat")),
        State(
            HeaterState.ON, At(HeaterSignal.NOT_COLD, HeaterState.OFF), After("heater_limit", HeaterState.RESTING),
            entry="heat", exit="cool",
        ),
        State(HeaterState.RESTING, After("heater_rest", HeaterState.OFF)),
        channel="heater_state",
        doc="The battery's heater: on while a cell is cold, and with a rest where that does not help.",
    )  # fmt: skip

    heater_state = Channel(HeaterState, on_change=True, doc="What the battery's heater does.")
    silent_sensors = Channel(U8, on_change=True, doc="Connected thermometers that give no reading.")
    out_of_band = Channel(U8, on_change=True, doc="Thermometers outside their thresholds.")

    face_temp_lower_threshold = Parameter(
        F64, default=-40.0, low=-270.0, high=500.0, unit="degC", id=0, doc="A face below this is too cold."
    )
    face_temp_upper_threshold = Parameter(
        F64, default=60.0, low=-270.0, high=500.0, unit="degC", id=1, doc="A face above this is too hot."
    )
    batt_cell_temp_lower_threshold = Parameter(
        F64, default=5.0, low=-270.0, high=500.0, unit="degC", id=2, doc="A cell below this is too cold."
    )
    batt_cell_temp_upper_threshold = Parameter(
        F64, default=60.0, low=-270.0, high=500.0, unit="degC", id=3, doc="A cell above this is too hot."
    )
    hysteresis = Parameter(
        F64, default=2.0, low=0.0, high=50.0, unit="degC", doc="So far inside its thresholds is normal again."
    )
    heater_enabled = Parameter(Enabled, default=Enabled.ENABLED, doc="Whether the heater may be switched on.")
    heater_limit = Parameter(U32, default=3600, low=1, high=86400, unit="s", doc="Longest time the heater is on.")
    heater_rest = Parameter(U32, default=600, low=1, high=86400, unit="s", doc="Its rest after that.")

    @event(WARNING_LO, "{sensor_type} temperature below threshold: Sensor {sensor_id} at {temperature} °C")
    def temperature_below_threshold(self, sensor_type: TempSensorType, sensor_id: U32, temperature: F64) -> None: ...

    @event(WARNING_LO, "{sensor_type} temperature above threshold: Sensor {sensor_id} at {temperature} °C")
    def temperature_above_threshold(self, sensor_type: TempSensorType, sensor_id: U32, temperature: F64) -> None: ...

    @event(ACTIVITY_LO, "{sensor_type} temperature normal: Sensor {sensor_id} at {temperature} °C")
    def temperature_normal(self, sensor_type: TempSensorType, sensor_id: U32, temperature: F64) -> None: ...

    @event(ACTIVITY_HI, "Battery heater on at {temperature} °C")
    def heater_started(self, temperature: F64) -> None: ...

    @event(ACTIVITY_HI, "Battery heater off at {temperature} °C")
    def heater_stopped(self, temperature: F64) -> None: ...

    def initialize(self) -> None:
        face, cell = ThermalManager.face_temp_get, ThermalManager.batt_cell_temp_get
        self._face_places = [index for index in range(FACES) if self.is_connected(face, index)]
        self._cell_places = [index for index in range(CELLS) if self.is_connected(cell, index)]
        self._face_bands = [Band() for _ in range(FACES)]
        self._cell_bands = [Band() for _ in range(CELLS)]
        self._coldest = nan
        self._silent = 0

    def start(self) -> None:
        self.heater.start()

    def stop(self) -> None:
        if self.heater.state is HeaterState.ON:
            self.cool()

    def parameter_updated(self, name: str) -> None:
        for kind in ("face", "batt_cell"):
            if getattr(self, f"{kind}_temp_lower_threshold") >= getattr(self, f"{kind}_temp_upper_threshold"):
                raise CommandError(CommandResponse.VALIDATION_ERROR, "the lower threshold is below the upper one")

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Reads all thermometers and judges them."""
        self._silent = 0
        low, high = self.face_temp_lower_threshold, self.face_temp_upper_threshold
        self._judge(TempSensorType.FACE, self._read(self.face_temp_get, self._face_places), low, high)
        cells = self._read(self.batt_cell_temp_get, self._cell_places)
        low, high = self.batt_cell_temp_lower_threshold, self.batt_cell_temp_upper_threshold
        self._judge(TempSensorType.BATTERY, cells, low, high)
        if self.is_connected(ThermalManager.pico_temp_get):
            self.pico_temp_get()
        self.silent_sensors = self._silent
        self.out_of_band = sum([band.place is not Place.INSIDE for band in (*self._face_bands, *self._cell_bands)])
        self._heat_as_needed(cells)

    def _read(self, thermometers: Sequence[Callable[[], float]], connected: Sequence[int]) -> list[float]:
        """The readings by place; NaN for one that is not connected or gives none."""
        readings = [nan] * len(thermometers)
        for index in connected:
            readings[index] = celsius = thermometers[index]()
            if isnan(celsius):
                self._silent += 1
        return readings

    def _judge(self, kind: TempSensorType, readings: list[float], low: float, high: float) -> None:
        bands = self._face_bands if kind is TempSensorType.FACE else self._cell_bands
        report = {
            Place.BELOW: self.temperature_below_threshold,
            Place.ABOVE: self.temperature_above_threshold,
            Place.INSIDE: self.temperature_normal,
        }
        for number, (band, celsius) in enumerate(zip(bands, readings, strict=True)):
            if band.judge(celsius, low, high, self.hysteresis):
                report[band.place](kind, number, celsius)

    # The heater

    def _heat_as_needed(self, cells: list[float]) -> None:
        """Without any reading the heater is off: nobody would see that it burns."""
        known = [celsius for celsius in cells if not isnan(celsius)]
        self._coldest = min(known, default=nan)
        low = self.batt_cell_temp_lower_threshold
        if self._coldest < low and self.heater_enabled is Enabled.ENABLED:
            self.heater.send(HeaterSignal.COLD)
        elif not self._coldest < low + self.hysteresis or self.heater_enabled is Enabled.DISABLED:
            self.heater.send(HeaterSignal.NOT_COLD)

    def may_heat(self) -> bool:
        """Whether there is a heater."""
        return self.is_connected(ThermalManager.heater_on) and self.is_connected(ThermalManager.heater_off)

    def heat(self) -> None:
        """The heater goes on."""
        self.heater_on()
        self.heater_started(self._coldest)

    def cool(self) -> None:
        """The heater goes off."""
        self.heater_off()
        self.heater_stopped(self._coldest)
