"""What may be said of a device and of a point: the members that both may have, and what their driver takes of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kittiwake_components.platform_driver.devices import IDENTIFIER_SIZE
from kittiwake_components.platform_driver.drivers.interface import DeviceAddress, PointAddress
from kittiwake_components.platform_driver.drivers.registry import UnknownDriver
from kittiwake_components.platform_driver.fields import Field, InvalidObject, Problem, checked
from kittiwake_components.ports.platform_driver import NAME_SIZE

if TYPE_CHECKING:
    from kittiwake_components.platform_driver.drivers.interface import Scalar
    from kittiwake_components.platform_driver.drivers.registry import DriverRegistry
    from kittiwake_components.platform_driver.records import Device, Point

INTERVAL_S = (0.1, 3600.0)
MAX_DEVICES = 1000
MAX_POINTS = 50_000

DEVICE_FIELDS = (
    Field("name", str, low=1, size=NAME_SIZE),
    Field("driver_type", str, low=1, size=40),
    Field("device_address", str),
    Field("rpc_base_url", str, None, nullable=True),
    Field("rpc_entrypoint", str, None, nullable=True),
    Field("scrape_interval_seconds", float, 5.0, low=INTERVAL_S[0], high=INTERVAL_S[1]),
    Field("enabled", bool, False),
    Field("driver_settings", dict, {}),
)
POINT_FIELDS = (
    Field("name", str, "", size=NAME_SIZE),
    Field("object_identifier", str, low=1, size=IDENTIFIER_SIZE),
    Field("property_identifier", str, "present-value", low=1, size=IDENTIFIER_SIZE),
    Field("enabled", bool, True),
    Field("units", str, "", size=40),
    Field("writable", bool, None, nullable=True),
    Field("default", object, None),
    Field("driver_settings", dict, {}),
)
DEVICE_IDENTITY = ("driver_type", "device_address", "rpc_base_url", "rpc_entrypoint", "driver_settings")
"""What makes a device another one for those who have written to it."""

POINT_IDENTITY = ("object_identifier", "property_identifier", "driver_settings")

SHOWN_ONLY = frozenset((
    "id", "device_id", "version", "created_at", "updated_at", "last_value", "last_polled_at", "last_error",
    "last_good_at", "quality", "age_s",
))  # fmt: skip
"""Members of an answer that may be sent back and change nothing."""


def _address_of(device: Mapping[str, Any], settings: Mapping[str, Scalar]) -> DeviceAddress:
    """What a driver gets of a device; the upstream's members for its gateway are settings like any other there."""
    gateway = {name: device[name] for name in ("rpc_base_url", "rpc_entrypoint")}
    return DeviceAddress(device["id"], device["name"], device["device_address"], {**gateway, **settings})


def device_address(device: Device, registry: DriverRegistry) -> DeviceAddress:
    """A device as its driver is given it. Raises `UnknownDriver`, and `InvalidObject` for its settings."""
    settings = checked(registry.find(device.driver_type).SETTINGS, device.driver_settings)
    return _address_of(device._asdict(), settings)


def point_address(point: Point, registry: DriverRegistry, driver_type: str) -> PointAddress:
    """A point as its driver is given it. Raises `UnknownDriver`, and `InvalidObject` for its settings."""
    settings = checked(registry.find(driver_type).POINT_SETTINGS, point.driver_settings)
    return PointAddress(point.id, point.object_identifier, point.property_identifier, settings)


def changes_of(body: Any) -> Any:
    """A body without what is only shown."""
    if not isinstance(body, Mapping):
        return body
    return {name: value for name, value in body.items() if name not in SHOWN_ONLY}


def check_device(fields: Mapping[str, Any], registry: DriverRegistry) -> None:
    """Raises `InvalidObject` for a device that its driver cannot have."""
    try:
        driver = registry.find(fields["driver_type"])
    except UnknownDriver as fault:
        raise InvalidObject([Problem(("body", "driver_type"), "literal_error", str(fault))]) from None
    settings = checked(driver.SETTINGS, fields["driver_settings"], within=("body", "driver_settings"))
    try:
        driver.check_device(_address_of({"id": "", **fields}, settings))
    except ValueError as fault:
        raise InvalidObject([Problem(("body", "device_address"), "value_error", str(fault))]) from None


def check_point(fields: Mapping[str, Any], driver_type: str, registry: DriverRegistry) -> None:
    """Raises `InvalidObject` for a point that its device's driver cannot have."""
    try:
        driver = registry.find(driver_type)
    except UnknownDriver:
        return  # the device says so itself, and a point may be put right all the same
    settings = checked(driver.POINT_SETTINGS, fields["driver_settings"], within=("body", "driver_settings"))
    try:
        driver.check_point(PointAddress("", fields["object_identifier"], fields["property_identifier"], settings))
    except ValueError as fault:
        raise InvalidObject([Problem(("body", "object_identifier"), "value_error", str(fault))]) from None
