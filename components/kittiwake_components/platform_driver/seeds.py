"""The devices that a new registry has from the first: the upstream's example, and those that a topology simulates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.named_tuple import NamedTuple
from kittiwake_components.platform_driver.devices import split_path
from kittiwake_components.platform_driver.drivers.registry import DriverRegistry
from kittiwake_components.platform_driver.fields import checked
from kittiwake_components.platform_driver.schema import DEVICE_FIELDS, POINT_FIELDS, check_device, check_point

if TYPE_CHECKING:
    from collections.abc import Mapping

SIMULATED = "simulated"


class Seed(NamedTuple):
    """A device and its points by their ids, each with the members that it has."""

    id: str
    device: Mapping[str, Any]
    points: Mapping[str, Mapping[str, Any]]


EXAMPLE = Seed(
    "seed-example-vav",
    {"name": "Example VAV (disabled)", "driver_type": "stub", "device_address": "0"},
    {
        "seed-point-space-temp": {"name": "Space temperature", "object_identifier": "analog-input,1"},
        "seed-point-occ": {"name": "Occupancy", "object_identifier": "binary-value,1"},
    },
)


def simulated(points: Mapping[str, str], interval_s: float = 5.0) -> list[Seed]:
    """Simulated devices with points: path -> object. They are enabled, and polled each `interval_s`.

    Raises `ValueError` for what the registry would not take.
    """
    registry = DriverRegistry()
    devices: dict[str, dict[str, Mapping[str, Any]]] = {}
    for path, object_identifier in points.items():
        device, label = split_path(path)
        if f"{device}/{label}" != path:
            raise ValueError(f"{path!r} is no path of a point such as lab/room/Fan")
        fields = checked(POINT_FIELDS, {"name": label, "object_identifier": object_identifier}, within=(path,))
        check_point(fields, SIMULATED, registry)
        there = devices.setdefault(device, {})
        there[f"seed-{SIMULATED}-{len(devices)}-{len(there) + 1}"] = fields
    found = []
    for number, (name, there) in enumerate(devices.items(), 1):
        members = {
            "name": name, "driver_type": SIMULATED, "device_address": name, "enabled": True,
            "scrape_interval_seconds": interval_s,
        }  # fmt: skip
        fields = checked(DEVICE_FIELDS, members, within=(name,))
        check_device(fields, registry)
        found.append(Seed(f"seed-{SIMULATED}-{number}", fields, there))
    return found
