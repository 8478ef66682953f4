"""Devices, points and their values as the API shows them: the upstream's members, and ours after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake_components.daily_window import iso_time
from kittiwake_components.platform_driver.values import unpacked
from kittiwake_components.ports.platform_driver import DeviceStatus

if TYPE_CHECKING:
    from kittiwake_components.platform_driver.device_loops import DeviceLoops
    from kittiwake_components.platform_driver.point_values import PointValues
    from kittiwake_components.platform_driver.records import Device, Point
    from kittiwake_components.platform_driver.value_store import Sample


class Shown:
    """What is known of devices and points at `now_ns`, as JSON."""

    def __init__(self, values: PointValues, loops: DeviceLoops, now_ns: int) -> None:
        self._values = values
        self._loops = loops
        self._now_ns = now_ns

    def device(self, device: Device) -> dict[str, Any]:
        """A device."""
        return {**device._asdict(), "driver_settings": dict(device.driver_settings)}

    def point(self, point: Point, device: Device) -> dict[str, Any]:
        """A point, with its value."""
        shown = point._asdict()
        shown["driver_settings"] = dict(point.driver_settings)
        return {**shown, **self._value(point, device)}

    def latest(self, point: Point, device: Device) -> dict[str, Any]:
        """A point's value."""
        return {
            "point_id": point.id, "device_id": point.device_id, "name": point.name,
            "object_identifier": point.object_identifier, "property_identifier": point.property_identifier,
            "enabled": point.enabled, **self._value(point, device), "point": f"{device.name}/{point.label}",
            "units": point.units,
        }  # fmt: skip

    def _value(self, point: Point, device: Device) -> dict[str, Any]:
        latest = self._values.latest(point.id)
        return {
            "last_value": None if latest.value_json is None else unpacked(latest.value_json),
            "last_polled_at": None if latest.polled_us is None else iso_time(latest.polled_us),
            "last_error": latest.error,
            "last_good_at": None if latest.good_us is None else iso_time(latest.good_us),
            "quality": self._values.quality(point.id, device.scrape_interval_seconds).name.lower(),
            "age_s": latest.age_s(self._now_ns),
        }

    def health(self, device: Device) -> dict[str, Any]:
        """How a device is."""
        loop = self._loops.by_id.get(device.id)
        status = DeviceStatus.IDLE if loop is None else loop.status
        polled_us = None if loop is None else loop.last_poll_us
        return {
            "device_id": device.id,
            "status": status.name.lower(),
            "last_poll_at": None if polled_us is None else iso_time(polled_us),
            "last_error": (loop.last_error or None) if loop is not None else None,
            "failures": 0 if loop is None else loop.failures,
            "slips": 0 if loop is None else loop.slips,
            "hung_drivers": 0 if loop is None else loop.hung,
        }


def shown_sample(sample: Sample) -> dict[str, Any]:
    """An entry of the history."""
    value = None if sample.value_json is None else unpacked(sample.value_json)
    return {"at": iso_time(sample.at_us), "value": value, "quality": sample.quality.name.lower()}
