"""Whole deployments on a machine in memory, from their topology files.

    with SimulatedDeployment(Path("topologies/orchard.yaml")) as simulated:
        simulated.run_for(3600)
        assert simulated.instance("CdhCore.health").handler_failures == 0

An hour of a small deployment takes a fraction of a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kittiwake.platform.simulated import SimulatedPlatform
from kittiwake.runtime.deployment import Deployment
from kittiwake.storage.root import Root
from kittiwake.testing.disk import put_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

    from kittiwake.model.component import Component

ROOT = "/kittiwake"


class SimulatedDeployment:
    """The deployment of a topology file, started. `deployment` is the present one, `platform` its machine.

    `settings` replaces settings of instances, `files` are put into its root before the start, and `seed` decides all
    that is random. Raises `Faults` for a topology with faults.
    """

    def __init__(
        self, topology: Path, *, settings: Mapping[str, Mapping[str, Any]] | None = None,
        files: Mapping[str, bytes] | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        from kittiwake.topology.compile import load_topology
        from kittiwake.topology.image import build_image

        self.image = build_image(load_topology(topology))
        self.platform = SimulatedPlatform(seed)
        self._settings = settings
        self.platform.files.make_folders(ROOT)
        self.platform.files.sync_folder("/")
        for name, data in (files or {}).items():
            put_file(self.platform.files, Root(self.platform.files, ROOT).resolve(name), data)
        self._start()

    def _start(self) -> None:
        self.deployment = Deployment(self.image, self.platform, Root(self.platform.files, ROOT), self._settings)
        self.deployment.start()

    def run_for(self, seconds: float) -> None:
        """Lets virtual time pass, with all that is due in it."""
        self.deployment.run_for(seconds)

    def instance(self, name: str) -> Component:
        """The instance of that qualified name. Raises `LookupError`."""
        return self.deployment.instances[name]

    def crash(self, off_s: float = 0.0) -> None:
        """Cuts the power, and starts anew with what the disk has kept."""
        self.platform = self.platform.crash(off_ns=round(off_s * 1e9))
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.deployment.stop()


def compiled_sequence(sequence: Path, topology: Path) -> bytes:
    """The binary form of a sequence's text for a deployment. Raises `OSError` and `Faults`."""
    from kittiwake.cli.dictionary_option import dictionary_of
    from kittiwake.sequence.compile import compile_text
    from kittiwake.topology.compile import load_topology

    dictionary = dictionary_of(load_topology(topology), str(topology))
    return compile_text(sequence.read_text(encoding="utf-8"), str(sequence), dictionary)
