"""Devices and points by their paths, and for those who keep the registry by their ids too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.platform_driver.devices import split_path
from kittiwake_components.platform_driver.drivers.interface import BadValue, DriverFault, DriverInterfaceError
from kittiwake_components.platform_driver.drivers.registry import UnknownDriver
from kittiwake_components.platform_driver.fields import InvalidObject
from kittiwake_components.platform_driver.schema import point_address

if TYPE_CHECKING:
    from kittiwake_components.platform_driver.device_loop import DeviceLoop, PolledPoint
    from kittiwake_components.platform_driver.device_loops import DeviceLoops
    from kittiwake_components.platform_driver.records import Device, Point
    from kittiwake_components.platform_driver.registry_store import RegistryStore


class UnknownDevice(DriverFault):
    """There is no such device, or more than one."""

    TYPE = "KeyError"


class DeviceDisabled(DriverFault):
    """The device is there, but switched off in the registry."""

    TYPE = "RuntimeError"


class Place(NamedTuple):
    """A point that can be asked for: its loop, and itself."""

    loop: DeviceLoop
    one: PolledPoint


class Directory:
    """Finds what a path names, or an id where it `takes_ids`. Methods raise `OSError` where the database fails.

    Who shares devices out by their paths must not be got round by another name for the same device.
    """

    def __init__(self, store: RegistryStore, loops: DeviceLoops, *, takes_ids: bool = True) -> None:
        self._store = store
        self._loops = loops
        self._takes_ids = takes_ids

    def device(self, name: str) -> Device:
        """The device of a path or an id. Raises `UnknownDevice`."""
        path = name.strip("/")
        found = self._store.devices_named(path)
        if len(found) > 1:
            raise UnknownDevice(f"{len(found)} devices are named {path!r}; use the id")
        device = found[0] if found else self._store.device(name) if self._takes_ids else None
        if device is None:
            raise UnknownDevice(f"there is no device {path!r}")
        return device

    def loop(self, name: str) -> DeviceLoop:
        """The loop of a device. Raises `UnknownDevice` and `DeviceDisabled`."""
        return self._loop_of(self.device(name))

    def _loop_of(self, device: Device) -> DeviceLoop:
        loop = self._loops.by_id.get(device.id)
        if loop is None or not device.enabled:
            raise DeviceDisabled(f"the device {device.name} is disabled")
        return loop

    def point(self, path: str) -> tuple[Device, Point]:
        """The point of a path or an id. Raises `UnknownDevice`, `DriverInterfaceError`, and `BadValue` for no path."""
        point = self._store.point(path) if self._takes_ids else None
        if point is not None:
            device = self._store.device(point.device_id)
            assert device is not None, "points go with their devices"
            return device, point
        try:
            owner, label = split_path(path)
        except ValueError as fault:
            raise BadValue(str(fault)) from None
        device = self.device(owner)
        found = self._store.points_labelled(device.id, label)
        if len(found) > 1:
            raise DriverInterfaceError(f"{len(found)} points of {device.name} are named {label!r}; use the id")
        if not found:
            raise DriverInterfaceError(f"there is no point {label!r} of {device.name}")
        return device, found[0]

    def place(self, path: str) -> Place:
        """The point of a path, with its loop. Raises as `point`, and `DeviceDisabled`."""
        device, point = self.point(path)
        loop = self._loop_of(device)
        one = loop.points.get(point.id)
        if one is None:
            raise DriverInterfaceError(
                f"{device.driver_type} has no such point: {_why_not(self._loops, device, point)}"
            )
        return Place(loop, one)


def _why_not(loops: DeviceLoops, device: Device, point: Point) -> str:
    try:
        point_address(point, loops.registry, device.driver_type)
    except (UnknownDriver, InvalidObject) as fault:
        return str(fault)
    return "it was added while its device was reloaded"
