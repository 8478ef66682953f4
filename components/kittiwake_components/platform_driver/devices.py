"""What a device and a point are in the registry."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from kittiwake.model.types import U8, wire_enum

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake_components.platform_driver.drivers.interface import Scalar

NAME_SIZE = 120
PATH_SIZE = 2 * NAME_SIZE + 1
IDENTIFIER_SIZE = 120


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


def split_path(path: str) -> tuple[str, str]:
    """Device and point of a path, at its last slash. Raises `ValueError` for a path without one."""
    device, slash, point = path.strip("/").rpartition("/")
    if not slash:
        raise ValueError(f"{path!r} is no path of a point: it has no slash")
    return device.strip("/"), point
