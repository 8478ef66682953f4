"""The main unit of a simulated device through its lives: it starts, runs, and goes dark, in the world's time.

The world's time is nanoseconds since the mission began. It goes on while the machine is dark; the machine's own clock
since boot begins anew with each start.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from kittiwake.platform.simulated import WALL_START_NS, SimulatedPlatform
from kittiwake.runtime.exit_status import COLD_RESET, FACTORY_RESET
from kittiwake.simulation.witness import Bystander, EventTable, WitnessedDeployment
from kittiwake.storage import factory_reset
from kittiwake.storage.root import Root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kittiwake.platform.seeded import SeededRandom
    from kittiwake.runtime.image import Image
    from kittiwake.simulation.witness import Witness

ROOT = "/device"


class Machine:
    """One device. `life` counts its starts, `deployment` runs in the present one, and is `None` in the dark."""

    def __init__(
        self, image: Image, seed: int, settings: Mapping[str, Mapping[str, Any]],
        witness: Witness | None = None,
    ) -> None:  # fmt: skip
        self.image = image
        self.settings = settings
        self.life = 0
        self.deployment: WitnessedDeployment | None = None
        self.platform = SimulatedPlatform(seed, wall_start_ns=WALL_START_NS, counts_dispatches=True)
        self.wall_offset_ns = 0
        """By how much the machine's wall clock is wrong where it starts next."""
        self._witness = witness or Bystander()
        self._table = EventTable()
        self._offset_ns = 0
        self._searched: object = None
        self._found: dict[str, list[Any]] = {}
        self.platform.files.make_folder(ROOT)
        self.platform.files.sync_folder("/")

    def boot(self, now_ns: int, prepare: Callable[[SimulatedPlatform], None]) -> None:
        """Starts the deployment; `prepare` puts the hardware around the machine first. Raises `PowerCut`."""
        platform = self.platform
        self._offset_ns = now_ns - platform.clock.now_ns()
        self.life += 1
        self.deployment = None
        prepare(platform)
        if factory_reset.is_ordered(platform.files, ROOT):
            factory_reset.carry_out(platform.files, ROOT)
        deployment = WitnessedDeployment(
            self.image, platform, Root(platform.files, ROOT), self.settings, self._witness, self._table
        )
        self.deployment = deployment
        deployment.start()

    def now_ns(self) -> int:
        """The world's time, by the machine's clock."""
        return self._offset_ns + self.platform.clock.now_ns()

    def run_until(self, world_ns: int) -> None:
        """Lets the deployment run. Returns early where it asks to be stopped. Raises `PowerCut`."""
        assert self.deployment is not None
        self.deployment.main.run_until(world_ns - self._offset_ns)

    def instances(self, kind: str) -> list[Any]:
        """The instances of a component class, by the class's name, and of those made from it; none in the dark."""
        deployment = self.deployment
        if deployment is None:
            return []
        if deployment is not self._searched:
            self._searched, self._found = deployment, {}
        if kind not in self._found:
            self._found[kind] = [
                one for one in deployment.instances.values() if any(cls.__name__ == kind for cls in type(one).__mro__)
            ]
        return self._found[kind]

    def go_dark(self, off_ns: int, random: SeededRandom | None = None) -> None:
        """The power is gone for `off_ns`; what was not synced may be lost, by `random` or the machine's own seed."""
        self.deployment = None
        self.platform = self.platform.crash(random, off_ns=off_ns)

    def end_process(self) -> None:
        """The process is killed where it stands; the disk keeps what the system had."""
        self.deployment = None
        self.platform = self.platform.restart()

    def is_to_be_cycled(self) -> bool:
        """Whether the deployment has ended and wants the power to be off before it starts again."""
        deployment = self.deployment
        return deployment is not None and deployment.exit_status in (COLD_RESET, FACTORY_RESET)

    def place(self, name: str, data: bytes) -> None:
        """Puts a file into the root as another processor of the device would: durable, and unnoticed."""
        disk = self.platform.files.disk
        path = f"{ROOT}/{name.lstrip('/')}"
        modified_ns = self.platform.clock.wall_ns()
        for end in range(len(ROOT), len(path)):
            if path[end] == "/" and not disk.exists(path[:end]):
                disk.make(path[:end], is_folder=True, modified_ns=modified_ns)
                disk.sync_folder(posixpath.dirname(path[:end]))
        inode = disk.make(path, is_folder=False, modified_ns=modified_ns)
        inode.write(0, data)
        inode.settle()
        disk.sync_folder(posixpath.dirname(path))

    def read(self, name: str) -> bytes | None:
        """What the disk holds under a name in the root, unnoticed by the device; `None` if there is no such file."""
        try:
            return bytes(self.platform.files.disk.file(f"{ROOT}/{name.lstrip('/')}").data)
        except OSError:
            return None


__all__ = ["ROOT", "Machine"]
