"""Rate of turn, magnetic field and acceleration, from the kernel's IIO folders."""

from __future__ import annotations

from math import isnan, pi, sqrt
from typing import Annotated

from kittiwake.int_enum import IntEnum
from kittiwake.model import (
    ACTIVITY_LO,
    F64,
    U8,
    WARNING_HI,
    Channel,
    Parameter,
    PassiveComponent,
    Setting,
    Size,
    command,
    event,
    sync_port,
    wire_enum,
)
from kittiwake.model.fw import Sched
from kittiwake_components.deployment_time import present_us, time_value
from kittiwake_components.devices import REASON_SIZE, Instrument, check_device, measured
from kittiwake_components.ports.device import (
    Acceleration,
    AngularUnit,
    AngularVelocity,
    AngularVelocityGet,
    AngularVelocityMagnitudeGet,
    MagneticField,
    MagneticFieldGet,
)

AXES = ("x", "y", "z")
Triple = tuple[float, float, float]


@wire_enum(U8, name="Components.AxisOrientation")
class AxisOrientation(IntEnum):
    """How the sensor board is turned about the body's z axis."""

    STANDARD = 0
    ROTATED_90_DEG_CW = 1
    ROTATED_90_DEG_CCW = 2
    ROTATED_180_DEG = 3


class ImuManager(PassiveComponent):
    """Motion and field in the body's axes (PROVES ImuManager)."""

    axis_orientation_shown = Channel(AxisOrientation, on_change=True, name="AxisOrientation", doc="AXIS_ORIENTATION.")
    acceleration = Channel(Acceleration, unit="m/s^2", doc="Acceleration; NaN where it cannot be measured.")
    angular_velocity = Channel(AngularVelocity, unit="rad/s", doc="Rate of turn; NaN where it cannot be measured.")
    magnetic_field = Channel(MagneticField, unit="gauss", doc="Magnetic field; NaN where it cannot be measured.")

    axis_orientation = Parameter(
        AxisOrientation, default=AxisOrientation.STANDARD, id=3, doc="How the sensors are turned about the z axis."
    )

    motion_device = Setting(
        str, default="simulated/imu", check=check_device,
        doc="IIO folder of accelerometer and gyroscope (`in_accel_x_raw`, `in_anglvel_x_raw`, and their `_scale`).",
    )  # fmt: skip
    field_device = Setting(
        str, default="simulated/imu", check=check_device,
        doc="IIO folder of the magnetometer (`in_magn_x_raw`, in gauss by `in_magn_scale`).",
    )  # fmt: skip

    @event(WARNING_HI, "LIS2MDL device not ready: {reason}", throttle=5, every_s=3600.0)
    def lis2mdl_device_not_ready(self, reason: Annotated[str, Size(REASON_SIZE)]) -> None: ...

    @event(WARNING_HI, "LSM6DSO device not ready: {reason}", throttle=5, every_s=3600.0)
    def lsm6dso_device_not_ready(self, reason: Annotated[str, Size(REASON_SIZE)]) -> None: ...

    @event(ACTIVITY_LO, "Acceleration: x={x} m/s^2, y={y} m/s^2, z={z} m/s^2")
    def acceleration_data(self, x: F64, y: F64, z: F64) -> None: ...

    @event(ACTIVITY_LO, "Angular Velocity: x={x} rad/s, y={y} rad/s, z={z} rad/s")
    def angular_velocity_data(self, x: F64, y: F64, z: F64) -> None: ...

    @event(ACTIVITY_LO, "Magnetic Field: x={x} gauss, y={y} gauss, z={z} gauss")
    def magnetic_field_data(self, x: F64, y: F64, z: F64) -> None: ...

    def initialize(self) -> None:
        self._motion = Instrument(self.platform, self.clock, self.motion_device, self.lsm6dso_device_not_ready)
        self._field = Instrument(self.platform, self.clock, self.field_device, self.lis2mdl_device_not_ready)
        self._scales: dict[str, float] = {}

    @sync_port(Sched)
    def run(self, context: int) -> None:
        """Measures all three for the telemetry."""
        self.axis_orientation_shown = self.axis_orientation
        self._measure_acceleration()
        self.angular_velocity_get()
        self.magnetic_field_get()

    @sync_port(AngularVelocityGet)
    def angular_velocity_get(self) -> AngularVelocity:
        """Measures the rate of turn."""
        self.angular_velocity = rate = AngularVelocity(*self._measure(self._motion, "in_anglvel"))
        return rate

    @sync_port(AngularVelocityMagnitudeGet)
    def angular_velocity_magnitude_get(self, unit: AngularUnit) -> F64:
        """Measures how fast the body turns, or NaN."""
        rate = self.angular_velocity_get()
        speed = sqrt(rate.x * rate.x + rate.y * rate.y + rate.z * rate.z)
        return speed * 180.0 / pi if unit is AngularUnit.DEG_PER_SEC else speed

    @sync_port(MagneticFieldGet)
    def magnetic_field_get(self) -> MagneticField:
        """Measures the field."""
        x, y, z = self._measure(self._field, "in_magn")
        self.magnetic_field = MagneticField(x, y, z, time_value(self._tags, present_us(self._tags, self.clock)))
        return self.magnetic_field

    def _measure_acceleration(self) -> Acceleration:
        self.acceleration = Acceleration(*self._measure(self._motion, "in_accel"))
        return self.acceleration

    def _measure(self, instrument: Instrument, what: str) -> Triple:
        """The three axes in IIO's units, turned into the body's."""
        scale = self._scales.get(what, float("nan"))
        if isnan(scale):
            scale = self._scales[what] = instrument.read(f"{what}_scale")
        x, y, z = [instrument.read(f"{what}_{axis}_raw") * scale for axis in AXES]
        match self.axis_orientation:
            case AxisOrientation.ROTATED_90_DEG_CW:
                return (y, -x, z)
            case AxisOrientation.ROTATED_90_DEG_CCW:
                return (-y, x, z)
            case AxisOrientation.ROTATED_180_DEG:
                return (-x, -y, z)
        return (x, y, z)

    @command
    def get_acceleration(self) -> None:
        """Reports the acceleration."""
        now = self._measure_acceleration()
        self.acceleration_data(measured(now.x), measured(now.y), measured(now.z))

    @command
    def get_angular_velocity(self) -> None:
        """Reports the rate of turn."""
        now = self.angular_velocity_get()
        self.angular_velocity_data(measured(now.x), measured(now.y), measured(now.z))

    @command
    def get_magnetic_field(self) -> None:
        """Reports the field."""
        now = self.magnetic_field_get()
        self.magnetic_field_data(measured(now.x), measured(now.y), measured(now.z))
