"""What a device and a point are in the registry, what may be said of them, and what is known of a point's value."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from kittiwake.model.types import U8, wire_enum
from kittiwake_components.platform_driver.drivers.interface import DeviceAddress, PointAddress, Scalar
from kittiwake_components.platform_driver.drivers.registry import DriverRegistry, UnknownDriver
from kittiwake_components.platform_driver.fields import Field, InvalidObject, Problem, checked

NAME_SIZE = 120
PATH_SIZE = 2 * NAME_SIZE + 1
IDENTIFIER_SIZE = 120
INTERVAL_S = (0.1, 3600.0)
MAX_DEVICES = 1000
MAX_POINTS = 50_000


@wire_enum(U8, name="Components.DeviceStatus")
class DeviceStatus(IntEnum):
    """How a device is (the upstream's words, and one more)."""

    IDLE = 0
    """It is disabled, or was not polled yet."""
    RUNNING = 1
    """Its last poll has brought values."""
    ERROR = 2
    """Its last poll has failed; it is tried again."""
    STOPPED = 3
    """Its loop has ended."""
    FAILED = 4
    """It cannot work as it is: its driver cannot be made, breaks, or hangs for good. It is tried again, rarely."""


class Device(NamedTuple):
    """A device of the registry. `version` counts its changes."""

    id: str
    name: str
    driver_type: str
    device_address: str
    rpc_base_url: str | None
    rpc_entrypoint: str | None
    scrape_interval_seconds: float
    enabled: bool
    driver_settings: Mapping[str, Scalar]
    version: int
    created_at: str
    updated_at: str

    def address(self, registry: DriverRegistry) -> DeviceAddress:
        """The device as its driver is given it. Raises `UnknownDriver`, and `InvalidObject` for its settings."""
        settings = checked(registry.find(self.driver_type).SETTINGS, self.driver_settings)
        return _address_of(self._asdict(), settings)


class Point(NamedTuple):
    """A point of the registry."""

    id: str
    device_id: str
    name: str
    object_identifier: str
    property_identifier: str
    enabled: bool
    units: str
    writable: bool | None
    default: Scalar
    driver_settings: Mapping[str, Scalar]
    version: int
    created_at: str
    updated_at: str

    @property
    def label(self) -> str:
        """What it is called within its device: its name, or its identifier where it has none."""
        return self.name or self.object_identifier

    def address(self, registry: DriverRegistry, driver_type: str) -> PointAddress:
        """The point as its driver is given it. Raises `UnknownDriver`, and `InvalidObject` for its settings."""
        settings = checked(registry.find(driver_type).POINT_SETTINGS, self.driver_settings)
        return PointAddress(self.id, self.object_identifier, self.property_identifier, settings)


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


def split_path(path: str) -> tuple[str, str]:
    """Device and point of a path, at its last slash. Raises `ValueError` for a path without one."""
    device, slash, point = path.strip("/").rpartition("/")
    if not slash:
        raise ValueError(f"{path!r} is no path of a point: it has no slash")
    return device.strip("/"), point
