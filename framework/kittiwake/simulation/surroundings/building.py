"""A building around a deployment that drives devices: it keeps what was written while the controller restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.simulation.building import Building, settle_on
from kittiwake.simulation.surroundings.base import Part, instances_of, own_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from kittiwake.platform.simulated import SimulatedPlatform
    from kittiwake.runtime.image import Image

PLACE = "campus/b1"
UNITS = ("ahu1", "meter", "zone1")
WAYS = ("hang", "refuse")
OPERATIONS = ("open", "read", "write")


class BuildingPart(Part):
    """Devices hang or refuse. A controller whose registry is empty is given some devices by the ground's commands."""

    def __init__(self, image: Image, random: Any) -> None:
        super().__init__(image, random)
        self.building = Building()
        self._drivers = instances_of(image, "PlatformDriver")
        seeded = [own_settings(image, name).get("simulated_points") for name in self._drivers]
        self._units = ["lab/room"] if any(seeded) else list(UNITS)

    @classmethod
    def fits(cls, image: Image) -> bool:
        return bool(instances_of(image, "PlatformDriver"))

    def meet(self, platform: SimulatedPlatform) -> None:
        settle_on(platform, self.building)

    def devices(self) -> list[str]:
        return [f"{unit}:{way}" for unit in self._units for way in WAYS]

    def fail(self, device: str) -> None:
        name, _, way = device.partition(":")
        unit = self.building.device(name)
        if way == "hang":
            unit.hangs |= set(OPERATIONS)
        else:
            unit.fails |= dict.fromkeys(OPERATIONS, "simulated fault")

    def mend(self, device: str) -> None:
        unit = self.building.device(device.partition(":")[0])
        unit.hangs.clear()
        unit.fails.clear()

    def values(self) -> Mapping[str, Callable[[float], None]]:
        def setter(unit: str, point: str) -> Callable[[float], None]:
            def set_value(value: float) -> None:
                self.building.device(unit).point(point).resting = value

            return set_value

        return {f"{unit}.{point}": setter(unit, point) for unit in self._units for point in ("analog-input,1",)}

    def commands(self) -> list[str]:
        driver = self._drivers[0]
        if self._units == ["lab/room"]:
            return [f'{driver}.WRITE_POINT "lab/room/SetPoint", "21.5", 8, 60', f'{driver}.POLL_NOW "lab/room"']
        lines = []
        for unit in self._units:
            place = f"{PLACE}/{unit}"
            lines += [
                f'{driver}.DEVICE_ADD "{place}", "simulated", "{unit}", ""',
                f'{driver}.POINT_ADD "{place}", "Value", "analog-input,1", ""',
                f'{driver}.POINT_ADD "{place}", "Set", "analog-value,1", "{{\\"writable\\": true}}"',
                f'{driver}.DEVICE_ENABLE "{place}", ENABLED',
                f'{driver}.WRITE_POINT "{place}/Set", "21.5", 8, 60',
                f'{driver}.RELOAD "{place}"',
            ]
        return lines


__all__ = ["BuildingPart"]
