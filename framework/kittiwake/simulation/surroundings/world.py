"""All that stands around one deployment: the parts that fit it, and the link to its ground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.runtime.deployment import component_class
from kittiwake.simulation.ground import URL
from kittiwake.simulation.surroundings.base import instances_of, own_settings
from kittiwake.simulation.surroundings.building import BuildingPart
from kittiwake.simulation.surroundings.jobs import JobsPart
from kittiwake.simulation.surroundings.power import Power, PowerUnitPart
from kittiwake.simulation.surroundings.sensors import SensorsPart
from kittiwake.simulation.surroundings.spacecraft import SpacecraftPart
from kittiwake.simulation.surroundings.transfers import EnrolmentPart, TransfersPart
from kittiwake.wire.framing import FramingParameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kittiwake.platform.seeded import SeededRandom
    from kittiwake.platform.simulated import SimulatedPlatform
    from kittiwake.runtime.image import Image
    from kittiwake.simulation.ground import Ground
    from kittiwake.simulation.machine import Machine
    from kittiwake.simulation.surroundings.base import Part

PARTS: tuple[type[Part], ...] = (
    PowerUnitPart, SpacecraftPart, BuildingPart, JobsPart, EnrolmentPart, TransfersPart, SensorsPart,
)  # fmt: skip
"""The parts that are known, in the order in which they have their turns."""


class World:
    """The surroundings of one mission. A deployment that no part fits has its ground alone."""

    def __init__(self, image: Image, random: SeededRandom, parts: Iterable[type[Part]] = PARTS) -> None:
        self.image = image
        self.parts = [part(image, random.fork()) for part in parts if part.fits(image)]
        units = [part for part in self.parts if isinstance(part, PowerUnitPart)]
        self.power: Power = units[0].power if units else Power()
        self._is_up = False
        self.link = (instances_of(image, "Link") or [""])[0]

    def settings(self) -> dict[str, dict[str, Any]]:
        """Settings that lead the deployment's instances to these surroundings."""
        merged: dict[str, dict[str, Any]] = {self.link: {"url": URL}} if self.link else {}
        for part in self.parts:
            for instance, own in part.settings().items():
                merged.setdefault(instance, {}).update(own)
        return merged

    def framing(self) -> tuple[str, FramingParameters]:
        """How the link frames: the settings of the framer and the deframer beside it."""
        beside = self.link.rpartition(".")[0]
        down = self._settings_of(f"{beside}.framer")
        up = self._settings_of(f"{beside}.deframer")
        parameters = FramingParameters(
            spacecraft_id=up.get("spacecraft_id", FramingParameters().spacecraft_id),
            vcid=up.get("vcid", FramingParameters().vcid),
            frame_size=down.get("frame_size", FramingParameters().frame_size),
        )
        return str(up.get("framing", "ccsds")), parameters

    def _settings_of(self, instance: str) -> dict[str, Any]:
        for name, path, *_ in self.image["instances"]:
            if name == instance:
                declared = component_class(path).__declarations__.settings
                defaults = {setting.name: setting.default for setting in declared.values()}
                return {**defaults, **own_settings(self.image, instance)}
        return {}

    def meet(self, platform: SimulatedPlatform) -> None:
        """A machine has got its power."""
        for part in self.parts:
            part.meet(platform)

    def started(self, machine: Machine) -> None:
        """The deployment has started."""
        for part in self.parts:
            part.started(machine)

    def turn(self, machine: Machine, now_ns: int) -> None:
        """A while has passed."""
        for part in self.parts:
            part.turn(machine, now_ns)

    def went_dark(self) -> None:
        """The machine has lost its power, or its process was killed."""
        for part in self.parts:
            part.went_dark()

    def exchange(self, ground: Ground, now_ns: int) -> None:
        """The ground's other ends have their turn."""
        if ground.is_connected is not self._is_up:
            self._is_up = ground.is_connected
            for part in self.parts:
                part.link_changed(self._is_up, now_ns)
        for part in self.parts if self._is_up else ():
            for packet in part.packets(now_ns):
                ground.send(packet)

    def heard(self, packet: bytes, now_ns: int) -> None:
        """A packet has come down."""
        for part in self.parts:
            part.heard(packet, now_ns)

    def kept(self) -> dict[str, bytes]:
        """Files that must stand on the disk."""
        return {name: data for part in self.parts for name, data in part.kept().items()}

    def devices(self) -> list[str]:
        """All that can fail."""
        return [device for part in self.parts for device in part.devices()]

    def owner_of(self, device: str) -> Part:
        """The part that a device belongs to. Raises `LookupError`."""
        for part in self.parts:
            if device in part.devices():
                return part
        raise LookupError(device)

    def values(self) -> Mapping[str, Callable[[float], None]]:
        """What a scenario may set."""
        return {name: setter for part in self.parts for name, setter in part.values().items()}

    def gauges(self) -> Mapping[str, float]:
        """What the summary draws."""
        return {name: value for part in self.parts for name, value in part.gauges().items()}

    def first_commands(self) -> list[str]:
        """Command lines that the ground sends before anything else."""
        return [line for part in self.parts for line in part.first_commands()]

    def commands(self) -> list[str]:
        """Command lines that make sense to this deployment."""
        return [line for part in self.parts for line in part.commands()]


__all__ = ["PARTS", "World"]
