"""The ports of a machine's devices, under F´'s and PROVES' names: rails, thermometers, switches, light and motion."""

from __future__ import annotations

from kittiwake.int_enum import IntEnum
from kittiwake.model.fw import On, TimeValue
from kittiwake.model.ports import port
from kittiwake.model.types import F32, F64, U8, Bool, wire_enum, wire_struct


@port("Drv.VoltageGet")
def VoltageGet() -> F64:
    """A rail's voltage in volts, measured now; NaN if it could not be measured."""
    return float("nan")


@port("Drv.CurrentGet")
def CurrentGet() -> F64:
    """A rail's current in amperes, measured now; NaN if it could not be measured."""
    return float("nan")


@port("Drv.PowerGet")
def PowerGet() -> F64:
    """A rail's power in watts, measured now; NaN if it could not be measured."""
    return float("nan")


@port("Drv.TemperatureGet")
def TemperatureGet() -> F64:
    """A temperature in degrees Celsius, measured now; NaN if it could not be measured."""
    return float("nan")


@port("Components.SwitchGet")
def SwitchGet() -> Bool:
    """Whether a switch is on, as read back from it."""
    return False


@port("Components.loadSwitchStateChanged")
def LoadSwitchStateChanged(state: On) -> None:
    """A load got or lost its power."""


@port("Drv.lightGet")
def LightGet() -> F32:
    """The visible light in lux, measured now; NaN if it could not be measured."""
    return float("nan")


@wire_struct(name="Drv.Acceleration")
class Acceleration:
    """An acceleration in m/s^2, in the axes of the body."""

    x: F64
    y: F64
    z: F64


@wire_struct(name="Drv.AngularVelocity")
class AngularVelocity:
    """A rate of turn in rad/s, about the axes of the body."""

    x: F64
    y: F64
    z: F64


@wire_struct(name="Drv.MagneticField")
class MagneticField:
    """A magnetic field in gauss, in the axes of the body, and when it was measured."""

    x: F64
    y: F64
    z: F64
    timestamp: TimeValue


@wire_enum(U8, name="Components.AngularUnit")
class AngularUnit(IntEnum):
    """What a rate of turn is given in."""

    RAD_PER_SEC = 0
    DEG_PER_SEC = 1


_NAN = float("nan")


@port("Components.AngularVelocityGet")
def AngularVelocityGet() -> AngularVelocity:
    """The rate of turn, measured now; NaN where it could not be measured."""
    return AngularVelocity(_NAN, _NAN, _NAN)


@port("Components.AngularVelocityMagnitudeGet")
def AngularVelocityMagnitudeGet(unit: AngularUnit) -> F64:
    """How fast the body turns about whatever axis, measured now; NaN if it could not be measured."""
    return _NAN


@port("Components.MagneticFieldGet")
def MagneticFieldGet() -> MagneticField:  # type: ignore[empty-body]
    """The magnetic field, measured now; NaN where it could not be measured."""
