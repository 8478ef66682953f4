"""Devices of the simulated building: points with waveforms, or writable by priority; slow, faulty or stuck on demand.

On a machine with virtual time it all repeats under the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kittiwake_components.platform_driver.drivers.interface import (
    BadType,
    BadValue,
    DeviceAddress,
    Done,
    Driver,
    DriverInterfaceError,
    DriverServices,
    FoundDevice,
    FoundPoint,
    PointAddress,
    Reading,
    ReadOnly,
    Unreachable,
    Value,
)
from kittiwake_components.platform_driver.fields import Field

if TYPE_CHECKING:
    from kittiwake.simulation.building import SimulatedPoint, SimulatedUnit

NS_PER_S = 1_000_000_000
KINDS = (
    "analog-input", "analog-output", "analog-value", "binary-input", "binary-output", "binary-value",
    "multi-state-input", "multi-state-output", "multi-state-value",
)  # fmt: skip
WAVEFORMS = ("constant", "sine", "square", "ramp", "random")
COV_PERIOD_S = 1.0


class SimulatedDriver(Driver):
    """A device of `kittiwake.simulation.building`, by its address there."""

    TYPE = "simulated"
    SETTINGS = (
        Field("latency_s", float, 0.0, low=0.0, high=3600.0, doc="How long each operation takes."),
        Field("jitter_s", float, 0.0, low=0.0, high=3600.0, doc="Up to so much longer, at random."),
    )
    POINT_SETTINGS = (
        Field("waveform", str, "constant", choices=WAVEFORMS, doc="What it shows while nobody has written to it."),
        Field("low", float, 0.0, doc="The waveform's least value."),
        Field("high", float, 1.0, doc="The waveform's greatest value."),
        Field("period_s", float, 3600.0, low=0.001, doc="The waveform's period."),
        Field("resting", float, None, nullable=True, doc="The value of a constant; binary: 0 is false."),
    )

    def __init__(self, device: DeviceAddress, services: DriverServices) -> None:
        from kittiwake.simulation.building import building_of

        super().__init__(device, services)
        self._unit: SimulatedUnit = building_of(services.platform).device(device.address)
        self._is_open = False

    @classmethod
    def check_device(cls, device: DeviceAddress) -> None:
        if not device.address:
            raise ValueError("the address of a simulated device is any name")

    @classmethod
    def check_point(cls, point: PointAddress) -> None:
        kind, _, number = point.object_identifier.partition(",")
        if kind not in KINDS or not (number.isascii() and number.isdigit()):
            raise ValueError(
                f"{point.object_identifier!r} is no object such as analog-input,1; kinds: {', '.join(KINDS)}"
            )

    @classmethod
    def find_devices(cls, where: str, services: DriverServices, done: Done[Sequence[FoundDevice]]) -> None:
        from kittiwake.simulation.building import building_of

        addresses = sorted(building_of(services.platform).devices)
        done([FoundDevice(address, address) for address in addresses if where in address])

    # Operations

    def open(self, done: Done[None]) -> None:
        def opened() -> None:
            self._unit.opened += 1
            self._is_open = True

        self._act("open", opened, done)

    def read(self, points: Sequence[PointAddress], done: Done[Sequence[Reading]]) -> None:
        def readings() -> list[Reading]:
            self._unit.reads += 1
            return [self._reading(point) for point in points]

        self._act("read", readings, done)

    def write(self, point: PointAddress, value: Value, priority: int | None, done: Done[Value]) -> None:
        def written() -> Value:
            place = self._point(point)
            taken = _taken(place, value)
            place.write(taken, priority)
            return taken

        self._act("write", written, done)

    def subscribe(
        self, points: Sequence[PointAddress], changed: Callable[[PointAddress, Reading], None], done: Done[None]
    ) -> None:
        last: dict[str, Value] = {}

        def look() -> None:
            if not self._is_open:
                return
            for point in points:
                reading = self._reading(point)
                if reading.fault is None and point.id in last and last[point.id] != reading.value:
                    changed(point, reading)
                last[point.id] = reading.value
            self.services.clock.call_after(COV_PERIOD_S, look)

        self._act("subscribe", look, done)

    def discover(self, done: Done[Sequence[FoundPoint]]) -> None:
        def found() -> list[FoundPoint]:
            points = sorted(self._unit.points.items())
            return [FoundPoint(name, name, is_writable=point.is_writable) for name, point in points]

        self._act("discover", found, done)

    def close(self, done: Done[None]) -> None:
        def closed() -> None:
            self._unit.closed += 1

        self._is_open = False
        self._act("close", closed, done)

    # The device

    def _act(self, operation: str, action: Callable[[], Any], done: Done[Any]) -> None:
        """Does it after the device's latency, refuses it, or never answers."""
        unit, settings = self._unit, self.device.settings

        def act() -> None:
            if operation in unit.hangs:
                return
            if operation in unit.fails:
                done(Unreachable(unit.fails[operation]))
                return
            try:
                result = action()
            except (DriverInterfaceError, ReadOnly, BadValue, BadType) as fault:
                result = fault
            done(None if operation == "subscribe" else result)

        delay_s = unit.latency_s + _number(settings.get("latency_s"))
        jitter_s = _number(settings.get("jitter_s"))
        if jitter_s:
            delay_s += self.services.platform.random.uniform(0.0, jitter_s)
        if delay_s:
            self.services.clock.call_after(delay_s, act)
        else:
            act()

    def _reading(self, address: PointAddress) -> Reading:
        try:
            point = self._point(address)
        except DriverInterfaceError as fault:
            return Reading(None, fault)
        if point.fault:
            return Reading(None, DriverInterfaceError(point.fault))
        return Reading(point.value(self.services.clock.now_ns() / NS_PER_S))

    def _point(self, address: PointAddress) -> SimulatedPoint:
        if address.property_identifier != "present-value":
            raise DriverInterfaceError(f"{address.object_identifier} has no property {address.property_identifier}")
        is_new = address.object_identifier not in self._unit.points
        try:
            point = self._unit.point(address.object_identifier)
        except LookupError as fault:
            raise DriverInterfaceError(str(fault)) from None
        if is_new and address.settings:
            settings = address.settings
            point.waveform = str(settings.get("waveform", "constant"))
            point.low, point.high = _number(settings.get("low")), _number(settings.get("high", 1.0))
            point.period_s = _number(settings.get("period_s", 3600.0))
            if settings.get("resting") is not None:
                resting = _number(settings["resting"])
                point.resting = resting != 0.0 if point.is_binary else resting
        return point


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _taken(point: SimulatedPoint, value: Value) -> bool | int | float | str | None:
    """The value as the device takes it. Raises a fault of the driver."""
    if not point.is_writable:
        raise ReadOnly("the point is an input")
    if value is None:
        return None
    if point.is_binary:
        if value in (True, False):
            return bool(value)
        raise (
            BadValue("a binary point is true or false")
            if isinstance(value, (int, float))
            else BadType(f"a binary point takes true or false, not {value!r}")
        )
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadType(f"a number is wanted, not {type(value).__name__}")
    return value
