"""Changes of the registry: checked by one schema, against the version that the requester has seen, then reloaded.

What was written to a device or a point is released before it becomes another one, is disabled or removed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake_components.platform_driver.fields import Field, checked
from kittiwake_components.platform_driver.refusals import Refusal
from kittiwake_components.platform_driver.schema import (
    DEVICE_FIELDS,
    DEVICE_IDENTITY,
    MAX_DEVICES,
    MAX_POINTS,
    POINT_FIELDS,
    POINT_IDENTITY,
    changes_of,
    check_device,
    check_point,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kittiwake.platform.interface import Platform
    from kittiwake_components.platform_driver.device_loops import DeviceLoops
    from kittiwake_components.platform_driver.leases import LeaseBook
    from kittiwake_components.platform_driver.point_values import PointValues
    from kittiwake_components.platform_driver.records import Device, Point
    from kittiwake_components.platform_driver.registry_store import RegistryStore

    AfterRelease = Callable[[str, set[str], Callable[[], None]], None]
    """Has what was written to points of a device released, if it can be, and then calls."""


class NotFound(Refusal, LookupError):
    """There is no such device or point (any more)."""


class OtherVersion(Refusal, ValueError):
    """The device or point has changed since the requester has seen it."""


class RegistryFull(Refusal, ValueError):
    """There are as many devices or points as there may be."""


class Changes:
    """Makes changes. Methods raise `InvalidObject`, `NotFound`, `OtherVersion`, `RegistryFull`, and `OSError`.

    Those with `then` call it once the change is in force; `then` is given what is there now, or what was raised.
    """

    def __init__(
        self, platform: Platform, store: RegistryStore, loops: DeviceLoops, leases: LeaseBook, values: PointValues,
        after_release: AfterRelease, report: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._platform = platform
        self._store = store
        self._loops = loops
        self._leases = leases
        self._values = values
        self._after_release = after_release
        self._report = report
        self.default_interval_s = 5.0

    def _now_us(self) -> int:
        return self._platform.clock.wall_ns() // 1000

    def new_id(self) -> str:
        """A random id, as uuid4 makes them (RFC 9562)."""
        data = bytearray(self._platform.random.token_bytes(16))
        data[6] = data[6] & 0x0F | 0x40
        data[8] = data[8] & 0x3F | 0x80
        return data.hex()

    # Devices

    def device(self, id: str) -> Device:
        """The device of an id. Raises `NotFound`."""
        found = self._store.device(id)
        if found is None:
            raise NotFound("device not found")
        return found

    def create_device(self, body: Any) -> Device:
        """Adds a device, and begins its loop if it is enabled."""
        fields = checked(DEVICE_FIELDS, changes_of(body), within=("body",))
        if isinstance(body, dict) and "scrape_interval_seconds" not in body:
            fields["scrape_interval_seconds"] = self.default_interval_s
        check_device(fields, self._loops.registry)
        if self._store.count_devices() >= MAX_DEVICES:
            raise RegistryFull(f"there are {MAX_DEVICES} devices already")
        id = self.new_id()
        self._store.add_device(id, fields, self._now_us())
        self._report(f"device {fields['name']} added")
        self._loops.reload(id)
        return self.device(id)

    def patch_device(self, id: str, body: Any, if_match: str, then: Callable[[Any], None]) -> None:
        """Changes members of a device; without any nothing happens, not even to its version."""
        device = self.device(id)
        fields = _news(device, DEVICE_FIELDS, body, if_match)
        if not fields:
            then(device)
            return
        whole = {**device._asdict(), **fields}
        if fields.get("enabled") or any(name in fields for name in DEVICE_IDENTITY):
            check_device(whole, self._loops.registry)

        def change() -> Device:
            check_version(self.device(id).version, if_match)
            self._store.change_device(id, fields, self._now_us())
            self._report(f"device {whole['name']}: {', '.join(fields)} changed")
            self._loops.reload(id)
            return self.device(id)

        is_other = not whole["enabled"] or any(name in fields for name in DEVICE_IDENTITY)
        self._change(id, set(self._points_of(id)) if is_other else set(), change, then)

    def remove_device(self, id: str, if_match: str, then: Callable[[Any], None]) -> None:
        """Removes a device with its points."""
        device = self.device(id)
        check_version(device.version, if_match)
        points = self._points_of(id)

        def change() -> None:
            check_version(self.device(id).version, if_match)
            gone = self._points_of(id)
            self._store.remove_device(id)
            self._report(f"device {device.name} removed")
            self._loops.reload(id)
            self._forget(gone)

        self._change(id, set(points), change, then)

    def _points_of(self, device_id: str) -> list[str]:
        return [point.id for point in self._store.points(device_id)]

    # Points

    def point(self, id: str) -> Point:
        """The point of an id. Raises `NotFound`."""
        found = self._store.point(id)
        if found is None:
            raise NotFound("point not found")
        return found

    def create_point(self, device_id: str, body: Any) -> Point:
        """Adds a point to a device."""
        device = self.device(device_id)
        fields = checked(POINT_FIELDS, changes_of(body), within=("body",))
        check_point(fields, device.driver_type, self._loops.registry)
        self.check_room(1)
        id = self.new_id()
        self._store.add_point(id, device_id, fields, self._now_us())
        self._report(f"point {device.name}/{fields['name'] or fields['object_identifier']} added")
        self._reload_points(device_id)
        return self.point(id)

    def patch_point(self, id: str, body: Any, if_match: str, then: Callable[[Any], None]) -> None:
        """Changes members of a point; without any nothing happens."""
        point = self.point(id)
        fields = _news(point, POINT_FIELDS, body, if_match)
        if not fields:
            then(point)
            return
        device = self.device(point.device_id)
        is_other = any(name in fields for name in POINT_IDENTITY)
        if is_other:
            check_point({**point._asdict(), **fields}, device.driver_type, self._loops.registry)

        def change() -> Point:
            check_version(self.point(id).version, if_match)
            self._store.change_point(id, fields, self._now_us())
            self._report(f"point {device.name}/{point.label}: {', '.join(fields)} changed")
            self._reload_points(device.id)
            return self.point(id)

        self._change(device.id, {id} if is_other else set(), change, then)

    def remove_point(self, id: str, if_match: str, then: Callable[[Any], None]) -> None:
        """Removes a point."""
        point = self.point(id)
        check_version(point.version, if_match)

        def change() -> None:
            check_version(self.point(id).version, if_match)
            self._store.remove_point(id)
            self._report(f"point {point.label} removed")
            self._reload_points(point.device_id)
            self._forget([id])

        self._change(point.device_id, {id}, change, then)

    def check_room(self, count: int) -> None:
        """Raises `RegistryFull` where so many more points are too many."""
        if self._store.count_points() + count > MAX_POINTS:
            raise RegistryFull(f"there are at most {MAX_POINTS} points")

    def put_points(
        self, device: Device, new: list[Mapping[str, Any]], changed: list[tuple[str, Mapping[str, Any]]]
    ) -> None:
        """Adds and changes points that were checked, all or none. Points with something written keep it."""
        self.check_room(len(new))
        added = [(self.new_id(), device.id, fields) for fields in new]
        self._store.put_points(added, changed, self._now_us())
        self._report(f"device {device.name}: {len(new)} points added, {len(changed)} changed")
        self._reload_points(device.id)

    def _reload_points(self, device_id: str) -> None:
        if device_id in self._loops.by_id:
            self._loops.reload(device_id)

    # Both

    def _change(
        self, device_id: str, point_ids: set[str], change: Callable[[], Any], then: Callable[[Any], None]
    ) -> None:
        def go_on() -> None:
            try:
                result = change()
            except (ValueError, LookupError, OSError) as fault:
                result = fault
            then(result)

        self._after_release(device_id, point_ids & self._leases.dirty_points(), go_on)

    def _forget(self, point_ids: list[str]) -> None:
        for id in point_ids:
            self._leases.forget(id)
        self._values.forget(point_ids)


def _news(known: Device | Point, fields: Sequence[Field], body: Any, if_match: str) -> dict[str, Any]:
    """What a patch of that version changes: 1 is not true, and 0 is not false. Raises as the methods do."""
    check_version(known.version, if_match)
    return {
        name: value
        for name, value in checked(fields, changes_of(body), partial=True, within=("body",)).items()
        if (type(getattr(known, name)), getattr(known, name)) != (type(value), value)
    }


def etag_of(version: int) -> str:
    """A version as an ETag."""
    return f'"{version}"'


def check_version(version: int, if_match: str) -> None:
    """Raises `OtherVersion` where the requester's If-Match names another version; an empty one and `*` name any."""
    wanted = {one.strip() for one in if_match.split(",")}
    if if_match and "*" not in wanted and etag_of(version) not in wanted:
        raise OtherVersion(f"it has changed: its version is {version}")
