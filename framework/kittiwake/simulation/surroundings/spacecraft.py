"""A satellite around a deployment with devices of one: it stays what it is while its computer restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kittiwake.simulation.spacecraft import CELLS, FACES, LIGHTS, spacecraft_of
from kittiwake.simulation.surroundings.base import Part, instances_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake.runtime.image import Image
    from kittiwake.simulation.machine import Machine
    from kittiwake.simulation.spacecraft import Spacecraft


class SpacecraftPart(Part):
    """Its devices fail as unplugged ones do. The deployment's own SimulatedSpacecraft launches and restores it."""

    _craft: Spacecraft | None = None
    _broken: frozenset[str] = frozenset()

    @classmethod
    def fits(cls, image: Image) -> bool:
        return bool(instances_of(image, "SimulatedSpacecraft"))

    def started(self, machine: Machine) -> None:
        self._craft = spacecraft_of(machine.platform)
        self._craft.broken |= self._broken

    def devices(self) -> list[str]:
        return [
            "imu", "antenna", "rails/sys", "rails/solar", *[f"light/{name}" for name in LIGHTS],
            *[f"thermometers/{name}" for name in (*FACES, *CELLS)], *[f"switches/{name}" for name in FACES],
        ]  # fmt: skip

    def fail(self, device: str) -> None:
        self._set_broken(self._broken | {device})

    def mend(self, device: str) -> None:
        self._set_broken(self._broken - {device})

    def _set_broken(self, broken: frozenset[str]) -> None:
        self._broken = broken
        if self._craft is not None:
            self._craft.broken = set(broken)

    def values(self) -> Mapping[str, Callable[[float], None]]:
        def set_charge(value: float) -> None:
            if self._craft is not None:
                self._craft.battery.charge = value

        def set_panel(value: float) -> None:
            if self._craft is not None:
                self._craft.panel_w = value

        return {"battery.charge": set_charge, "panel_w": set_panel}

    def gauges(self) -> Mapping[str, float]:
        craft = self._craft
        if craft is None:
            return {}
        craft.update()
        drawn_w, made_w = craft.loads.total_w(), craft.generated_w()
        volts = craft.battery.terminal_v(drawn_w - made_w)
        return {"charge %": craft.battery.charge * 100, "battery V": volts, "drawn W": drawn_w, "panel W": made_w}


__all__ = ["SpacecraftPart"]
