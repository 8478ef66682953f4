"""The loops of all enabled devices: one each, and a new one only once the old one has let go of its device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake_components.platform_driver.device_loop import DeviceLoop, PolledPoint
from kittiwake_components.platform_driver.drivers.registry import DriverRegistry, UnknownDriver
from kittiwake_components.platform_driver.fields import InvalidObject
from kittiwake_components.platform_driver.schema import point_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from kittiwake_components.platform_driver.device_loop import LoopHost
    from kittiwake_components.platform_driver.leases import LeaseBook
    from kittiwake_components.platform_driver.records import Device
    from kittiwake_components.platform_driver.registry_store import RegistryStore


class DeviceLoops:
    """Loops by their devices' ids. A reload during a reload is one: what counts is the registry at its end."""

    def __init__(self, store: RegistryStore, registry: DriverRegistry, host: LoopHost, leases: LeaseBook) -> None:
        self._store = store
        self.registry = registry
        self._host = host
        self._leases = leases
        self.by_id: dict[str, DeviceLoop] = {}
        self._closing: dict[str, list[Callable[[], None]]] = {}

    def start(self, stagger_s: float) -> None:
        """Begins the loops of all enabled devices, one after another; and of those with something left to release."""
        for number, device in enumerate(self._store.devices()):
            self._begin(device, number * stagger_s)

    def reload(self, device_id: str, then: Callable[[], None] | None = None) -> None:
        """Ends the loop of a device, and begins a new one if the registry still wants it; `then` is called after."""
        self.stop(device_id, lambda: self._restarted(device_id, then))

    def stop(self, device_id: str, then: Callable[[], None]) -> None:
        """Ends the loop of a device; `then` is called when its driver has let go, or had its time to."""
        waiting = self._closing.get(device_id)
        if waiting is not None:
            waiting.append(then)
            return
        loop = self.by_id.pop(device_id, None)
        if loop is None:
            self._host.post(then)
            return
        self._closing[device_id] = [then]
        loop.stop(lambda: self._closed(device_id))

    def _closed(self, device_id: str) -> None:
        for then in self._closing.pop(device_id):
            then()

    def _restarted(self, device_id: str, then: Callable[[], None] | None) -> None:
        if device_id not in self.by_id and device_id not in self._closing:
            device = self._store.device(device_id)
            if device is not None:
                self._begin(device, 0.0)
        if then is not None:
            then()

    def _begin(self, device: Device, delay_s: float) -> None:
        points = self.points_of(device)
        due = self._leases.due_points()
        if not device.enabled and not any(one.point.id in due for one in points):
            return
        self.by_id[device.id] = loop = DeviceLoop(device, points, self._host, polls=device.enabled)
        loop.start(delay_s)

    def points_of(self, device: Device) -> list[PolledPoint]:
        """The points of a device as its driver knows them; those that make no sense to it are left out."""
        found = []
        for point in self._store.points(device.id):
            try:
                address = point_address(point, self.registry, device.driver_type)
            except (UnknownDriver, InvalidObject):
                continue
            found.append(PolledPoint(point, address, f"{device.name}/{point.label}"))
        return found

    def is_quiet(self) -> bool:
        """Whether no loop is left, nor one on its way out."""
        return not self.by_id and not self._closing
