"""The driver types there are: those of the house, and those that installed packages offer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.platform_driver.refusals import Refusal

if TYPE_CHECKING:
    from kittiwake_components.platform_driver.drivers.interface import Driver

_HERE = "kittiwake_components.platform_driver.drivers"

BUILT_IN = {
    "bacnet": f"{_HERE}.bacnet:BacnetDriver",
    "bacnet_jsonrpc": f"{_HERE}.bacnet_jsonrpc:BacnetJsonRpcDriver",
    "modbus": f"{_HERE}.modbus:ModbusDriver",
    "simulated": f"{_HERE}.simulated:SimulatedDriver",
    "stub": f"{_HERE}.stub:StubDriver",
}
"""Type -> module and class, which is imported when the type is first asked for; so its slow libraries stay away."""

GROUP = "kittiwake.drivers"


class UnknownDriver(Refusal, ValueError):
    """A driver type that neither the house nor an installed package has."""


class DriverRegistry:
    """Driver classes by type. Entry points are looked up once, for a type that is not built in (0.1 s)."""

    def __init__(self) -> None:
        self._known: dict[str, type[Driver]] = {}
        self._offered: dict[str, str] | None = None

    def find(self, driver_type: str) -> type[Driver]:
        """The class of a type. Raises `UnknownDriver`, also for a plug-in that cannot be imported."""
        if driver_type not in self._known:
            self._known[driver_type] = self._load(driver_type)
        return self._known[driver_type]

    def types(self) -> list[str]:
        """All types there are, sorted."""
        return sorted({*BUILT_IN, *self._plug_ins(), *self._known})

    def add(self, driver: type[Driver]) -> None:
        """Takes a class that was not installed, under its `TYPE`."""
        self._known[driver.TYPE] = driver

    def _load(self, driver_type: str) -> type[Driver]:
        from importlib import import_module

        from kittiwake_components.platform_driver.drivers.interface import Driver

        place = BUILT_IN.get(driver_type) or self._plug_ins().get(driver_type)
        if place is None:
            raise UnknownDriver(f"there is no driver type {driver_type!r}; there are {', '.join(self.types())}")
        module, _, name = place.partition(":")
        try:
            found = getattr(import_module(module), name)
        except Exception as fault:
            raise UnknownDriver(f"the driver {driver_type} cannot be loaded from {place}: {fault}") from fault
        if not (isinstance(found, type) and issubclass(found, Driver)):
            raise UnknownDriver(f"the driver {driver_type} at {place} is no subclass of Driver")
        return found

    def _plug_ins(self) -> dict[str, str]:
        if self._offered is None:
            from importlib.metadata import entry_points

            self._offered = {point.name: point.value for point in entry_points(group=GROUP)}
        return self._offered
