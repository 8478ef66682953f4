"""A sensor of the hive as channels: how it is and what it has read, for dashboards, limits and the archive."""

from __future__ import annotations

from kittiwake.model import F64, U32, Channel, PassiveComponent, Setting, guarded_port
from kittiwake.model.fw import TimeValue
from kittiwake_components.deployment_time import NO_TIME, present_us, time_value
from kittiwake_components.ports.hive import SENSOR_SIZE, SensorReading, SensorReport, SensorReported, SensorState


def check_sensor(name: str) -> None:
    """The check of the setting `sensor`. Raises `ValueError`."""
    if len(name.encode()) > SENSOR_SIZE:
        raise ValueError(f"the name of a sensor has at most {SENSOR_SIZE} bytes")


class SensorChannels(PassiveComponent):
    """Shows one sensor; a subclass declares a channel for each of its readings, with its name, unit and limits.

        class Wind(SensorChannels):
            speed = Channel(F64, unit="m/s", doc="Wind at the hive.")

    A channel keeps the latest good value, with the time at which it came; `bad_since` says whether others came since.
    """

    state = Channel(SensorState, on_change=True, doc="What it is at.")
    next_start = Channel(TimeValue, on_change=True, doc="Its next start; zero without one.")
    captures = Channel(U32, on_change=True, doc="Recordings that were published since the start.")
    misses = Channel(U32, on_change=True, doc="Captures since the start that have brought no recording.")
    restarts = Channel(U32, on_change=True, doc="How often its process was started again since the start.")
    last_good = Channel(TimeValue, on_change=True, doc="When the latest good value was read; zero before the first.")
    bad_since = Channel(TimeValue, on_change=True, doc="Since when a reading fails; zero while none does.")

    sensor = Setting(str, default="", check=check_sensor, doc="The sensor; empty: the one of the instance's own name.")

    def initialize(self) -> None:
        self._sensor = self.sensor or self.name.rpartition(".")[2]
        own = SensorChannels.__declarations__.channels
        self._readings = frozenset([name for name in type(self).__declarations__.channels if name not in own])
        self._bad_us: dict[str, int] = {}

    def start(self) -> None:
        self.state = SensorState.STOPPED
        self.next_start = self.last_good = self.bad_since = NO_TIME

    @guarded_port(SensorReported)
    def report_in(self, report: SensorReport) -> None:
        """How a sensor is; that of another is passed over."""
        if report.sensor == self._sensor:
            self.state = report.state
            self.next_start = report.next_start
            self.captures, self.misses, self.restarts = report.captures, report.misses, report.restarts

    @guarded_port(SensorReading)
    def reading_in(self, sensor: str, reading: str, value: float) -> None:
        """What a sensor has read. One for which there is no channel counts for `last_good` and `bad_since` as well."""
        if sensor != self._sensor:
            return
        now_us = present_us(self._tags, self.clock)
        if value == value:  # it is not NaN
            if reading in self._readings:
                setattr(self, reading, value)
            self.last_good = time_value(self._tags, now_us)
            self._bad_us.pop(reading, None)
        else:
            self._bad_us.setdefault(reading, now_us)
        self.bad_since = time_value(self._tags, min(self._bad_us.values())) if self._bad_us else NO_TIME


class AudioChannels(SensorChannels):
    """The microphone."""

    level = Channel(F64, unit="dBFS", doc="Loudness, against the loudest that can be recorded.")


class TempChannels(SensorChannels):
    """Temperature and humidity."""

    temperature = Channel(F64, unit="degC", doc="Temperature.")
    humidity = Channel(F64, unit="%", doc="Relative humidity.")


class ScaleChannels(SensorChannels):
    """The scale."""

    weight = Channel(F64, unit="g", doc="Weight of the hive.")


class AirQualityChannels(SensorChannels):
    """Particles in the air."""

    pm1 = Channel(F64, unit="ug/m3", doc="Particles up to 1 um.")
    pm2_5 = Channel(F64, name="Pm2_5", unit="ug/m3", doc="Particles up to 2.5 um.")
    pm10 = Channel(F64, unit="ug/m3", doc="Particles up to 10 um.")


class CpuChannels(SensorChannels):
    """The computer itself."""

    load = Channel(F64, unit="%", doc="How busy its processors are.")
    temperature = Channel(F64, unit="degC", doc="How hot they are.")
    memory = Channel(F64, unit="%", doc="How full its memory is.")
