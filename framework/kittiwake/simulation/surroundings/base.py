"""One part of a deployment's surroundings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from kittiwake.platform.seeded import SeededRandom
    from kittiwake.platform.simulated import SimulatedPlatform
    from kittiwake.runtime.image import Image
    from kittiwake.simulation.machine import Machine


class Part:
    """Made once for a mission, and handed each machine as it starts. What a subclass does not need it leaves out."""

    def __init__(self, image: Image, random: SeededRandom) -> None:
        self.image = image
        self.random = random

    @classmethod
    def fits(cls, image: Image) -> bool:
        """Whether the deployment has what this is for."""
        raise NotImplementedError

    def settings(self) -> dict[str, dict[str, Any]]:
        """Settings of instances that lead the deployment here instead of to real hardware."""
        return {}

    def install(self, machine: Machine) -> None:
        """Puts onto the disk what a new device has there."""

    def meet(self, platform: SimulatedPlatform) -> None:
        """A machine has got its power; the deployment is about to start."""

    def started(self, machine: Machine) -> None:
        """The deployment has started."""

    def turn(self, machine: Machine, now_ns: int) -> None:
        """A while has passed."""

    def went_dark(self) -> None:
        """The machine has lost its power, or its process was killed."""

    def link_changed(self, is_up: bool, now_ns: int) -> None:
        """The ground can be heard, or not any more."""

    def heard(self, packet: bytes, now_ns: int) -> None:
        """A packet has come down."""

    def packets(self, now_ns: int) -> Iterable[bytes]:
        """What the ground sends for this part."""
        return ()

    def kept(self) -> Mapping[str, bytes]:
        """Files that must stand on the disk, by their names in the root: nobody else has them."""
        return {}

    def devices(self) -> list[str]:
        """What can fail, as NAME or NAME:WAY."""
        return []

    def fail(self, device: str) -> None:
        """One of `devices` fails until it is mended."""

    def mend(self, device: str) -> None:
        """It works again."""

    def values(self) -> Mapping[str, Callable[[float], None]]:
        """What a scenario may set, by name."""
        return {}

    def gauges(self) -> Mapping[str, float]:
        """What the summary draws, by name."""
        return {}

    def first_commands(self) -> list[str]:
        """Command lines that the ground sends before anything else."""
        return []

    def commands(self) -> list[str]:
        """Command lines that the ground sends to a deployment with this part."""
        return []


def instances_of(image: Image, kind: str) -> list[str]:
    """The qualified names of an image's instances of a component class."""
    return [name for name, cls, *_ in image["instances"] if _class_name(cls) == kind]


def _class_name(cls: Any) -> str:
    return cls.rpartition(":")[2] if isinstance(cls, str) else str(cls.__name__)


def own_settings(image: Image, instance: str) -> dict[str, Any]:
    """The settings that the topology gives an instance."""
    found: dict[str, Any] = next(own for name, *_, own in image["instances"] if name == instance)
    return found


__all__ = ["Part", "instances_of", "own_settings"]
