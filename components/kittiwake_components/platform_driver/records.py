"""What a device and a point are in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.named_tuple import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kittiwake_components.platform_driver.drivers.interface import Scalar


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
