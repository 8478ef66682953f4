"""The ports of a machine's devices, under F´'s and PROVES' names: rails, thermometers, switches, light and motion."""

from __future__ import annotations

from kittiwake.model.fw import On
from kittiwake.model.ports import port
from kittiwake.model.types import F64, Bool


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
